package session_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/session"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/sdk"
)

// machine is the random part: who is there, and what they do next.
type machine struct {
	w      *World
	tokens []*tokenOf
	runs   []*run
	gates  int
	// sent are the persons who were sent to a source's own page; tries, the calls that look for due revocations and wait.
	sent  []*away
	tries []*run
}

// tokenOf is a token and what was done with it.
type tokenOf struct {
	secret  sdk.Secret
	user    string
	sources []string
	expires time.Time
	revoked bool
	session id.Session
	lists   [][]session.Action
	// final is what a call printed at last.
	final []byte
}

// run is one front end that has a session.
type run struct {
	fe     *FrontEnd
	s      *session.Session
	tok    *tokenOf
	ousted bool
	// done is there while a call waits at the gate.
	done chan error
	// after is what to do with the end of the call that waits.
	after func(error)
	// gate is where a call waits that asks to revoke; before it goes on, looks is called.
	gate  string
	looks func()
	// ctx is that of its calls; cut ends it, with errStop.
	ctx context.Context
	cut context.CancelCauseFunc
}

// errStop is why a front end is told to end.
var errStop = errors.New("told to end")

func (r *run) stopped() bool { return r.ctx.Err() != nil }

// do runs a call of a front end until it ends or waits at a gate. Nothing else runs meanwhile.
func (m *machine) do(rt *rapid.T, r *run, call func() error, after func(error)) {
	r.done, r.after = make(chan error, 1), after
	r.fe.busy.Add(1)
	done := r.done
	go func() { done <- call() }()
	m.wait(rt, r)
}

func (m *machine) wait(rt *rapid.T, r *run) {
	select {
	case err := <-r.done:
		r.done = nil
		r.fe.busy.Add(-1)
		r.after(err)
	case <-m.w.place.arrived:
	case <-time.After(waitLimit):
		rt.Fatalf("a call of %s neither ended nor came to a gate", r.fe.pid)
	}
}

// pick returns a front end that is alive and may be given something to do.
func (m *machine) pick(rt *rapid.T, want func(*run) bool) *run {
	var fit []*run
	for _, r := range m.runs {
		if !r.fe.dead() && want(r) {
			fit = append(fit, r)
		}
	}
	if len(fit) == 0 {
		rt.Skip("nobody there")
	}
	return fit[rapid.IntRange(0, len(fit)-1).Draw(rt, "front end")]
}

// one draws one of a list, by its number, for what is drawn is printed.
func one[V any](rt *rapid.T, list []V, label string) V {
	return list[rapid.IntRange(0, len(list)-1).Draw(rt, label)]
}

func idle(r *run) bool { return r.done == nil && !r.stopped() }

func held(r *run) bool { return r.done != nil }

// over says whether the session's end has passed.
func (m *machine) over(r *run) bool { return !m.w.clock.Now().Before(m.w.session(r.s.ID).EndsAt) }

func (m *machine) closed(r *run) bool { return !m.w.session(r.s.ID).ClosedAt.IsZero() }

// play draws how the next attempts of a source go.
func (m *machine) play(rt *rapid.T, source string, hold bool) play {
	p := play{
		Forms:   rapid.IntRange(0, 2).Draw(rt, "forms"),
		Polls:   rapid.IntRange(0, 1).Draw(rt, "polls"),
		Account: rapid.SampledFrom([]string{"ann", "bob", ""}).Draw(rt, "account"),
	}
	switch rapid.IntRange(0, 9).Draw(rt, "fault") {
	case 0:
		p.Error = rapid.SampledFrom([]string{"access_denied", "rate_limited", "source_unavailable"}).Draw(rt, "error")
	case 1:
		p.CrashAt = rapid.IntRange(0, p.Forms+p.Polls).Draw(rt, "crash at")
		p.Crashes = rapid.IntRange(1, 2).Draw(rt, "crashes")
	case 2:
		p.Wrong = 1
	}
	if p.Crashes == 0 && p.Wrong == 0 {
		p.Browser = rapid.IntRange(0, 3).Draw(rt, "browser") == 0
	}
	if hold {
		m.gates++
		p.Hold = gateName("gate", m.gates)
	}
	m.w.place.next(source, p)
	return p
}

// target draws a source, or a connection of the user, be it there still or not.
func (m *machine) target(rt *rapid.T, user string) (target, source string) {
	named := m.w.model.knownTo(user)
	if len(named) > 0 && rapid.IntRange(0, 2).Draw(rt, "named") == 0 {
		c := one(rt, named, "connection")
		return string(c.id), c.source
	}
	s := rapid.SampledFrom([]string{alpha, beta, gamma}).Draw(rt, "source")
	return s, s
}

