package session_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/problem"
	"github.com/humanconnect/humanconnect/core/session"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/sdk"
)

// TestSessionKeepsItsPromisesWhateverHappens runs random sequences of all that can happen to the sessions of a few users
// in many processes, and holds the whole state against a model after every step.
func TestSessionKeepsItsPromisesWhateverHappens(t *testing.T) {
	t.Parallel()
	empty := emptyState(t)
	all := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(all, "")
		if err != nil {
			rt.Fatal(err)
		}
		if err := os.Chmod(dir, 0o700); err != nil {
			rt.Fatal(err)
		}
		if err := copyState(empty, dir); err != nil {
			rt.Fatal(err)
		}
		m := &machine{w: worldIn(rt, dir, rt.Cleanup)}
		m.w.model.eventLimit = 50
		rt.Cleanup(m.end)
		rt.Repeat(map[string]func(*rapid.T){
			"":                  func(*rapid.T) { m.w.check() },
			"open":              m.open,
			"openAgain":         m.openAgain,
			"openRefused":       m.openRefused,
			"connect":           m.connect,
			"connectOnceMore":   m.connect,
			"connectBeside":     m.connectBeside,
			"disconnect":        m.disconnect,
			"release":           m.release,
			"close":             m.close,
			"kill":              m.kill,
			"revokeToken":       m.revokeToken,
			"advance":           m.advance,
			"closeOverdue":      m.closeOverdue,
			"disconnectOutside": m.disconnectOutside,
			"revokeDue":         m.revokeDue,
		})
		m.finish()
	})
}

// machine is the random part: who is there, and what they do next.
type machine struct {
	w      *World
	tokens []*tokenOf
	runs   []*run
	gates  int
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
	gate string
	// after is what to do with the end of the call that waits.
	after func(error)
}

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

