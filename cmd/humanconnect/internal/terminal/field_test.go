package terminal

import (
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"github.com/humanconnect/humanconnect/sdk"
)

// fills begins a form with one secret and one text.
func fills(t *testing.T) (*stage, *clinic) {
	t.Helper()
	c := &clinic{steps: []any{sdk.Form{Title: "Sign in", Fields: []sdk.Field{
		{ID: "pass", Label: "Password", Kind: sdk.KindSecret, Required: true},
		{ID: "note", Label: "Note", Kind: sdk.KindText},
	}}, sdk.Connected{}}}
	s := newStage(t, c, sources()).press("enter")
	s.await()
	return s, c
}

func TestValuesReachTheSourceUnchanged(t *testing.T) {
	for _, value := range []string{" leading and trailing ", "   ", "e\u0301", "\u00e9", "\u00a0x\u3000", "日本🧑‍⚕️", "a\\nb%s"} {
		for _, paste := range []bool{false, true} {
			s, c := fills(t)
			if paste {
				s.update(tea.PasteMsg{Content: value + "\r\n"})
			} else {
				s.press(value)
			}
			s.press("enter", value, "enter")
			s.await()
			s.await()
			got := c.replies[0].(sdk.FormValues).Values
			if got["pass"].Reveal() != value || got["note"].Reveal() != value {
				t.Errorf("pasted %v: %q and %q arrived, want %q", paste, got["pass"].Reveal(), got["note"].Reveal(), value)
			}
		}
	}
}

func TestInvalidInputIsRefusedWithAMessage(t *testing.T) {
	s, c := fills(t)
	for pasted, why := range map[string]string{
		"two\nlines": "more than one line", "a\tb": "control character", "a\xffb": "UTF-8",
		strings.Repeat("x", maxValue+1): "At most 4096 characters",
	} {
		s.update(tea.PasteMsg{Content: pasted})
		s.wants(why).lacks("•")
	}
	full := strings.Repeat("日", maxValue)
	s.update(tea.PasteMsg{Content: full})
	s.lacks("At most").press("x").wants("At most 4096 characters").press("tab", "enter")
	s.await()
	s.await()
	if got := c.replies[0].(sdk.FormValues).Values["pass"].Reveal(); got != full {
		t.Errorf("%d bytes arrived, want %d", len(got), len(full))
	}
}

func TestOptionalChoiceCanBeNone(t *testing.T) {
	c := &clinic{steps: []any{signIn(), sdk.Connected{}}}
	s := newStage(t, c, sources()).press("enter")
	s.await()
	s.press("ada", "tab", "x", "tab").wants("● none").press("up", "enter")
	s.await()
	s.await()
	if v, sent := c.replies[0].(sdk.FormValues).Values["site"]; sent {
		t.Errorf("%q was sent for a field that nobody filled in", v.Reveal())
	}
}
