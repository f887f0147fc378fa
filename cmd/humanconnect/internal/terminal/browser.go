package terminal

import (
	"errors"
	"strings"
	"time"

	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"

	"github.com/humanconnect/humanconnect/sdk"
)

// browserScreen waits for a browser, and accepts a pasted redirect URL, for a browser that cannot reach the redirect URI.
// The first of both wins.
type browserScreen struct {
	waitingScreen
	step  sdk.OpenURL
	input textinput.Model
	// notOpened is why no browser was started, or nil; fault is why the pasted text was refused, until it changes.
	notOpened error
	fault     string
	// pasted is the last paste as it came, with its lines; "" once the text is edited.
	pasted string
	// copied: the URL was sent to the clipboard of the terminal.
	copied bool
}

// maxPasted is the longest pasted text, in characters.
const maxPasted = 2 * maxURL

func newBrowserScreen(title string, step sdk.OpenURL, now time.Time) *browserScreen {
	s := &browserScreen{
		step: step, input: newInput(),
		waitingScreen: waitingScreen{title: title, doing: "Waiting for the browser to return", since: now, until: step.ExpiresAt},
	}
	s.input.CharLimit = maxPasted
	s.input.Focus()
	return s
}

func (s *browserScreen) handle(msg tea.Msg) intent {
	switch pressed(msg) {
	case "esc":
		return goBack{}
	case "ctrl+y":
		s.copied = true
		return copyURL{s.step.URL}
	case "enter":
		if blank(s.input.Value()) {
			return nil
		}
		if s.pasted != "" {
			return pasteURL{s.pasted}
		}
		return pasteURL{s.input.Value()}
	}
	before, pasted := s.input.Value(), ""
	if p, ok := msg.(tea.PasteMsg); ok {
		if before == "" {
			pasted = p.Content
		}
		msg = tea.PasteMsg{Content: strings.Join(strings.Fields(p.Content), " ")} // one line shows it
	}
	s.input, _ = s.input.Update(msg)
	if s.input.Value() != before {
		s.fault, s.copied, s.pasted = "", false, pasted
	}
	return nil
}

// refuse shows why a redirect URL was refused, and clears the input.
func (s *browserScreen) refuse(why string) {
	s.fault, s.pasted = why, ""
	s.input.SetValue("")
}

func (s *browserScreen) keys() []key {
	if blank(s.input.Value()) {
		return []key{{"ctrl+y", "copy the URL"}, {"esc", "cancel"}}
	}
	return []key{{"enter", "send the URL"}, {"esc", "cancel"}}
}

func (s *browserScreen) draw(l canvas) []string {
	above, where, below := append([]string{l.title.Render(cut(s.title, l.width)), ""}, s.above(l)...), drawURL(l, s.step.URL), s.below(l)
	if len(where)+leastAround > l.height {
		where = l.wrapped(l.warn, "The URL does not fit: make the window larger.")
	}
	below = squeeze(below, max(l.height-len(where)-len(above), leastBelow))
	above = squeeze(above, l.height-len(where)-len(below))
	return append(append(above, where...), below...)
}

// The lines that are always shown besides the URL: the source and what to do, the input, and the progress line.
const (
	leastAround = 2 + leastBelow
	leastBelow  = 3
)

// above draws the lines above the URL.
func (s *browserScreen) above(l canvas) []string {
	signIn := append(l.wrapped(l.plain, "Sign in there and allow access, then return here. It continues automatically."), "")
	if l.height < lowHeight-4 {
		signIn = nil
	}
	switch {
	case s.notOpened == nil:
		return append(append([]string{l.strong.Render("Continue in the browser.")}, signIn...), l.dim.Render("If no page has opened, open this URL:"))
	case errors.Is(s.notOpened, ErrNoBrowser):
		return append(signIn, l.strong.Render(openURLText))
	}
	lines := l.wrapped(l.warn, "! The browser could not be started: "+text(s.notOpened.Error())+".")
	if signIn == nil {
		return lines
	}
	return append(append(lines, signIn...), l.strong.Render(openURLText))
}

// below draws the lines below the URL.
func (s *browserScreen) below(l canvas) []string {
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
