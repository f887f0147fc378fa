package terminal

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/core/session"
	"github.com/humanconnect/humanconnect/core/source"
	"github.com/humanconnect/humanconnect/sdk"
)

// texts are what sources are called and say; the widths of their characters differ.
func texts() map[string]string {
	return map[string]string{
		"short": "City", "long": strings.Repeat("Städtisches Krankenhaus ", 20), "one word": strings.Repeat("x", 400),
		"cjk": strings.Repeat("東京都立病院", 40), "emoji": strings.Repeat("🧑‍⚕️🏥👩🏽‍🔬", 40), "combining": strings.Repeat("e\u0301a\u0308", 100),
		"right to left": strings.Repeat("בית חולים ", 30),
	}
}

// shownWith makes each screen, filled with a text. What it returns beside has to be seen, whatever the size.
func shownWith(t *testing.T, what string) map[string]struct {
	s    *stage
	seen string
} {
	t.Helper()
	at := func(c *clinic, keys ...string) *stage {
		var many []source.Source
		for i := range 40 {
			many = append(many, offer(fmt.Sprintf("s%d", i), what, fmt.Sprintf("%s %d", what, i/3)))
		}
		many[0].ID = "clinic"
		s := newStage(t, c, many).press(keys...)
		return s
	}
	steps := func(step any) *stage {
		s := at(&clinic{steps: []any{step}, hold: true, noBrowser: errors.New(what)}, "enter")
		s.await()
		return s
	}
	var accounts []session.Connected
	for i := range 9 {
		accounts = append(accounts, session.Connected{
			ID: "con_1", Source: "clinic", SourceName: what, AccountLabel: fmt.Sprintf("%d %s", i, what), Since: noon(),
			ExpiresAt: noon().Add(time.Duration(i-5) * time.Hour),
		})
	}
	refused := failure.New(failure.InvalidInput, "%s", what)
	refused.Field = "a"
	var choices []sdk.Choice
	for i := range 50 {
		choices = append(choices, sdk.Choice{Value: "v", Label: fmt.Sprintf("number %d %s", i, what)})
	}
	form := sdk.Form{Title: what, Text: what, Fields: []sdk.Field{
		{ID: "a", Label: what, Help: what, Kind: sdk.KindText, Required: true},
		{ID: "b", Label: what, Kind: sdk.KindChoice, Choices: choices, Required: true},
		{ID: "c", Label: "last " + what, Kind: sdk.KindSecret},
	}}
	failed := failure.New(failure.RateLimited, "%s", what)
	failed.RetryAfter, failed.Setting = time.Minute, what
	failing := at(&clinic{steps: []any{failed}}, "enter")
	failing.await()
	failing.await()
	code := sdk.ShowCode{
		UserCode: "WDJB-MJHT", VerificationURI: "https://clinic.example/device", VerificationURIComplete: "https://clinic.example/device?code=WDJB-MJHT",
		ExpiresAt: noon().Add(time.Hour),
	}
	ended := at(&clinic{err: session.ErrEnded})
	ended.d.shown.(*sessionEndedScreen).done = []string{what, what, what}
	return map[string]struct {
		s    *stage
		seen string
	}{
		"list":             {at(&clinic{connections: accounts}, "down", "down"), "▌ "},
		"search":           {at(&clinic{}, "zzzzz"), "No source matches"},
		"source":           {at(&clinic{connections: accounts}, "enter", "down", "down", "down"), "▌ Disconnect 1"},
		"form":             {steps(form), "▌ "},
		"form with choice": {steps(form).press("tab", "down", "down", "down", "down", "down", "down"), "● number 6"},
		"form at its end":  {steps(form).press("tab", "tab", "tab"), "▌ Send"},
		"refused form":     {steps(session.Prompt{Step: form, Again: refused}), "▌ "},
		"code":             {steps(code), "WDJB-MJHT"},
		"browser":          {steps(sdk.OpenURL{URL: "https://clinic.example/" + what}), "the URL"},
		"wait":             {steps(sdk.Wait{Text: what, ExpiresAt: noon().Add(time.Hour)}), "Waiting"},
		"failure":          {failing, "▌ Try again"},
		"disconnect":       {at(&clinic{connections: accounts}, "enter", "down", "enter"), "▌ Disconnect"},
		"finish":           {at(&clinic{}, "esc"), "▌ Finish"},
		"half done":        {at(&clinic{halfDone: []string{"clinic"}}), "▌ Continue"},
		"empty":            {newStage(t, &clinic{}, nil), "No sources to connect"},
		"ended":            {ended, "The session has ended"},
	}
}

func TestEveryScreenFitsWhateverItSaysAndHowOftenItIsResized(t *testing.T) {
	sizes := []tea.WindowSizeMsg{{Width: 80, Height: 24}, {Width: 40, Height: 12}, {Width: 200, Height: 50}, {Width: 24, Height: 8}, {Width: 80, Height: 24}}
	for kind, what := range texts() {
		for screen, c := range shownWith(t, what) {
			for _, size := range sizes {
				c.s.update(size)
				c.s.update(tickMsg{})
				where := fmt.Sprintf("%s, %s, %dx%d", screen, kind, size.Width, size.Height)
				if size.Width >= 40 {
					c.s.fits(where, c.seen)
				} else {
					c.s.fits(where, "")
				}
			}
		}
	}
}

// fits wants that nothing is larger than the terminal, and that something is seen.
func (s *stage) fits(where, seen string) {
	s.t.Helper()
	picture := s.picture()
	lines := strings.Split(strings.TrimSuffix(picture, "\n"), "\n")
	if len(lines) > s.d.height {
		s.t.Errorf("%s: %d lines", where, len(lines))
	}
	for i, line := range lines {
		if w := ansi.StringWidth(line); w > s.d.width {
			s.t.Errorf("%s: line %d is %d wide: %s", where, i+1, w, line)
		}
	}
	if !strings.Contains(picture, seen) {
		s.t.Errorf("%s: %q is not seen in\n%s", where, seen, picture)
	}
}

func TestWrappingKeepsMarksWithTheirLetters(t *testing.T) {
	decomposed := strings.Repeat("e\u0301a\u0308", 40)
	for width := 10; width < 20; width++ {
		lines := canvas{width: width, styles: newStyles(true)}.wrapped(newStyles(true).plain, decomposed)
		for _, line := range lines {
			if strings.HasPrefix(line, "\u0301") || strings.HasPrefix(line, "\u0308") || ansi.StringWidth(line) > width {
				t.Errorf("at a width of %d there is the line %q", width, line)
			}
		}
		if got := strings.Join(lines, ""); got != decomposed {
			t.Errorf("at a width of %d it becomes %q", width, got)
		}
	}
}