// knownTo returns the connections that a user has or had.
func (m *model) knownTo(user string) []connectionModel {
	for human, u := range m.users {
		if u.ClientUserID == user {
			return m.known[human]
		}
	}
	return nil
}

// list draws what a script does. No two connects are neighbours, so that it has one order.
func (m *machine) list(rt *rapid.T, user string, hold bool) []session.Action {
	var out []session.Action
	for range rapid.IntRange(0, 3).Draw(rt, "actions") {
		target, source := m.target(rt, user)
		wasConnect := len(out) > 0 && out[len(out)-1].Kind == store.ActionConnect
		if wasConnect || rapid.IntRange(0, 3).Draw(rt, "disconnect") == 0 {
			out = append(out, disconnectFrom(target))
			continue
		}
		m.play(rt, source, hold)
		out = append(out, connectTo(target))
	}
	return out
}

func (m *machine) open(rt *rapid.T) {
	tok := &tokenOf{user: rapid.SampledFrom([]string{"u1", "u2"}).Draw(rt, "user")}
	if rapid.IntRange(0, 4).Draw(rt, "limited") == 0 {
		tok.sources = []string{alpha}
	}
	tok.secret = m.w.token(tok.user, time.Hour, tok.sources...)
	tok.expires = m.w.clock.Now().Add(time.Hour)
	m.tokens = append(m.tokens, tok)
	m.begin(rt, tok, m.list(rt, tok.user, rapid.IntRange(0, 3).Draw(rt, "held") == 0), false)
}

func (m *machine) openAgain(rt *rapid.T) {
	if len(m.tokens) == 0 {
		rt.Skip("no token")
	}
	tok := one(rt, m.tokens, "token")
	var list []session.Action
	switch {
	case len(tok.lists) > 0 && rapid.IntRange(0, 2).Draw(rt, "list") > 0:
		list = tok.lists[len(tok.lists)-1]
	case rapid.Bool().Draw(rt, "another list"):
		list = m.list(rt, tok.user, false)
	}
	m.begin(rt, tok, list, rapid.Bool().Draw(rt, "take over"))
}

// begin opens a token in a new front end, which may die meanwhile, and works through its list.
func (m *machine) begin(rt *rapid.T, tok *tokenOf, list []session.Action, takeOver bool) {
	fe := m.w.frontEnd()
	m.doom(rt, fe, 10)
	m.w.place.atOnce()
	before := m.rowOf(tok)
	o, err := fe.try(session.OpenRequest{Token: tok.secret, Script: script(list...), TakeOver: takeOver})
	m.learn(tok)
	switch {
	case errors.Is(err, errDead):
		m.oust(tok, fe)
		if len(list) > 0 && tok.session != "" && m.w.session(tok.session).Owner == fe.pid {
			tok.lists = append(tok.lists, list) // its open was committed before it died
		}
		return
	case err != nil:
		m.refused(rt, tok, before, list, takeOver, err)
		return
	case o.Final != nil:
		m.final(rt, tok, before, list, o.Final)
		return
	}
	if before != nil && (!before.ClosedAt.IsZero() || !takeOver && before.Owner != "" && m.living(before.Owner)) {
		rt.Errorf("%s was opened although it is closed or another's", before.ID)
	}
	m.oust(tok, fe)
	r := &run{fe: fe, s: o.Session, tok: tok}
	r.ctx, r.cut = context.WithCancelCause(context.Background())
	m.runs = append(m.runs, r)
	m.w.check()
	m.ask(tok.session, list...)
	if len(list) == 0 {
		return
	}
	tok.lists = append(tok.lists, list)
	m.do(rt, r, func() error {
		return r.s.Run(r.ctx, script(list...), session.Person{Browser: returning{fe}})
	}, func(err error) {
		m.judge(rt, r, err)
		if err == nil {
			m.worked(rt, r, list)
		}
	})
}

// worked: a script that ran to its end has ended every action of its list.
func (m *machine) worked(rt *rapid.T, r *run, list []session.Action) {
	row := m.w.session(r.s.ID)
	ended := make(map[int]bool)
	for _, a := range m.w.actions(r.s.ID) {
		if a.Position.Run == row.ScriptRun {
			ended[a.Position.No] = true
		}
	}
	for i := range list {
		if !ended[i] {
			rt.Errorf("the script of %s ended without its action %d: %s %s", r.s.ID, i, list[i].Kind, list[i].Target)
		}
	}
}

