package terminal

// sourceScreen shows a connected source: its connections, and the actions on them.
type sourceScreen struct {
	menu
	row row
}

const notAllowed = "The session token does not allow changes to this source."

func newSourceScreen(r row) *sourceScreen {
	s := &sourceScreen{row: r}
	for i, c := range r.connections {
		if !r.allowed {
			break
		}
		account, of := r.account(i), ""
		if len(r.connections) > 1 {
			of = " " + account
		}
		if r.offered {
			s.items = append(s.items, item{"Connect" + of + " again", "renews the access", connect{string(c.ID), r.title}})
		}
		s.items = append(s.items, item{"Disconnect" + of, "revokes the access", askDisconnect{string(c.ID), r.title, account}})
	}
	if r.allowed && r.offered {
		s.items = append(s.items, item{"Connect another account", "", connect{r.source, r.title}})
	}
	s.items = append(s.items, item{"Back to the list", "", goBack{}})
	return s
}

func (s *sourceScreen) draw(l canvas) []string {
	lines := []string{l.title.Render(cut(s.row.title, l.width))}
	if s.row.group != "" {
		lines = append(lines, l.dim.Render(cut(s.row.group, l.width)))
	}
	lines = append(lines, "")
	for i := range s.row.connections {
		lines = append(lines, s.connection(l, i))
	}
	if s.row.failed != "" {
		lines = append(lines, cut(l.bad.Render("✗ "+s.row.failed), l.width))
	}
	if !s.row.allowed {
		lines = append(append(lines, ""), l.wrapped(l.warn, notAllowed)...)
	}
	return s.drawBelow(l, lines)
}

func (s *sourceScreen) connection(l canvas, i int) string {
	c, who := s.row.connections[i], s.row.account(i)
	if who == "" {
		who = "connected"
	}
	state := l.good.Render("● ") + l.plain.Render(who) + l.dim.Render("  since "+day(c.Since))
	if trouble := s.row.trouble(c, l.now); trouble != "" {
		state = l.warn.Render("! ") + l.plain.Render(who) + l.warn.Render("  "+trouble+": connect again")
	}
	return cut(state, l.width)
}
