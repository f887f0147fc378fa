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

// model is the bubbletea model of the screens: it holds the current screen, and dispatches. It belongs to the goroutine of
// the program; work runs on others, which report by messages.
type model struct {
	o    Options
	work *work
	list *list

	shown screen
	// title is the name of the current source.
	title string
	// lastIntent is the current action, for a retry.
	lastIntent intent
	// leave cancels the current attempt, or is nil.
	leave context.CancelCauseFunc
	// replies takes the values of the form that is shown.
	replies chan<- map[string]sdk.Secret
	form    *formScreen
	// paste takes a redirect URL during a browser step.
	paste paster
	// halfDone are the unfinished attempts that are still to be offered.
	halfDone []string
	// outcomes has the last outcome of each source in this session, done a line for each change, in order.
	outcomes map[string]sourceOutcome
	done     []string

	width, height int
	styles        styles
	now           time.Time
	// err is why the screens ended; nil if the person finished.
	err error
}

// Messages to the model.
type (
	// loadedMsg has the connections of the user, and the first time also the unfinished attempts.
	loadedMsg struct {
		connections []session.Connected
		halfDone    []string
	}
	// formMsg is a form of the current source.
	formMsg struct {
		form    sdk.Form
		again   *failure.Failure
		replies chan<- map[string]sdk.Secret
	}
	// stepMsg is a step without a reply.
	stepMsg struct{ prompt session.Prompt }
	// browserMsg starts a browser step, and browserDoneMsg ends it; noBrowserMsg: no browser was opened; pasteRefusedMsg:
	// the pasted text is not a redirect URL of the attempt.
	browserMsg struct {
		step  sdk.OpenURL
		paste paster
	}
	browserDoneMsg  struct{}
	noBrowserMsg    struct{ err error }
	pasteRefusedMsg struct{ why string }
	// actionDoneMsg is the outcome of an action; source is its id.
	actionDoneMsg struct {
		source string
		did    string
		err    error
	}
	// sessionLostMsg ends the screens.
	sessionLostMsg struct{ err error }
	tickMsg        struct{}
)

func newModel(o Options, w *work) *model {
	m := &model{o: o, work: w, list: newList(), styles: newStyles(!light(o.Environ)), now: o.Clock.Now()}
	m.outcomes, m.done = o.before()
	m.shown = m.list
	m.width, m.height = 80, 24
	return m
}

// Init implements [tea.Model].
func (m *model) Init() tea.Cmd {
	m.work.begin()
	return tea.Batch(tea.RequestBackgroundColor, m.tick())
}

// Update implements [tea.Model]: it only dispatches.
func (m *model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	m.now = m.o.Clock.Now()
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tea.BackgroundColorMsg:
		m.styles = newStyles(msg.IsDark())
	case tea.KeyPressMsg:
		return m, m.press(msg)
	case tea.PasteMsg:
		return m, m.perform(m.shown.handle(msg))
	case tickMsg:
		return m, m.ticked()
	case loadedMsg:
		if m.err != nil {
			return m, nil
		}
		m.list.set(rowsOf(m.o.Sources, msg.connections, m.o.Session.Allows, m.outcomes))
		if len(msg.halfDone) > 0 {
			m.halfDone = msg.halfDone
			m.home()
		}
	case formMsg:
		m.ask(msg)
	case stepMsg:
		m.show(msg.prompt)
	case browserMsg, browserDoneMsg, noBrowserMsg, pasteRefusedMsg:
		m.browse(msg)
	case actionDoneMsg:
		if m.err == nil {
			return m, m.finishAction(msg)
		}
	case sessionLostMsg:
		return m, m.end(msg.err)
	}
	return m, nil
}

// press handles the global keys, and passes the others to the screen.
func (m *model) press(k tea.KeyPressMsg) tea.Cmd {
	switch k.String() {
	case "ctrl+c":
		m.o.Interrupt()
		return nil
	case "ctrl+z":
		m.work.suspend()
		return nil
	case "ctrl+l": // something else wrote on the terminal
		return tea.ClearScreen
	}
	return m.perform(m.shown.handle(k))
}

