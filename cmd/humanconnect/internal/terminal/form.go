package terminal

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/sdk"
)

// formScreen shows a form of a source. Errors are shown at their field.
type formScreen struct {
	source string
	form   sdk.Form
	fields []*field
	at     int
	// above is an error of the whole form.
	above string
}

// newFormScreen makes the screen of a form. before is the last answered form, or nil: a repeated form keeps its values,
// except a refused secret.
func newFormScreen(source string, form sdk.Form, again *failure.Failure, before *formScreen) *formScreen {
	s := &formScreen{source: source, form: form}
	for _, f := range form.Fields {
		s.fields = append(s.fields, newField(f))
	}
	if again == nil {
		s.focus(0)
		return s
	}
	wrong := s.find(again.Field)
	if before != nil {
		s.copyFrom(before)
	}
	if wrong < 0 {
		s.above = text(again.Message)
		s.focus(0)
		return s
	}
	f := s.fields[wrong]
	f.fault = text(again.Message)
	if f.hidden() {
		f.input.SetValue("")
	}
	s.focus(wrong)
	return s
}

func (s *formScreen) find(id string) int {
	for i, f := range s.fields {
		if f.ID == id {
			return i
		}
	}
	return -1
}

func (s *formScreen) copyFrom(before *formScreen) {
	for _, f := range s.fields {
		if i := before.find(f.ID); i >= 0 && before.fields[i].Kind == f.Kind {
			f.input.SetValue(before.fields[i].input.Value())
			f.choice = max(min(before.fields[i].choice, len(f.Choices)-1), f.first())
		}
	}
}

// focus moves to a field, or to the send line below the last one.
func (s *formScreen) focus(at int) {
	for _, f := range s.fields {
		f.input.Blur()
	}
	s.at = max(min(at, len(s.fields)), 0)
	if s.at < len(s.fields) {
		s.fields[s.at].input.Focus()
	}
}

func (s *formScreen) handle(msg tea.Msg) intent {
	switch pressed(msg) {
	case "esc":
		return goBack{}
	case "tab", "ctrl+n":
		s.focus(s.at + 1)
		return nil
	case "shift+tab", "ctrl+p":
		s.focus(s.at - 1)
		return nil
	case "enter":
		return s.enter()
	}
	if s.at < len(s.fields) && s.fields[s.at].handle(msg) {
		return nil
	}
	switch pressed(msg) {
	case "up":
		s.focus(s.at - 1)
	case "down":
		s.focus(s.at + 1)
	}
	return nil
}

// enter moves to the next field; on the last one it sends the form.
func (s *formScreen) enter() intent {
	if s.at+1 < len(s.fields) {
		s.focus(s.at + 1)
		return nil
	}
	for i, f := range s.fields {
		if missing(f.Field, f.value()) {
			f.fault = "This field is required."
			s.focus(i)
			return nil
		}
	}
	values := make(map[string]sdk.Secret)
	for _, f := range s.fields {
		if v := f.value(); v != "" || f.Required {
			values[f.ID] = sdk.Secret(v)
		}
	}
	return answerForm{values}
}

func (s *formScreen) animated() bool { return false }

func (s *formScreen) keys() []key {
	does := "next"
	if s.at+1 >= len(s.fields) {
		does = "send"
	}
	keys := []key{{"enter", does}}
	if s.at < len(s.fields) && s.fields[s.at].Kind == sdk.KindChoice {
		keys = append(keys, key{"↑↓", "choose"})
	}
	if len(s.fields) > 1 {
		keys = append(keys, key{"tab", "other field"})
	}
	return append(keys, key{"esc", "back"})
}

// draw shows the part of the form around the current field that fits.
func (s *formScreen) draw(l canvas) []string {
	title := name(s.form.Title)
	if title == "" {
		title = "Input required"
	}
	lines := []string{l.title.Render(cut(s.source, l.width)) + l.dim.Render("  ") + cut(l.dim.Render(title), l.width), ""}
	if t := text(s.form.Text); t != "" {
		lines = append(append(lines, l.wrapped(l.plain, t)...), "")
	}
	if s.above != "" {
		lines = append(append(lines, l.wrapped(l.bad, "✗ "+s.above)...), "")
	}
	chosen := len(lines)
	for i, f := range s.fields {
		if i == s.at {
			chosen = len(lines) + f.line()
		}
		lines = append(append(lines, f.draw(l, i == s.at)...), "")
	}
	send := l.dim.Render("Send")
	if s.at == len(s.fields) {
		send, chosen = l.strong.Render("Send"), len(lines)
	}
	lines = append(lines, l.marked(s.at == len(s.fields), send))
	for i := range lines {
		lines[i] = cut(lines[i], l.width)
	}
	return windowAround(lines, chosen, l.height)
}

// windowAround cuts lines to a height so that the line at is visible.
func windowAround(lines []string, at, height int) []string {
	if len(lines) <= height {
		return lines
	}
	from := min(max(at-height/3, 0), len(lines)-height)
	return lines[from : from+height]
}

// label is the label of a field, marked if it is optional.
func label(f sdk.Field) string {
	l := name(f.Label)
	if l == "" {
		l = f.ID
	}
	if !f.Required {
		l += " (optional)"
	}
	return l
}

// blank says whether a text is empty or white space.
func blank(s string) bool { return strings.TrimSpace(s) == "" }
