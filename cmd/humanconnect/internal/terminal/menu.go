package terminal

import tea "charm.land/bubbletea/v2"

// menu is a list of a few things to do, one of which is chosen. Screens embed it.
type menu struct {
	items []item
	at    int
}

type item struct {
	label, note string
	wants       intent
}

func (m *menu) take(msg tea.Msg) intent {
	switch pressed(msg) {
	case "up", "shift+tab", "ctrl+p":
		m.at = (m.at + len(m.items) - 1) % len(m.items)
	case "down", "tab", "ctrl+n":
		m.at = (m.at + 1) % len(m.items)
	case "enter":
		return m.items[m.at].wants
	case "esc":
		return goBack{}
	}
	return nil
}

func (m *menu) lines(l look) []string {
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

// under draws the menu under what it is about. Where there is little room, what it is about gives way, and then the things to
// do are those around the chosen one.
func (m *menu) under(l look, about []string) []string {
	things := m.lines(l)
	about = squeeze(append(about, ""), max(l.height-len(things), 1))
	return append(about, around(things, m.at, l.height-len(about))...)
}

func (m *menu) moves() bool { return false }

func (m *menu) keys() []key { return []key{{"↑↓", "choose"}, {"enter", "select"}, {"esc", "back"}} }