// perform runs an intent of the person.
func (m *model) perform(i intent) tea.Cmd {
	switch i := i.(type) {
	case goBack:
		m.back()
	case openSource:
		m.shown = newSourceScreen(i.row)
	case connect:
		m.lastIntent, m.title = i, i.title
		m.shown = contacting(i.title, m.now)
		m.leave = m.work.connect(i, m.sourceOf(i.target))
	case abandonAttempt:
		m.lastIntent, m.title = connect(i), i.title
		m.shown = cancelling(i.title, m.now)
		m.work.abandon(i, m.sourceOf(i.target))
	case askDisconnect:
		m.shown = confirmDisconnect(i)
	case disconnect:
		m.lastIntent, m.title = i, i.title
		m.shown = disconnecting(i.title, m.now)
		m.work.disconnect(i, m.sourceOf(i.target))
	case answerForm:
		m.form, _ = m.shown.(*formScreen)
		m.shown = contacting(m.title, m.now)
		m.replies <- i.values // buffered for its one value
	case pasteURL:
		m.work.paste(m.paste, i.text)
	case copyURL:
		return tea.SetClipboard(i.url)
	case finish:
		return tea.Quit
	}
	return nil
}

// titleOf is the name of the source of a target, with the account if the target is a connection.
func titleOf(rows []row, target string) string {
	r := rowOf(rows, target)
	for _, c := range r.connections {
		if string(c.ID) == target {
			return r.title + inParentheses(name(c.AccountLabel))
		}
	}
	return r.title
}

// sourceOf returns the source of a target, which may be a connection.
func (m *model) sourceOf(target string) string { return rowOf(m.list.rows, target).source }

// back leaves the screen: it cancels an attempt, and the list asks whether the person is done.
func (m *model) back() {
	switch {
	case m.leave != nil:
		m.shown = cancelling(m.title, m.now)
		m.leave(errBack)
	case m.shown == screen(m.list):
		m.shown = confirmFinish(m.done, m.failed())
	default:
		m.home()
	}
}

// failed lists the sources whose last action failed, and why.
func (m *model) failed() []string {
	var out []string
	for _, r := range m.list.rows {
		if r.failed != "" {
			out = append(out, r.title+": "+r.failed)
		}
	}
	return out
}

// home shows the next unfinished attempt, else the list.
func (m *model) home() {
	m.shown = m.list
	if len(m.halfDone) == 0 {
		return
	}
	target := m.halfDone[0]
	m.halfDone = m.halfDone[1:]
	m.shown = newResumeScreen(target, titleOf(m.list.rows, target))
}

func (m *model) ask(a formMsg) {
	m.replies = a.replies
	if m.leaving() || m.err != nil {
		return
	}
	m.shown = newFormScreen(m.title, a.form, a.again, m.form)
}

// show shows a step. A repeated step keeps its clock, so that polls do not flicker.
func (m *model) show(p session.Prompt) {
	if m.leaving() || m.err != nil {
		return
	}
	var next *waitingScreen
	switch step := p.Step.(type) {
	case sdk.ShowCode:
		next = codeStep(m.title, step, m.now)
	case sdk.Wait:
		next = waitStep(m.title, step, m.now)
	default:
		return
	}
	if now, ok := m.shown.(*waitingScreen); ok && now.doing == next.doing {
		next.since = now.since
	}
	m.shown = next
}

// browse handles the messages of a browser step.
func (m *model) browse(msg tea.Msg) {
	if m.leaving() || m.err != nil {
		return
	}
	shown, _ := m.shown.(*browserScreen)
	switch msg := msg.(type) {
	case browserMsg:
		m.paste = msg.paste
		m.shown = newBrowserScreen(m.title, msg.step, m.now)
	case browserDoneMsg:
		if shown != nil {
			m.shown = contacting(m.title, m.now)
		}
	case noBrowserMsg:
		if shown != nil {
			shown.notOpened = msg.err
		}
	case pasteRefusedMsg:
		if shown != nil {
			shown.refuse(msg.why)
		}
	}
}

// leaving says whether the current attempt is being cancelled.
func (m *model) leaving() bool {
	w, ok := m.shown.(*waitingScreen)
	return ok && w.locked
}

