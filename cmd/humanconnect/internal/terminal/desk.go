package terminal

import (
	"context"
	"errors"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"

	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/core/session"
	"github.com/humanconnect/humanconnect/sdk"
)

// desk is the model of the screens: it holds the one that is shown, and dispatches. It belongs to the program's
// goroutine; work happens on others, which tell of themselves by messages.
type desk struct {
	o    Options
	work *work
	list *list

	shown screen
	// title is the name of the source at hand.
	title string
	// wanted is what is being done, to be tried again if it fails.
	wanted intent
	// leave cancels the attempt that is under way, or is nil.
	leave context.CancelCauseFunc
	// replies takes the values of the form that is shown.
	replies chan<- map[string]sdk.Secret
	form    *formScreen
	// paste takes an address while the browser is waited for.
	paste paster
	// halfDone is what has been begun before and is still to be offered.
	halfDone []string
	// so is what became of each source in this session, done what has been done, in its order.
	so   map[string]sitting
	done []string

	width, height int
	styles        styles
	now           time.Time
	// err is why it ended; nil if the person is done.
	err error
}

// Messages to the desk.
type (
	// loaded brings the connections of the user.
	// The first time, it brings what was left half done too.
	loaded struct {
		connections []session.Connected
		halfDone    []string
	}
	// asked is a form that the source at hand wants to have filled in.
	asked struct {
		form    sdk.Form
		again   *failure.Failure
		replies chan<- map[string]sdk.Secret
	}
	// showing is a step that there is nothing to answer to.
	showing struct{ prompt session.Prompt }
	// browsing is a step that goes on in a browser, and browsed its end; noBrowser says that none was opened, refused that
	// what was pasted is not wanted.
	browsing struct {
		step  sdk.OpenURL
		paste paster
	}
	browsed   struct{}
	noBrowser struct{ err error }
	refused   struct{ why string }
	// ended tells what became of an action; source is its id.
	ended struct {
		source string
		did    string
		err    error
	}
	// lost ends the screens.
	lost struct{ err error }
	tick struct{}
)

func newDesk(o Options, w *work) *desk {
	d := &desk{o: o, work: w, list: newList(), styles: newStyles(!light(o.Environ)), now: o.Clock.Now()}
	d.so, d.done = o.before()
	d.shown = d.list
	d.width, d.height = 80, 24
	return d
}

// Init implements [tea.Model].
func (d *desk) Init() tea.Cmd {
	d.work.begin()
	return tea.Batch(tea.RequestBackgroundColor, d.tick())
}

// Update implements [tea.Model]: it only dispatches.
func (d *desk) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	d.now = d.o.Clock.Now()
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		d.width, d.height = msg.Width, msg.Height
	case tea.BackgroundColorMsg:
		d.styles = newStyles(msg.IsDark())
	case tea.KeyPressMsg:
		return d, d.press(msg)
	case tea.PasteMsg:
		return d, d.want(d.shown.take(msg))
	case tick:
		return d, d.ticked()
	case loaded:
		if d.err != nil {
			return d, nil
		}
		d.list.set(rowsOf(d.o.Sources, msg.connections, d.o.Session.Allows, d.so))
		if len(msg.halfDone) > 0 {
			d.halfDone = msg.halfDone
			d.home()
		}
	case asked:
		d.ask(msg)
	case showing:
		d.show(msg.prompt)
	case browsing, browsed, noBrowser, refused:
		d.browse(msg)
	case ended:
		if d.err == nil {
			return d, d.ended(msg)
		}
	case lost:
		return d, d.end(msg.err)
	}
	return d, nil
}

// press takes the keys that mean the same everywhere, and hands the others on.
func (d *desk) press(k tea.KeyPressMsg) tea.Cmd {
	switch k.String() {
	case "ctrl+c":
		d.o.Interrupt()
		return nil
	case "ctrl+l": // something else wrote on the terminal
		return tea.ClearScreen
	}
	return d.want(d.shown.take(k))
}

