package terminal

import tea "charm.land/bubbletea/v2"

// resumeScreen offers to resume an unfinished attempt of an earlier front end.
type resumeScreen struct {
	confirmScreen
	leave abandonAttempt
}

// unfinishedText explains why an attempt is offered.
const unfinishedText = "It was started earlier and is not finished."

func newResumeScreen(target, title string) *resumeScreen {
	leave := abandonAttempt{target, title}
	return &resumeScreen{leave: leave, confirmScreen: confirmScreen{
		title: "Continue with " + title + "?",
		text:  []string{unfinishedText},
		menu: menu{items: []item{
			{"Continue", "where it stopped", connect{target, title}},
			{"Cancel it", "cancels the attempt", leave},
		}},
	}}
}

// handle makes Esc cancel the attempt, as everywhere.
func (s *resumeScreen) handle(msg tea.Msg) intent {
	i := s.menu.handle(msg)
	if _, back := i.(goBack); back {
		return s.leave
	}
	return i
}

func (s *resumeScreen) keys() []key {
	return []key{{"↑↓", "choose"}, {"enter", "select"}, {"esc", "cancel it"}}
}