// finishAction shows the outcome of an action.
func (m *model) finishAction(e actionDoneMsg) tea.Cmd {
	if m.leave != nil {
		m.leave(nil)
	}
	m.leave, m.replies, m.form = nil, nil, nil
	m.list.home()
	var f *failure.Failure
	switch {
	case e.err == nil:
		m.outcomes[e.source] = sourceOutcome{did: e.did}
		m.done = append(m.done, m.title+" is "+e.did+".")
		m.list.notice = notice{m.title + " is " + e.did + ".", true}
		m.home()
	case errors.Is(e.err, errBack):
		m.list.notice = notice{}
		m.home()
	case errors.As(e.err, &f):
		m.outcomes[e.source] = sourceOutcome{did: m.outcomes[e.source].did, failed: reason(f, m.now)}
		m.list.notice = notice{}
		m.shown = newFailureScreen(m.title+" could not be "+e.did, f, m.lastIntent, m.now)
	default:
		return m.end(e.err)
	}
	m.work.load()
	return nil
}

// end ends the screens with an error. If the session has ended, a last screen says so first.
func (m *model) end(err error) tea.Cmd {
	if m.err != nil { // running work ends with the session
		return nil
	}
	m.err = err
	if !errors.Is(err, session.ErrEnded) {
		return tea.Quit
	}
	if m.leave != nil {
		m.leave(errBack)
	}
	m.leave, m.shown = nil, &sessionEndedScreen{m.done, m.now.Add(sessionEndedTime)}
	return nil
}

// The intervals of redrawing.
const (
	fastTick = 100 * time.Millisecond
	slowTick = time.Second
)

func (m *model) tick() tea.Cmd {
	every := slowTick
	if m.shown.animated() {
		every = fastTick
	}
	return tea.Tick(every, func(time.Time) tea.Msg { return tickMsg{} })
}

// ticked ends the screens when the session expires, and closes the last screen after a while.
func (m *model) ticked() tea.Cmd {
	if s, over := m.shown.(*sessionEndedScreen); over && !m.now.Before(s.until) {
		return tea.Quit
	}
	if !m.now.Before(m.o.EndsAt) {
		m.end(session.ErrEnded)
	}
	return m.tick()
}

// The largest and the smallest area that is drawn.
const (
	maxWidth  = 92
	maxHeight = 36
	minWidth  = 24
	minHeight = 8
	// lowHeight is the height below which blank lines are saved.
	lowHeight = 16
	margin    = 2
)

// View implements [tea.Model].
func (m *model) View() tea.View {
	v := tea.NewView(m.draw())
	v.AltScreen = true
	v.WindowTitle = "humanconnect"
	return v
}

// draw draws head, screen and foot, centred in a wide terminal.
func (m *model) draw() string {
	width := max(min(m.width-2*margin, maxWidth), min(m.width, minWidth))
	height := max(min(m.height, maxHeight), minHeight)
	above, below := []string{"", "", ""}, 2
	if height < lowHeight { // every line counts
		above, below = []string{"", ""}, 1
	}
	l := canvas{width: width, height: height - len(above) - below - 1, now: m.now, styles: m.styles}
	above[len(above)-2] = m.head(l)
	body := m.shown.draw(l)
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
	lines = append(lines, m.foot(l))
	indent := strings.Repeat(" ", max((m.width-width)/2, 0))
	for i := range lines {
		if lines[i] != "" {
			lines[i] = indent + lines[i]
		}
	}
	return strings.Join(lines, "\n")
}

// endWarning is how long before the end of the session the remaining time is a warning.
const endWarning = 10 * time.Minute

func (m *model) head(l canvas) string {
	lasts := m.o.EndsAt.Sub(m.now)
	style := l.dim
	if lasts < endWarning {
		style = l.warn
	}
	right := style.Render("closes in " + remaining(lasts))
	if m.err != nil {
		right = ""
	}
	left := l.accent.Render("humanconnect")
	if whole := left + l.dim.Render("  connect your health data"); lipgloss.Width(whole)+lipgloss.Width(right) < l.width {
		left = whole
	}
	return spread(left, right, l.width)
}

// foot lists the keys; a narrow terminal gets less space between them, then fewer keys.
func (m *model) foot(l canvas) string {
	keys := append(m.shown.keys(), key{"ctrl+c", "stop"})
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
