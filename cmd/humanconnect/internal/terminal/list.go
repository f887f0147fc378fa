package terminal

import (
	"slices"
	"strings"
	"time"

	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"

	"github.com/humanconnect/humanconnect/core/session"
	"github.com/humanconnect/humanconnect/core/source"
	"github.com/humanconnect/humanconnect/sdk"
)

// row is a source in the list, with the connections of the user.
type row struct {
	source, title, group string
	connections          []session.Connected
	// offered: the source can be connected; else only disconnected.
	offered bool
	// retired by its vendor: it is listed, and not offered.
	retired bool
	// renews: the provider refreshes credentials automatically.
	renews bool
	// allowed by the token.
	allowed bool
	sourceOutcome
}

// sourceOutcome is the last change of a source in this session, in a word, and the failure of the last action, if any.
type sourceOutcome struct{ did, failed string }

// before returns the outcomes of an earlier front end, and its changes in order.
func (o Options) before() (outcomes map[string]sourceOutcome, done []string) {
	outcomes = make(map[string]sourceOutcome)
	for _, d := range o.Before {
		one := outcomes[d.Source]
		if d.Failed != "" {
			one.failed = text(d.Failed)
			outcomes[d.Source] = one
			continue
		}
		one.did = didDisconnect
		if d.Connected {
			one.did = didConnect
		}
		outcomes[d.Source] = one
		done = append(done, name(d.Name)+" is "+one.did+".")
	}
	return outcomes, done
}

// rowsOf joins the catalogue and the connections of the user. Connections of sources that are no longer offered come
// last. A source that the token does not allow is listed only if it is connected.
func rowsOf(sources []source.Source, connections []session.Connected, allows func(string) bool, outcomes map[string]sourceOutcome) []row {
	var rows []row
	at := make(map[string]int)
	for _, s := range sources {
		at[s.ID] = len(rows)
		rows = append(rows, row{
			source: s.ID, title: name(s.Name), group: name(s.Group), offered: !s.Retired(), retired: s.Retired(),
			renews: slices.Contains(s.Capabilities, sdk.CapabilityRefresh), allowed: allows(s.ID), sourceOutcome: outcomes[s.ID],
		})
	}
	for _, c := range connections {
		i, known := at[c.Source]
		if !known {
			i, at[c.Source] = len(rows), len(rows)
			rows = append(rows, row{
				source: c.Source, title: name(c.SourceName), group: "No longer offered", allowed: allows(c.Source), sourceOutcome: outcomes[c.Source],
			})
		}
		rows[i].connections = append(rows[i].connections, c)
	}
	return slices.DeleteFunc(rows, func(r row) bool { return !r.allowed && len(r.connections) == 0 })
}

// matches says whether a row contains every word of a search, as the catalogue searches.
func (r row) matches(words []string) bool {
	s := strings.ToLower(r.source + "\n" + r.title + "\n" + r.group)
	return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(s, w) })
}

// account is the label of a connection of a source, else its number if there are several.
func (r row) account(i int) string {
	label := name(r.connections[i].AccountLabel)
	if label == "" && len(r.connections) > 1 {
		return "account " + itoa(i+1)
	}
	return label
}

// trouble says why the user should connect again: access has ended, or will soon; "" where it has not.
func (r row) trouble(c session.Connected, now time.Time) string {
	switch {
	case !r.renews && !c.ExpiresAt.IsZero() && !now.Before(c.ExpiresAt):
		return "access expired " + day(c.ExpiresAt)
	case c.NeedsReconnect:
		return "access has ended"
	case c.Expiring:
		return "access ends " + day(c.ReconnectBy)
	}
	return ""
}

// state describes a source in a few words.
func (r row) state(l canvas) string {
	var parts []string
	if c := r.connected(l); c != "" {
		parts = append(parts, c)
	}
	if r.failed != "" {
		parts = append(parts, l.bad.Render("✗ "+r.failed))
	}
	return strings.Join(parts, "  ")
}