func (m *machine) connect(rt *rapid.T) { m.connectAs(rt, false) }

func (m *machine) connectBeside(rt *rapid.T) { m.connectAs(rt, true) }

// connectAs connects as a person does. With hold, the call stands at the gate until it is released.
func (m *machine) connectAs(rt *rapid.T, hold bool) {
	r := m.pick(rt, idle)
	target, source := m.target(rt, r.tok.user)
	p := m.play(rt, source, hold)
	m.doom(rt, r.fe, 12)
	m.ask(r.tok.session, connectTo(target))
	want := m.expect(r, target, source, p)
	left, _ := r.s.HalfDone(context.Background()) // none where the session is lost
	halfDone := slices.Contains(left, target)
	m.do(rt, r, func() error { return r.fe.drive(r.ctx, r.s, target, -1) }, func(err error) {
		m.judge(rt, r, err)
		m.acknowledged(rt, r, store.ActionConnect, target, err)
		if codeOf(err) == "ended" && m.over(r) || halfDone || r.stopped() {
			return // whoever lost the session may be told either; and what another began goes on as it began
		}
		if !hold && !r.fe.dead() && want != codeOf(err) {
			rt.Errorf("connect %s with %+v ended with %q, not %q", target, p, codeOf(err), want)
		}
	})
}

func (m *machine) disconnect(rt *rapid.T) {
	r := m.pick(rt, idle)
	target, source := m.target(rt, r.tok.user)
	m.moods(rt)
	m.doom(rt, r.fe, 12)
	m.ask(r.tok.session, disconnectFrom(target))
	want := ""
	mine := func(c store.Connection) bool { return string(c.ID) == target || c.Source == target }
	switch {
	case r.ousted:
		want = "taken over"
	case m.closed(r), m.over(r):
		want = "ended"
	case r.tok.sources != nil && !slices.Contains(r.tok.sources, source):
		want = "source_not_allowed"
	case !slices.ContainsFunc(m.w.connections(r.tok.user), mine):
		want = "not_connected"
	}
	m.do(rt, r, func() error { return r.s.Disconnect(context.Background(), target, -1) }, func(err error) {
		m.judge(rt, r, err)
		m.acknowledged(rt, r, store.ActionDisconnect, target, err)
		if !r.fe.dead() && codeOf(err) != want {
			rt.Errorf("disconnect %s ended with %q, not %q", target, codeOf(err), want)
		}
	})
}

// moods draws how the sources take to revoking.
func (m *machine) moods(rt *rapid.T) {
	m.w.place.mu.Lock()
	defer m.w.place.mu.Unlock()
	m.w.place.revoke[alpha] = rapid.SampledFrom([]string{"", "source_unavailable", "access_denied", "crash"}).Draw(rt, "alpha revokes")
}

func (m *machine) release(rt *rapid.T) {
	r := m.pick(rt, held)
	m.letGo(rt, r)
}

func (m *machine) letGo(rt *rapid.T, r *run) {
	m.w.place.atOnce()
	m.lift(r)
	m.wait(rt, r)
}

// lift opens the gates of the call of a front end, and of no other call of its process.
func (m *machine) lift(r *run) {
	if r.looks != nil {
		r.looks()
		r.looks = nil
	}
	m.w.place.mu.Lock()
	defer m.w.place.mu.Unlock()
	for key, g := range m.w.place.gates {
		name, pid, _ := strings.Cut(key, "@")
		if pid != string(r.fe.pid) || r.gate != "" && name != r.gate || r.gate == "" && strings.HasPrefix(name, slowGate) {
			continue
		}
		select {
		case <-g:
		default:
			close(g)
		}
	}
	r.gate = ""
}

func (m *machine) close(rt *rapid.T) {
	r := m.pick(rt, func(*run) bool { return true })
	m.doom(rt, r.fe, 8)
	f, err := r.s.Close(context.Background(), session.CutNone)
	switch {
	case r.fe.dead():
	case errors.Is(err, session.ErrTakenOver) != r.ousted:
		rt.Errorf("close by %s, ousted %t: %v", r.fe.pid, r.ousted, err)
	case err == nil:
		if !bytes.Equal(f.Response, m.w.session(r.s.ID).Response) {
			rt.Errorf("close gave %s", f.Response)
		}
		m.print(rt, r.tok, f)
	case !r.ousted:
		rt.Errorf("close: %v", err)
	}
}

