package terminal

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"

	"github.com/humanconnect/humanconnect/sdk"
)

// maxValue is the longest value of a field, in characters.
const maxValue = 4096

// field is one field of a form on the screen.
type field struct {
	sdk.Field
	input textinput.Model
	// choice is the index of the chosen value; -1 is none, for an optional field.
	choice int
	// fault is why the value was refused, until it changes.
	fault string
}

func newField(f sdk.Field) *field {
	input := newInput()
	input.CharLimit = maxValue
	out := &field{Field: f, input: input}
	out.choice = out.first()
	if out.hidden() {
		out.input.EchoMode = textinput.EchoPassword
		out.input.EchoCharacter = '•'
	}
	return out
}

// hidden says whether the value is masked.
func (f *field) hidden() bool { return f.Kind == sdk.KindSecret }

func (f *field) value() string {
	if f.Kind != sdk.KindChoice {
		return f.input.Value()
	}
	if f.choice < 0 || f.choice >= len(f.Choices) {
		return ""
	}
	return f.Choices[f.choice].Value
}

// first is the first index to choose.
func (f *field) first() int {
	if f.Required {
		return 0
	}
	return -1
}

// missing says whether a required value is missing. A secret may consist of blanks.
func missing(f sdk.Field, value string) bool {
	return f.Required && (value == "" || f.Kind != sdk.KindSecret && blank(value))
}

// handle changes the value; it returns false if the key is not for the field.
func (f *field) handle(msg tea.Msg) bool {
	if f.Kind == sdk.KindChoice {
		return f.choose(pressed(msg))
	}
	switch pressed(msg) {
	case "up", "down":
		return false
	}
	if p, ok := msg.(tea.PasteMsg); ok {
		p.Content = strings.TrimRight(p.Content, "\r\n") // the end of the line that was copied
		if f.fault = unfit(f.input.Value(), p.Content); f.fault != "" {
			return true
		}
		msg = p
	}
	before := f.input.Value()
	f.input, _ = f.input.Update(msg)
	switch k, typed := msg.(tea.KeyPressMsg); {
	case f.input.Value() != before:
		f.fault = ""
	case typed && k.Text != "":
		f.fault = unfit(before, k.Text)
	}
	return true
}

// unfit says why a text cannot be added to a value, or "". No text is truncated or changed silently.
func unfit(value, more string) string {
	switch {
	case !utf8.ValidString(more):
		return "The text is not valid UTF-8. Nothing was entered."
	case strings.ContainsAny(more, "\r\n"):
		return "The text has more than one line. Nothing was entered."
	case strings.ContainsFunc(more, unicode.IsControl):
		return "The text has a tab or another control character. Nothing was entered."
	case utf8.RuneCountInString(value)+utf8.RuneCountInString(more) > maxValue:
		return fmt.Sprintf("At most %d characters are allowed. The rest was dropped.", maxValue)
	}
	return ""
}

func (f *field) choose(press string) bool {
	switch press {
	case "up", "left", "k":
		f.choice = max(f.choice-1, f.first())
	case "down", "right", "j", "space":
		f.choice = min(f.choice+1, len(f.Choices)-1)
	default:
		return false
	}
	f.fault = ""
	return true
}

// line is the index of the line that must be visible.
func (f *field) line() int {
	if f.Kind == sdk.KindChoice {
		return 1 + f.choice - f.first()
	}
	return 0
}

// draw shows the label, the value, and its error, else its help text.
func (f *field) draw(l canvas, chosen bool) []string {
	title := l.dim.Render(label(f.Field))
	if chosen {
		title = l.strong.Render(label(f.Field))
	}
	lines := []string{l.marked(chosen, title)}
	if f.Kind == sdk.KindChoice {
		lines = append(lines, f.drawChoices(l, chosen)...)
	} else {
		lines = append(lines, l.marked(chosen, f.drawInput(l)))
	}
	inner := l
	inner.width -= 2
	switch help := text(f.Help); {
	case f.fault != "":
		for _, line := range inner.wrapped(l.bad, "✗ "+f.fault) {
			lines = append(lines, l.marked(chosen, line))
		}
	case help != "" && chosen:
		for _, line := range inner.wrapped(l.dim, help) {
			lines = append(lines, l.marked(chosen, line))
		}
	}
	return lines
}

func (f *field) drawInput(l canvas) string {
	f.input.SetStyles(inputStyles(l))
	f.input.SetWidth(max(l.width-6, 10))
	if f.input.Value() == "" && !f.input.Focused() {
		return l.dim.Render("—")
	}
	return f.input.View()
}

func (f *field) drawChoices(l canvas, chosen bool) []string {
	var lines []string
	for i := f.first(); i < len(f.Choices); i++ {
		title := "none"
		if i >= 0 {
			title = firstOf(name(f.Choices[i].Label), name(f.Choices[i].Value))
		}
		mark := l.dim.Render("○ ")
		if i == f.choice {
			mark, title = l.accent.Render("● "), l.plain.Render(title)
		} else {
			title = l.dim.Render(title)
		}
		lines = append(lines, l.marked(chosen, mark+title))
	}
	return lines
}