// want does what the person wants.
func (d *desk) want(i intent) tea.Cmd {
	switch i := i.(type) {
	case goBack:
		d.back()
	case openSource:
		d.shown = newSourceScreen(i.row)
	case connect:
		d.wanted, d.title = i, i.title
		d.shown = asking(i.title, d.now)
		d.leave = d.work.connect(i, d.sourceOf(i.target))
	case leaveBehind:
		d.wanted, d.title = connect(i), i.title
		d.shown = goingBack(i.title, d.now)
		d.work.abandon(i, d.sourceOf(i.target))
	case askDisconnect:
		d.shown = confirmDisconnect(i)
	case disconnect:
		d.wanted, d.title = i, i.title
		d.shown = disconnecting(i.title, d.now)
		d.work.disconnect(i, d.sourceOf(i.target))
	case answerForm:
		d.form, _ = d.shown.(*formScreen)
		d.shown = asking(d.title, d.now)
		d.replies <- i.values // it has room for the one that it gets
	case pasteAddress:
		d.work.paste(d.paste, i.text)
	case copyAddress:
		return tea.SetClipboard(i.url)
	case finish:
		return tea.Quit
	}
	return nil
}

// titleOf is what the source of a target is called, with the account where the target is a connection.
func titleOf(rows []row, target string) string {
	r := rowOf(rows, target)
	for _, c := range r.connections {
		if string(c.ID) == target {
			return r.title + of(name(c.AccountLabel))
		}
	}
	return r.title
}

// sourceOf returns the source of a target, which may be a connection.
func (d *desk) sourceOf(target string) string { return rowOf(d.list.rows, target).source }

// back leaves what is shown: an attempt is cancelled, and the list asks whether the person is done.
func (d *desk) back() {
	switch {
	case d.leave != nil:
		d.shown = goingBack(d.title, d.now)
		d.leave(errBack)
	case d.shown == screen(d.list):
		d.shown = confirmFinish(d.done, d.failed())
	default:
		d.home()
	}
}

// failed are the sources whose last try failed, and why.
func (d *desk) failed() []string {
	var out []string
	for _, r := range d.list.rows {
		if r.failed != "" {
			out = append(out, r.title+": "+r.failed)
		}
	}
	return out
}

// home shows the list, or first what is still half done.
func (d *desk) home() {
	d.shown = d.list
	if len(d.halfDone) == 0 {
		return
	}
	target := d.halfDone[0]
	d.halfDone = d.halfDone[1:]
	d.shown = newResumeScreen(target, titleOf(d.list.rows, target))
}

func (d *desk) ask(a asked) {
	d.replies = a.replies
	if d.leaving() || d.err != nil {
		return
	}
	d.shown = newFormScreen(d.title, a.form, a.again, d.form)
}

// show shows a step. The same kind of step again goes on with its clock, so that polls do not flicker.
func (d *desk) show(p session.Prompt) {
	if d.leaving() || d.err != nil {
		return
	}
	var next *waitingScreen
	switch step := p.Step.(type) {
	case sdk.ShowCode:
		next = codeStep(d.title, step, d.now)
	case sdk.Wait:
		next = waitStep(d.title, step, d.now)
	default:
		return
	}
	if now, ok := d.shown.(*waitingScreen); ok && now.doing == next.doing {
		next.since = now.since
	}
	d.shown = next
}

// browse begins, changes and ends what is shown of a browser.
func (d *desk) browse(msg tea.Msg) {
	if d.leaving() || d.err != nil {
		return
	}
	shown, _ := d.shown.(*browserScreen)
	switch msg := msg.(type) {
	case browsing:
		d.paste = msg.paste
		d.shown = newBrowserScreen(d.title, msg.step, d.now)
	case browsed:
		if shown != nil {
			d.shown = asking(d.title, d.now)
		}
	case noBrowser:
		if shown != nil {
			shown.no = msg.err
		}
	case refused:
		if shown != nil {
			shown.refuse(msg.why)
		}
	}
}

// leaving says whether the person has gone back, and the attempt is about to end.
func (d *desk) leaving() bool {
	w, ok := d.shown.(*waitingScreen)
	return ok && w.stuck
}

// ended shows what became of an action.
func (d *desk) ended(e ended) tea.Cmd {
	if d.leave != nil {
		d.leave(nil)
	}
	d.leave, d.replies, d.form = nil, nil, nil
	d.list.home()
	var f *failure.Failure
	switch {
	case e.err == nil:
		d.so[e.source] = sitting{did: e.did}
		d.done = append(d.done, d.title+" is "+e.did+".")
		d.list.notice = notice{d.title + " is " + e.did + ".", true}
		d.home()
	case errors.Is(e.err, errBack):
		d.list.notice = notice{}
		d.home()
	case errors.As(e.err, &f):
		d.so[e.source] = sitting{did: d.so[e.source].did, failed: reason(f, d.now)}
		d.list.notice = notice{}
		d.shown = newFailureScreen(d.title+" could not be "+e.did, f, d.wanted, d.now)
	default:
		return d.end(e.err)
	}
	d.work.load()
	return nil
}

