package terminal

import tea "charm.land/bubbletea/v2"

// resumeScreen offers to go on with an attempt that another front end of this session left behind.
type resumeScreen struct {
	confirmScreen
	leave leaveBehind
}

// begunBefore says why something is offered that nobody has asked for in this sitting.
const begunBefore = "It was started earlier and is not finished."

func newResumeScreen(target, title string) *resumeScreen {
	leave := leaveBehind{target, title}
	return &resumeScreen{leave: leave, confirmScreen: confirmScreen{
		title: "Continue with " + title + "?",
		text:  []string{begunBefore},
		menu: menu{items: []item{
			{"Continue", "where it stopped", connect{target, title}},
			{"Cancel it", "cancels the attempt", leave},
		}},
	}}
}

// take makes Esc leave the attempt, as it does everywhere.
func (s *resumeScreen) take(msg tea.Msg) intent {
	i := s.menu.take(msg)
	if _, back := i.(goBack); back {
		return s.leave
	}
	return i
}

func (s *resumeScreen) keys() []key {
	return []key{{"↑↓", "choose"}, {"enter", "select"}, {"esc", "cancel it"}}
}
