package terminal

import (
	"time"

	tea "charm.land/bubbletea/v2"
)

// What has happened to a session whose end has come while a person was at it.
const (
	overTitle = "The session has ended"
	overText  = "It expired or was closed. Completed changes are kept."
)

// endedTime is how long that stays to be read, where no key is pressed. Nothing waits for it but the response.
const endedTime = 10 * time.Second

// endedScreen is the last one of a session that has ended by itself.
type endedScreen struct {
	done  []string
	until time.Time
}

func (s *endedScreen) take(msg tea.Msg) intent {
	if pressed(msg) == "" {
		return nil
	}
	return finish{}
}

func (s *endedScreen) moves() bool { return false }

func (s *endedScreen) keys() []key { return []key{{"any key", "leave"}} }

func (s *endedScreen) draw(l look) []string {
	lines := append([]string{l.title.Render(overTitle), ""}, l.wrapped(l.plain, overText)...)
	if len(s.done) > 0 {
		lines = append(lines, "")
	}
	for _, t := range s.done {
		lines = append(lines, cut(l.good.Render("✓ ")+l.plain.Render(t), l.width))
	}
	return append(lines, "", l.dim.Render("This screen closes in "+atLeast(s.until.Sub(l.now))+"."))
}