// interrupt tells a front end to end while a call of it waits: the call gets its grace, then the session is closed.
func (m *machine) interrupt(rt *rapid.T) {
	r := m.pick(rt, held)
	r.cut(errStop)
	m.letGo(rt, r)
	cut := rapid.SampledFrom([]session.Cut{
		session.CutTimeLimit, session.CutHangup, session.CutInterrupt, session.CutTerminate,
	}).Draw(rt, "cut")
	if r.done != nil || r.fe.dead() || cut == session.CutHangup { // which leaves the session open
		return
	}
	closed := !m.w.session(r.s.ID).ClosedAt.IsZero()
	f, err := r.s.Close(context.Background(), cut)
	switch {
	case r.fe.dead():
	case errors.Is(err, session.ErrTakenOver) != r.ousted:
		rt.Errorf("close by %s, ousted %t: %v", r.fe.pid, r.ousted, err)
	case err == nil:
		if row := m.w.session(r.s.ID); string(f.Cut) != row.Cut || !closed && f.Cut != cut {
			rt.Errorf("closed, %t before, with %q, stored %q, for %q", closed, f.Cut, row.Cut, cut)
		}
		m.print(rt, r.tok, f)
	}
}

func (m *machine) kill(rt *rapid.T) {
	r := m.pick(rt, func(*run) bool { return true })
	r.fe.kill()
	if r.done != nil {
		m.letGo(rt, r)
	}
}

func (m *machine) revokeToken(rt *rapid.T) {
	if len(m.tokens) == 0 {
		rt.Skip("no token")
	}
	tok := one(rt, m.tokens, "token")
	tok.revoked = true
	if _, err := m.w.local.Revoke(context.Background(), tok.secret); err != nil {
		rt.Fatalf("revoke a token: %v", err)
	}
}

func (m *machine) advance(rt *rapid.T) {
	m.w.clock.Advance(rapid.SampledFrom([]time.Duration{time.Second, 20 * time.Minute, time.Hour}).Draw(rt, "time"))
}

func (m *machine) closeOverdue(rt *rapid.T) {
	fe := m.w.frontEnd()
	m.doom(rt, fe, 4)
	if err := fe.CloseOverdue(context.Background()); err != nil && !fe.dead() {
		rt.Fatalf("close overdue sessions: %v", err)
	}
}

func (m *machine) disconnectOutside(rt *rapid.T) {
	user := rapid.SampledFrom([]string{"u1", "u2"}).Draw(rt, "user")
	cons := m.w.connections(user)
	if len(cons) == 0 {
		rt.Skip("nothing to disconnect")
	}
	m.moods(rt)
	fe := m.w.frontEnd()
	m.doom(rt, fe, 4)
	c := one(rt, cons, "connection")
	if _, err := fe.DisconnectOutside(context.Background(), c.ID); err != nil && !fe.dead() {
		rt.Fatalf("disconnect outside of a session: %v", err)
	}
}

func (m *machine) revokeDue(rt *rapid.T) {
	m.moods(rt)
	fe := m.w.frontEnd()
	m.doom(rt, fe, 4)
	if _, err := fe.RevokeDue(context.Background()); err != nil && !fe.dead() {
		rt.Fatalf("revoke what is due: %v", err)
	}
}

func (m *machine) openRefused(rt *rapid.T) {
	fe := m.w.frontEnd()
	o, err := fe.try(session.OpenRequest{Token: "hcs_nonsense"})
	if err != nil || o.Final == nil || o.Final.Status != event.TokenInvalid {
		rt.Fatalf("a bad token: %+v, %v", o, err)
	}
}

// end lets all go that still wait, so that no goroutine outlives the test.
func (m *machine) end() {
	for _, r := range slices.Concat(m.runs, m.tries) {
		for r.done != nil {
			r.fe.kill()
			m.drainGate(r)
		}
	}
}

func (m *machine) drainGate(r *run) {
	m.lift(r)
	select {
	case <-r.done:
		r.done = nil
	case <-m.w.place.arrived:
	case <-time.After(waitLimit):
		m.w.t.Errorf("a call of a dead process does not end")
		r.done = nil
	}
}

// finish lets time pass: everything comes to its end.
func (m *machine) finish() {
	m.end()
	m.w.check()
	m.w.clock.Advance(2 * time.Hour)
	fe := m.w.frontEnd()
	if err := fe.CloseOverdue(context.Background()); err != nil {
		m.w.t.Errorf("close overdue sessions: %v", err)
	}
	m.w.check()
	for _, ses := range m.w.snapshot().sessions {
		if ses.ClosedAt.IsZero() {
			m.w.t.Errorf("%s is open after its end", ses.ID)
		}
	}
}