func idle(r *run) bool { return r.done == nil }

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
	if hold {
		m.gates++
		p.Hold = fmt.Sprint("gate", m.gates)
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
	m.runs = append(m.runs, r)
	m.w.check()
	m.ask(tok.session, list...)
	if len(list) == 0 {
		return
	}
	tok.lists = append(tok.lists, list)
	m.do(rt, r, func() error { return r.s.Run(context.Background(), script(list...), nil) }, func(err error) {
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
		if a.ScriptRun == row.ScriptRun {
			ended[a.ScriptNo] = true
		}
	}
	for i := range list {
		if !ended[i] {
			rt.Errorf("the script of %s ended without its action %d: %s %s", r.s.ID, i, list[i].Kind, list[i].Target)
		}
	}
}

// doom lets a front end die at a commit soon, in one of so many cases.
func (m *machine) doom(rt *rapid.T, fe *FrontEnd, of int) {
	if rapid.IntRange(0, of).Draw(rt, "doomed") == of {
		fe.store.dieAfter(rapid.IntRange(0, 6).Draw(rt, "commits"), rapid.Bool().Draw(rt, "unseen"))
	}
}

func (m *machine) living(p id.Process) bool {
	m.w.mu.Lock()
	defer m.w.mu.Unlock()
	return m.w.alive[p]
}

// rowOf returns the session of a token as it is, or as it will be once those that are overdue are closed.
func (m *machine) rowOf(tok *tokenOf) *store.Session {
	if tok.session == "" {
		return nil
	}
	row := m.w.session(tok.session)
	if row.ClosedAt.IsZero() && !m.w.clock.Now().Before(row.EndsAt) {
		row.ClosedAt = m.w.clock.Now()
	}
	return &row
}

// learn finds the session that a token opened.
func (m *machine) learn(tok *tokenOf) {
	m.w.check()
	info, err := m.w.local.Inspect(context.Background(), tok.secret)
	if err != nil {
		m.w.t.Fatalf("inspect a token: %v", err)
	}
	tok.session = info.Session
}

// oust notes who lost the session of a token to fe, if its row says so.
func (m *machine) oust(tok *tokenOf, fe *FrontEnd) {
	if tok.session == "" || m.w.session(tok.session).Owner != fe.pid {
		return
	}
	for _, r := range m.runs {
		if r.tok != tok {
			continue
		}
		r.ousted = true
		if r.done != nil {
			m.w.model.sessions[tok.session].raced = true
		}
	}
}

func (m *machine) ask(ses id.Session, list ...session.Action) {
	s := m.w.model.sessions[ses]
	if s.asked == nil {
		s.asked = make(map[string]bool)
	}
	for _, a := range list {
		s.asked[string(a.Kind)+" "+a.Target] = true
	}
}

// refused judges an open that gave an error.
func (m *machine) refused(rt *rapid.T, tok *tokenOf, before *store.Session, list []session.Action, takeOver bool, err error) {
	switch problem.CodeOf(err) {
	case "session_in_use":
		if before == nil || takeOver || !m.living(before.Owner) {
			rt.Errorf("open said %v of %+v", err, before)
		}
	default:
		rt.Errorf("open: %v", err)
	}
}

// final judges an open that gave a response: the stored one, or that of a token which opens nothing.
func (m *machine) final(rt *rapid.T, tok *tokenOf, before *store.Session, list []session.Action, f *session.Final) {
	if before == nil {
		want := event.TokenExpired
		if tok.revoked {
			want = event.TokenInvalid
		} else if m.w.clock.Now().Before(tok.expires) {
			rt.Errorf("a good token was refused: %s", f.Response)
		}
		if f.Status != want || f.ExitCode != 4 || f.Session != "" {
			rt.Errorf("a token that opens nothing gave %s and %d, not %s", f.Status, f.ExitCode, want)
		}
		return
	}
	row := m.w.session(tok.session)
	if before.ClosedAt.IsZero() || !f.Stored || !bytes.Equal(f.Response, row.Response) {
		rt.Errorf("open of %s gave %+v", tok.session, f)
	}
	last := m.lastList(tok)
	if other := len(list) > 0 && !same(list, last); f.OtherScript != other {
		rt.Errorf("other script: %t for %v after %v", f.OtherScript, list, last)
	} else if other && f.ExitCode != 3 || !other && f.ExitCode != row.ExitCode {
		rt.Errorf("exit code %d, stored %d", f.ExitCode, row.ExitCode)
	}
	m.print(rt, tok, f)
}

// lastList is the list that the session of a token works through. A front end that died in its open may have changed it.
func (m *machine) lastList(tok *tokenOf) []session.Action {
	if len(tok.lists) == 0 {
		return nil
	}
	return tok.lists[len(tok.lists)-1]
}

func same(a, b []session.Action) bool {
	return slices.EqualFunc(a, b, func(x, y session.Action) bool { return x.Kind == y.Kind && x.Target == y.Target })
}

// print: whoever prints the response of a token prints the same.
func (m *machine) print(rt *rapid.T, tok *tokenOf, f *session.Final) {
	if tok.final != nil && !bytes.Equal(tok.final, f.Response) {
		rt.Errorf("printed before: %s\nnow: %s", tok.final, f.Response)
	}
	tok.final = f.Response
}

// judge says whether a front end may get this error.
func (m *machine) judge(rt *rapid.T, r *run, err error) {
	var f *failure.Failure
	switch {
	case r.fe.dead():
		return
	case errors.Is(err, session.ErrTakenOver):
		if !r.ousted {
			rt.Errorf("%s was told that it lost its session, and did not", r.fe.pid)
		}
	case errors.Is(err, session.ErrEnded):
		if !m.over(r) && !m.closed(r) {
			rt.Errorf("%s was told that its session ended, and it did not", r.fe.pid)
		}
	case errors.As(err, &f) || err == nil:
	default:
		rt.Errorf("an action ended with %v", err)
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
	m.do(rt, r, func() error { return r.fe.connect(r.s, target) }, func(err error) {
		m.judge(rt, r, err)
		m.acknowledged(rt, r, store.ActionConnect, target, err)
		if codeOf(err) == "ended" && m.over(r) {
			return // whoever lost the session may be told either
		}
		if !hold && !r.fe.dead() && want != codeOf(err) {
			rt.Errorf("connect %s with %+v ended with %q, not %q", target, p, codeOf(err), want)
		}
	})
}

// codeOf names what an action ended with.
func codeOf(err error) string {
	var f *failure.Failure
	switch {
	case err == nil:
		return ""
	case errors.Is(err, session.ErrTakenOver):
		return "taken over"
	case errors.Is(err, session.ErrEnded):
		return "ended"
	case errors.As(err, &f):
		return string(f.Code)
	}
	return err.Error()
}

// expect says what a connect must end with.
func (m *machine) expect(r *run, target, source string, p play) string {
	switch {
	case r.ousted:
		return "taken over"
	case m.closed(r), m.over(r):
		return "ended"
	}
	var named *connectionModel
	for _, c := range m.w.model.knownTo(r.tok.user) {
		if string(c.id) == target {
			named = &c
		}
	}
	gone := named != nil && !slices.Contains(m.w.model.active[r.s.User.HumanID], *named)
	switch polled := p.CrashAt == 0 || p.CrashAt > p.Forms; {
	case gone:
		return "not_connected"
	case r.tok.sources != nil && !slices.Contains(r.tok.sources, source):
		return "source_not_allowed"
	case p.Crashes > 1 && polled:
		return "provider_crashed"
	case p.Error != "":
		return p.Error
	case named != nil && named.name != p.Account:
		return "account_mismatch"
	}
	return ""
}

// acknowledged: what an action returned is what was kept.
func (m *machine) acknowledged(rt *rapid.T, r *run, kind store.ActionKind, target string, err error) {
	code := codeOf(err)
	if r.fe.dead() || code == "taken over" || code == "ended" {
		return
	}
	rows := m.w.actions(r.s.ID)
	for _, a := range slices.Backward(rows) {
		if a.Kind == kind && a.Target == target {
			if a.Code != code {
				rt.Errorf("%s %s ended with %q, and %q was kept", kind, target, code, a.Code)
			}
			return
		}
	}
	rt.Errorf("%s %s ended with %q, and nothing was kept", kind, target, code)
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
	m.w.place.mu.Lock()
	var mine []chan struct{}
	for key, g := range m.w.place.gates {
		if bytes.HasSuffix([]byte(key), []byte(r.fe.pid)) {
			mine = append(mine, g)
		}
	}
	m.w.place.mu.Unlock()
	for _, g := range mine {
		select {
		case <-g:
		default:
			close(g)
		}
	}
	m.wait(rt, r)
}

func (m *machine) close(rt *rapid.T) {
	r := m.pick(rt, func(*run) bool { return true })
	m.doom(rt, r.fe, 8)
	f, err := r.s.Close(context.Background(), 0)
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
	if _, _, err := fe.DisconnectOutside(context.Background(), c.ID); err != nil && !fe.dead() {
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
	for _, r := range m.runs {
		for r.done != nil {
			r.fe.kill()
			m.drainGate(r)
		}
	}
}

func (m *machine) drainGate(r *run) {
	m.w.place.mu.Lock()
	for key, g := range m.w.place.gates {
		if bytes.HasSuffix([]byte(key), []byte(r.fe.pid)) {
			select {
			case <-g:
			default:
				close(g)
			}
		}
	}
	m.w.place.mu.Unlock()
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
