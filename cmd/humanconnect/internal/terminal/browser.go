package terminal

import (
	"errors"
	"strings"
	"time"

	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"

	"github.com/humanconnect/humanconnect/sdk"
)

// browserScreen tells that it goes on in the browser, and takes the address that the browser ended at, for a browser that
// cannot come back by itself. Whatever comes first counts.
type browserScreen struct {
	waitingScreen
	step  sdk.OpenURL
	input textinput.Model
	// no is why no browser is on its way, or nil; fault is why what was pasted was not taken, until it changes.
	no    error
	fault string
	// copied says that the address was given to the terminal to be copied.
	copied bool
}

// maxPasted is how much can be pasted, in characters.
const maxPasted = 2 * maxAddress

func newBrowserScreen(title string, step sdk.OpenURL, now time.Time) *browserScreen {
	s := &browserScreen{
		step: step, input: newInput(),
		waitingScreen: waitingScreen{title: title, doing: "Waiting for the browser to return", since: now, until: step.ExpiresAt},
	}
	s.input.CharLimit = maxPasted
	s.input.Focus()
	return s
}

func (s *browserScreen) take(msg tea.Msg) intent {
	switch pressed(msg) {
	case "esc":
		return goBack{}
	case "ctrl+y":
		s.copied = true
		return copyAddress{s.step.URL}
	case "enter":
		if blank(s.input.Value()) {
			return nil
		}
		return pasteAddress{s.input.Value()}
	}
	if p, ok := msg.(tea.PasteMsg); ok {
		msg = tea.PasteMsg{Content: strings.Join(strings.Fields(p.Content), "")} // it was copied from several lines
	}
	before := s.input.Value()
	s.input, _ = s.input.Update(msg)
	if s.input.Value() != before {
		s.fault, s.copied = "", false
	}
	return nil
}

// refuse says why an address was not taken, and makes room for another.
func (s *browserScreen) refuse(why string) {
	s.fault = why
	s.input.SetValue("")
}

func (s *browserScreen) keys() []key {
	if blank(s.input.Value()) {
		return []key{{"ctrl+y", "copy the URL"}, {"esc", "cancel"}}
	}
	return []key{{"enter", "send the URL"}, {"esc", "cancel"}}
}

func (s *browserScreen) draw(l look) []string {
	above, where, below := append([]string{l.title.Render(cut(s.title, l.width)), ""}, s.above(l)...), address(l, s.step.URL), s.below(l)
	if len(where)+leastAround > l.height {
		where = l.wrapped(l.warn, "The URL does not fit: make the window larger.")
	}
	below = squeeze(below, max(l.height-len(where)-len(above), leastBelow))
	above = squeeze(above, l.height-len(where)-len(below))
	return append(append(above, where...), below...)
}

// What is seen of the screen besides the address in any case: the source and what to do, where to paste, and the line that
// moves.
const (
	leastAround = 2 + leastBelow
	leastBelow  = 3
)

// above stands above the address.
func (s *browserScreen) above(l look) []string {
	signIn := append(l.wrapped(l.plain, "Sign in there and allow access, then return here. It continues automatically."), "")
	if l.height < lowHeight-4 {
		signIn = nil
	}
	switch {
	case s.no == nil:
		return append(append([]string{l.strong.Render("Continue in the browser.")}, signIn...), l.dim.Render("If no page has opened, open this URL:"))
	case errors.Is(s.no, ErrNoBrowser):
		return append(signIn, l.strong.Render(openByYourself))
	}
	lines := l.wrapped(l.warn, "! The browser could not be started: "+text(s.no.Error())+".")
	if signIn == nil {
		return lines
	}
	return append(append(lines, signIn...), l.strong.Render(openByYourself))
}

// below stands below the address.
func (s *browserScreen) below(l look) []string {
	s.input.SetStyles(inputStyles(l))
	s.input.SetWidth(max(l.width-6, 10))
	lines := []string{"", l.dim.Render(cut(pasteQuestion, l.width)), l.accent.Render("> ") + s.input.View()}
	if s.fault != "" {
		lines = append(lines, l.wrapped(l.bad, "✗ "+s.fault)...)
	}
	if s.copied && s.fault == "" {
		lines = append(lines, l.wrapped(l.dim, "The URL is copied, if this terminal supports it.")...)
	}
	return append(lines, "", s.line(l))
}
