package terminal

import tea "charm.land/bubbletea/v2"

// menu is a short list of actions, one of which is chosen. Screens embed it.
type menu struct {
	items []item
	at    int
}

type item struct {
	label, note string
	intent      intent
}

func (m *menu) handle(msg tea.Msg) intent {
	switch pressed(msg) {
	case "up", "shift+tab", "ctrl+p":
		m.at = (m.at + len(m.items) - 1) % len(m.items)
	case "down", "tab", "ctrl+n":
		m.at = (m.at + 1) % len(m.items)
	case "enter":
		return m.items[m.at].intent
	case "esc":
		return goBack{}
	}
	return nil
}

func (m *menu) lines(l canvas) []string {
	var lines []string
	for i, it := range m.items {
		label := l.plain.Render(it.label)
		if i == m.at {
			label = l.strong.Render(it.label)
		}
		if it.note != "" {
			label += "  " + l.dim.Render(it.note)
		}
		lines = append(lines, l.marked(i == m.at, cut(label, l.width-2)))
	}
	return lines
}

// drawBelow draws the menu below the lines about. In a low terminal those are cut first, then the menu around the chosen
// action.
func (m *menu) drawBelow(l canvas, about []string) []string {
	things := m.lines(l)
	about = squeeze(append(about, ""), max(l.height-len(things), 1))
	return append(about, windowAround(things, m.at, l.height-len(about))...)
}

func (m *menu) animated() bool { return false }

func (m *menu) keys() []key { return []key{{"↑↓", "choose"}, {"enter", "select"}, {"esc", "back"}} }
