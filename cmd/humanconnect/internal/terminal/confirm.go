package terminal

// confirmScreen asks before an action that cannot be undone.
type confirmScreen struct {
	menu
	title string
	text  []string
}

func (s *confirmScreen) draw(l canvas) []string {
	lines := []string{l.title.Render(cut(s.title, l.width)), ""}
	for _, t := range s.text {
		lines = append(lines, l.wrapped(l.plain, t)...)
	}
	return s.drawBelow(l, lines)
}

func confirmDisconnect(d askDisconnect) *confirmScreen {
	return &confirmScreen{
		title: "Disconnect " + d.title + inParentheses(d.account) + "?",
		text:  []string{"The source is asked to revoke the access. You can connect it again at any time."},
		menu: menu{items: []item{
			{"Disconnect", "", disconnect{d.target, d.title}},
			{"Keep it", "", goBack{}},
		}},
	}
}

// inParentheses formats an account after the name of a source.
func inParentheses(account string) string {
	if account == "" {
		return ""
	}
	return " (" + account + ")"
}

// confirmFinish asks whether the person is done, and lists the changes and failures.
func confirmFinish(done, failed []string) *confirmScreen {
	s := &confirmScreen{
		title: "Are you done?",
		text:  []string{"Nothing was changed."},
		menu:  menu{items: []item{{"Finish", "closes the session", finish{}}, {"Continue", "", goBack{}}}},
	}
	var text []string
	for _, t := range done {
		text = append(text, "✓ "+t)
	}
	for _, t := range failed {
		text = append(text, "✗ "+t)
	}
	if len(text) > 0 {
		s.text = text
	}
	return s
}
