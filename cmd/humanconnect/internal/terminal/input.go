package terminal

import (
	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"
)

// newInput is a line to type on. A paste comes from the terminal: no program is started to read the clipboard.
func newInput() textinput.Model {
	input := textinput.New()
	input.Prompt = ""
	input.KeyMap.Paste.SetEnabled(false)
	return input
}

// inputStyles are those of every text that is typed.
func inputStyles(l canvas) textinput.Styles {
	state := textinput.StyleState{Text: l.plain, Placeholder: l.dim, Suggestion: l.dim, Prompt: l.accent}
	return textinput.Styles{Focused: state, Blurred: state, Cursor: textinput.CursorStyle{Color: l.cursor, Shape: tea.CursorBlock}}
}
