package terminal

import (
	"time"

	tea "charm.land/bubbletea/v2"
)

// The texts for a session that ended while the screens were open.
const (
	sessionEndedTitle = "The session has ended"
	sessionEndedText  = "It expired or was closed. Completed changes are kept."
)

// sessionEndedTime is how long the screen is shown if no key is pressed. Only the response waits for it.
const sessionEndedTime = 10 * time.Second

// sessionEndedScreen is the last screen of a session that expired or was closed elsewhere.
type sessionEndedScreen struct {
	done  []string
	until time.Time
}

func (s *sessionEndedScreen) handle(msg tea.Msg) intent {
	if pressed(msg) == "" {
		return nil
	}
	return finish{}
}

func (s *sessionEndedScreen) animated() bool { return false }

func (s *sessionEndedScreen) keys() []key { return []key{{"any key", "leave"}} }

func (s *sessionEndedScreen) draw(l canvas) []string {
	lines := append([]string{l.title.Render(sessionEndedTitle), ""}, l.wrapped(l.plain, sessionEndedText)...)
	if len(s.done) > 0 {
		lines = append(lines, "")
	}
	for _, t := range s.done {
		lines = append(lines, cut(l.good.Render("✓ ")+l.plain.Render(t), l.width))
	}
	return append(lines, "", l.dim.Render("This screen closes in "+atLeast(s.until.Sub(l.now))+"."))
}