func (r row) connected(l canvas) string {
	if len(r.connections) == 0 {
		switch now := r.now(); {
		case now != "":
			return l.dim.Render(now)
		case r.retired:
			return l.dim.Render(isRetired)
		}
		return ""
	}
	accounts, ended := r.accounts(l.now)
	if len(ended) > 0 {
		return l.warn.Render("! " + strings.Join(ended, ", "))
	}
	more := ""
	if len(accounts) > 0 {
		more = " as " + strings.Join(accounts, ", ")
	}
	if now := r.now(); now != "" {
		more += ", " + now
	}
	return l.good.Render("● connected") + l.dim.Render(more)
}

const isRetired = "retired"

// now describes the change of a source in this session.
func (r row) now() string {
	switch {
	case r.did == "":
		return ""
	case len(r.connections) > 0 && r.did == didConnect:
		return "in this session"
	}
	return r.did + " in this session"
}

// What was done with a source.
const (
	didConnect    = "connected"
	didDisconnect = "disconnected"
)

// accounts lists the accounts of a source, and a text for each whose access has ended or will soon.
func (r row) accounts(now time.Time) (accounts, ended []string) {
	for i, c := range r.connections {
		account := r.account(i)
		if account != "" {
			accounts = append(accounts, account)
		}
		if trouble := r.trouble(c, now); trouble != "" {
			ended = append(ended, strings.TrimPrefix(account+": "+trouble, ": ")+", connect again")
		}
	}
	return accounts, ended
}

// list is the first screen: the sources by group, filtered by the search.
type list struct {
	rows   []row
	search textinput.Model
	at     int
	loaded bool
	notice notice
}

// notice is the outcome of the last action.
type notice struct {
	text string
	good bool
}

func newList() *list {
	search := newInput()
	search.Placeholder = "type to search"
	search.CharLimit = maxName
	search.Focus()
	return &list{search: search}
}

// set changes what is listed.
func (s *list) set(rows []row) {
	s.keep(func() { s.rows, s.loaded = rows, true })
}

// home clears the search and keeps the chosen source.
func (s *list) home() {
	s.keep(func() { s.search.SetValue("") })
}

// keep changes the list and keeps the chosen source chosen.
func (s *list) keep(change func()) {
	chosen := ""
	if shown := s.shown(); s.at < len(shown) {
		chosen = shown[s.at].source
	}
	change()
	s.at = max(slices.IndexFunc(s.shown(), func(r row) bool { return r.source == chosen }), 0)
}

func (s *list) shown() []row {
	words := strings.Fields(strings.ToLower(s.search.Value()))
	if len(words) == 0 {
		return s.rows
	}
	var out []row
	for _, r := range s.rows {
		if r.matches(words) {
			out = append(out, r)
		}
	}
	return out
}

func (s *list) handle(msg tea.Msg) intent {
	shown := s.shown()
	last := max(len(shown)-1, 0)
	switch pressed(msg) {
	case "up", "ctrl+p":
		s.at = max(s.at-1, 0)
	case "down", "ctrl+n":
		s.at = min(s.at+1, last)
	case "pgup":
		s.at = max(s.at-pageRows, 0)
	case "pgdown":
		s.at = min(s.at+pageRows, last)
	case "home":
		s.at = 0
	case "end":
		s.at = last
	case "enter":
		if s.at < len(shown) {
			return chosen(shown[s.at])
		}
	case "esc":
		if s.search.Value() == "" {
			return goBack{}
		}
		s.search.SetValue("")
		s.at = 0
	default:
		s.narrow(msg)
	}
	return nil
}

// pageRows is how far a page key moves.
const pageRows = 10

// narrow changes the search, and chooses the first match. A first / is the mark before the search, and no part of it.
func (s *list) narrow(msg tea.Msg) {
	before := s.search.Value()
	s.search, _ = s.search.Update(msg)
	if text, marked := strings.CutPrefix(s.search.Value(), "/"); marked {
		at := s.search.Position()
		s.search.SetValue(text)
		s.search.SetCursor(max(at-1, 0))
	}
	if s.search.Value() != before {
		s.at = 0
	}
}

