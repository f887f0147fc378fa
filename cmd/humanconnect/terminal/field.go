package terminal

import (
	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"

	"github.com/humanconnect/humanconnect/sdk"
)

// maxValue is how long a value may be that is typed or pasted, in characters.
const maxValue = 4096

// field is one field of a form on the screen.
type field struct {
	sdk.Field
	input  textinput.Model
	choice int
	// fault is why the value was refused, until it changes.
	fault string
}

func newField(f sdk.Field) *field {
	input := newInput()
	input.CharLimit = maxValue
	out := &field{Field: f, input: input}
	if out.hidden() {
		out.input.EchoMode = textinput.EchoPassword
		out.input.EchoCharacter = '•'
	}
	return out
}

// hidden says whether the value is not to be seen.
func (f *field) hidden() bool { return f.Kind == sdk.KindSecret }

func (f *field) value() string {
	if f.Kind != sdk.KindChoice {
		return f.input.Value()
	}
	if len(f.Choices) == 0 {
		return ""
	}
	return f.Choices[f.choice].Value
}

func (f *field) missing() bool { return f.Required && blank(f.value()) }

// take changes the value; it says whether the key was meant for the field.
func (f *field) take(msg tea.Msg) bool {
	if f.Kind == sdk.KindChoice {
		return f.choose(pressed(msg))
	}
	switch pressed(msg) {
	case "up", "down":
		return false
	}
	before := f.input.Value()
	f.input, _ = f.input.Update(msg)
	if f.input.Value() != before {
		f.fault = ""
	}
	return true
}

func (f *field) choose(press string) bool {
	switch press {
	case "up", "left", "k":
		f.choice = max(f.choice-1, 0)
	case "down", "right", "j", "space":
		f.choice = min(f.choice+1, max(len(f.Choices)-1, 0))
	default:
		return false
	}
	f.fault = ""
	return true
}

// draw shows the label, the value, and beside it what is wrong with it, or else what helps.
func (f *field) draw(l look, chosen bool) []string {
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

func (f *field) drawInput(l look) string {
	f.input.SetStyles(inputStyles(l))
	f.input.SetWidth(max(l.width-6, 10))
	if f.input.Value() == "" && !f.input.Focused() {
		return l.dim.Render("—")
	}
	return f.input.View()
}

func (f *field) drawChoices(l look, chosen bool) []string {
	var lines []string
	for i, c := range f.Choices {
		title := name(c.Label)
		if title == "" {
			title = name(c.Value)
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