// end ends the screens with an error. That the session has ended is told first.
func (d *desk) end(err error) tea.Cmd {
	if d.err != nil { // what was under way ends with the session, too
		return nil
	}
	d.err = err
	if !errors.Is(err, session.ErrEnded) {
		return tea.Quit
	}
	if d.leave != nil {
		d.leave(errBack)
	}
	d.leave, d.shown = nil, &endedScreen{d.done, d.now.Add(endedTime)}
	return nil
}

// The intervals at which the picture changes by itself.
const (
	fastTick = 100 * time.Millisecond
	slowTick = time.Second
)

func (d *desk) tick() tea.Cmd {
	every := slowTick
	if d.shown.moves() {
		every = fastTick
	}
	return tea.Tick(every, func(time.Time) tea.Msg { return tick{} })
}

// ticked ends the screens with the session, and what tells of it after a while.
func (d *desk) ticked() tea.Cmd {
	if s, over := d.shown.(*endedScreen); over && !d.now.Before(s.until) {
		return tea.Quit
	}
	if !d.now.Before(d.o.EndsAt) {
		d.end(session.ErrEnded)
	}
	return d.tick()
}

// The room that is used of a large terminal, and the least that is drawn into.
const (
	maxWidth  = 92
	maxHeight = 36
	minWidth  = 24
	minHeight = 8
	// lowHeight is where the blank lines around a screen begin to be missed.
	lowHeight = 16
	margin    = 2
)

// View implements [tea.Model].
func (d *desk) View() tea.View {
	v := tea.NewView(d.draw())
	v.AltScreen = true
	v.WindowTitle = "humanconnect"
	return v
}

// draw is head, screen and foot, in the middle of a wide terminal.
func (d *desk) draw() string {
	width := max(min(d.width-2*margin, maxWidth), min(d.width, minWidth))
	height := max(min(d.height, maxHeight), minHeight)
	above, below := []string{"", "", ""}, 2
	if height < lowHeight { // every line counts
		above, below = []string{"", ""}, 1
	}
	l := look{width: width, height: height - len(above) - below - 1, now: d.now, styles: d.styles}
	above[len(above)-2] = d.head(l)
	body := d.shown.draw(l)
	if len(body) > l.height {
		body = body[:l.height]
	}
	for i := range body {
		body[i] = cut(body[i], l.width)
	}
	lines := append(above, body...)
	for len(lines) < height-below {
		lines = append(lines, "")
	}
	lines = append(lines, d.foot(l))
	indent := strings.Repeat(" ", max((d.width-width)/2, 0))
	for i := range lines {
		if lines[i] != "" {
			lines[i] = indent + lines[i]
		}
	}
	return strings.Join(lines, "\n")
}

// soon is how long before the end of the session the end is told of as a warning.
const soon = 10 * time.Minute

func (d *desk) head(l look) string {
	lasts := d.o.EndsAt.Sub(d.now)
	style := l.dim
	if lasts < soon {
		style = l.warn
	}
	right := style.Render("closes in " + remaining(lasts))
	if d.err != nil {
		right = ""
	}
	left := l.accent.Render("humanconnect")
	if whole := left + l.dim.Render("  connect your health data"); lipgloss.Width(whole)+lipgloss.Width(right) < l.width {
		left = whole
	}
	return spread(left, right, l.width)
}

// foot names the keys; in a narrow terminal closer together, and then without the last ones.
func (d *desk) foot(l look) string {
	keys := append(d.shown.keys(), key{"ctrl+c", "stop"})
	var parts []string
	for _, k := range keys {
		parts = append(parts, l.strong.Render(k.press)+" "+l.dim.Render(k.does))
	}
	line := strings.Join(parts, l.dim.Render("  ·  "))
	for n := len(parts); n > 0 && lipgloss.Width(line) > l.width; n-- {
		line = strings.Join(parts[:n], l.dim.Render(" · "))
	}
	return cut(line, l.width)
}