// chosen connects an unconnected source, and opens a connected one.
func chosen(r row) intent {
	if len(r.connections) > 0 {
		return openSource{r}
	}
	return connect{r.source, r.title}
}

func (s *list) animated() bool { return false }

func (s *list) keys() []key {
	back := key{"esc", "finish"}
	if s.search.Value() != "" {
		back.does = "clear the search"
	}
	shown := s.shown()
	if s.at >= len(shown) {
		return []key{back}
	}
	does := "connect"
	if len(shown[s.at].connections) > 0 {
		does = "open"
	}
	return []key{{"↑↓", "choose"}, {"enter", does}, back}
}

const nothingOffered = "No sources to connect: no provider is installed, or the session token allows none of its sources."

func (s *list) draw(l canvas) []string {
	s.search.SetStyles(inputStyles(l))
	s.search.SetWidth(max(l.width-30, 10))
	lines := []string{spread(l.accent.Render("/ ")+s.search.View(), l.dim.Render(s.count()), l.width), ""}
	if s.notice.text != "" {
		lines = append(lines, s.notice.draw(l), "")
	}
	shown := s.shown()
	switch {
	case !s.loaded:
		return append(lines, l.dim.Render("Loading sources …"))
	case len(s.rows) == 0:
		return append(lines, l.wrapped(l.dim, nothingOffered)...)
	case len(shown) == 0:
		return append(lines, l.wrapped(l.dim, "No source matches. Esc clears the search.")...)
	}
	return append(lines, s.window(l, shown, l.height-len(lines))...)
}

func (n notice) draw(l canvas) string {
	if n.good {
		return l.good.Render("✓ ") + cut(n.text, l.width-2)
	}
	return l.warn.Render("! ") + cut(n.text, l.width-2)
}

func (s *list) count() string {
	connected := 0
	for _, r := range s.rows {
		if len(r.connections) > 0 {
			connected++
		}
	}
	return plural(len(s.shown()), "source") + ", " + itoa(connected) + " connected"
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return itoa(n) + " " + what + "s"
}

// window draws as many lines around the chosen row as fit.
func (s *list) window(l canvas, shown []row, height int) []string {
	var lines []string
	chosenLine, group := 0, ""
	for i, r := range shown {
		if r.group != group {
			if i > 0 {
				lines = append(lines, "")
			}
			lines = append(lines, l.dim.Render(cut(strings.ToUpper(r.group), l.width)))
			group = r.group
		}
		if i == s.at {
			chosenLine = len(lines)
		}
		lines = append(lines, s.line(l, r, i == s.at))
	}
	if len(lines) <= height {
		return lines
	}
	room := max(height-1, 1)
	from := min(max(chosenLine-room/2, 0), len(lines)-room)
	more := ""
	if rest := len(lines) - from - room; rest > 0 {
		more = l.dim.Render("  ↓ more")
	}
	return append(slices.Clone(lines[from:from+room]), more)
}

// nameColumn is how wide the column of names is at most.
const nameColumn = 34

func (s *list) line(l canvas, r row, chosen bool) string {
	wide := min(nameColumn, l.width*2/5)
	title := l.plain.Render(cut(r.title, wide))
	if chosen {
		title = l.strong.Render(cut(r.title, wide))
	}
	state := r.state(l)
	if state == "" && chosen {
		state = l.dim.Render("enter connects it")
	}
	return l.marked(chosen, cut(pad(title, wide)+"  "+state, l.width-2))
}

// rowOf returns the row of a target, which may be a connection; a new row for a source that is not listed.
func rowOf(rows []row, target string) row {
	for _, r := range rows {
		has := slices.ContainsFunc(r.connections, func(c session.Connected) bool { return string(c.ID) == target })
		if r.source == target || has {
			return r
		}
	}
	return row{source: target, title: target}
}
