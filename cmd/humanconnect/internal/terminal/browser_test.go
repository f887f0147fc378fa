package terminal

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"github.com/humanconnect/humanconnect/sdk"
)

func atTheBrowser(t *testing.T, c *clinic) *stage {
	t.Helper()
	c.steps = append([]any{sdk.OpenURL{URL: "https://clinic.example/authorize?client_id=demo"}}, c.steps...)
	s := newStage(t, c, sources()).press("enter")
	s.await()
	return s
}

func TestPastedURLIsAcceptedDuringABrowserStep(t *testing.T) {
	c := &clinic{redirect: "http://127.0.0.1:1/callback?code=x", back: make(chan struct{}, 1), steps: []any{sdk.Connected{}}}
	s := atTheBrowser(t, c)
	s.press("nonsense", "enter")
	s.await()
	s.shows("browser-refused").lacks("> nonsense").press("h").lacks("contains no redirect URL").press("backspace")
	s.update(tea.PasteMsg{Content: "http://127.0.0.1:1/call\n  back?code=x\n"})
	s.press("enter")
	s.await()
	s.wants("Contacting the source")
	s.await()
	s.await()
	s.wants("City Clinic is connected.")
}

func TestBrowserThatCannotBeStartedKeepsTheStep(t *testing.T) {
	for picture, no := range map[string]error{
		"browser-none": ErrNoBrowser, "browser-failed": errors.New("xdg-open: exit status 3"),
	} {
		c := &clinic{hold: true, noBrowser: no}
		s := atTheBrowser(t, c)
		s.await()
		s.shows(picture)
		s.update(tea.WindowSizeMsg{Width: 40, Height: 12})
		s.shows(picture + "-40x12").press("esc")
		for range 3 {
			s.await()
		}
		s.wants("type to sea")
	}
}

func TestURLIsShownWholeOrNotAtAll(t *testing.T) {
	c := &clinic{hold: true, steps: []any{sdk.OpenURL{URL: "https://clinic.example/authorize?state=" + strings.Repeat("0123456789", 40)}}}
	s := newStage(t, c, sources()).press("enter")
	s.await()
	whole := strings.Join(strings.Fields(s.picture()), "")
	if !strings.Contains(whole, strings.Repeat("0123456789", 40)) {
		t.Errorf("the address is cut in\n%s", s.picture())
	}
	s.update(tea.WindowSizeMsg{Width: 40, Height: 12})
	s.wants("does not fit").lacks("https://")
}

func TestURLIsCopiedToTheClipboardOfTheTerminal(t *testing.T) {
	s := atTheBrowser(t, &clinic{hold: true})
	_, cmd := s.d.Update(tea.KeyPressMsg{Code: 'y', Mod: tea.ModCtrl})
	if cmd == nil {
		t.Fatal("nothing is copied")
	}
	if got := fmt.Sprintf("%s", cmd()); got != "https://clinic.example/authorize?client_id=demo" {
		t.Errorf("%q is copied", got)
	}
	s.wants("The URL is copied").press("x").lacks("The URL is copied")
}
