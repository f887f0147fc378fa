package session_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"slices"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/session"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/sdk"
)

// away is a person who was sent to a source's own page.
type away struct {
	r              *run
	a              *session.Attempt
	step           sdk.OpenURL
	attempt        id.Attempt
	target, source string
	state          string
	// gone: the front end that waited does not wait any more.
	gone bool
}

// attempt reads the row of an attempt.
func (w *World) attempt(a id.Attempt) (row store.Attempt) {
	w.t.Helper()
	w.view(func(tx store.Tx) (err error) { row, err = tx.Attempt(a); return err })
	return row
}

// sendOff begins to connect as a person does, up to the source's own page.
func (m *machine) sendOff(rt *rapid.T) {
	r := m.pick(rt, idle)
	target, source := m.target(rt, r.tok.user)
	p := play{Browser: true, Account: rapid.SampledFrom([]string{"ann", "bob", ""}).Draw(rt, "account")}
	switch rapid.IntRange(0, 5).Draw(rt, "how") {
	case 0:
		p.Error = "access_denied"
	case 1, 2:
		m.gates++
		p.Hold = gateName("gate", m.gates)
	}
	m.w.place.next(source, p)
	m.doom(rt, r.fe, 12)
	m.ask(r.tok.session, connectTo(target))
	want := m.expect(r, target, source, play{Account: p.Account})
	if want == string(failure.AccountMismatch) {
		want = "" // which shows in the end
	}
	halfDone := m.halfDone(r, target, source).ID != ""
	off := &away{r: r, target: target, source: source}
	m.do(rt, r, func() error { return off.leave() }, func(err error) {
		m.judge(rt, r, err)
		if err != nil && !errors.Is(err, errNotSent) {
			m.acknowledged(rt, r, store.ActionConnect, target, err)
		}
		if r.fe.dead() {
			return
		}
		if code := codeOf(err); code != want && !halfDone {
			rt.Errorf("a person was sent to %s and got %q, not %q", target, code, want)
		}
		if err == nil {
			off.attempt = m.attemptOf(off.state)
			m.sent = append(m.sent, off)
		}
	})
}

// errNotSent: the attempt that goes on asks for something else.
var errNotSent error = failure.New(failure.InteractionRequired, "nobody was sent anywhere")

func (x *away) leave() (err error) {
	if x.a, err = x.r.s.Connect(x.r.ctx, x.target, -1); err != nil {
		return err
	}
	p, err := x.a.Next(x.r.ctx)
	if err != nil {
		return err
	}
	step, ok := p.Step.(sdk.OpenURL)
	if !ok {
		return errNotSent
	}
	u, err := url.Parse(step.URL)
	if err != nil {
		return err
	}
	x.step, x.state = step, u.Query().Get("state")
	return nil
}

// attemptOf finds the attempt of a state.
func (m *machine) attemptOf(state string) (found id.Attempt) {
	for _, rows := range m.w.snapshot().attempts {
		for _, a := range rows {
			if string(a.OAuthState) == state {
				found = a.ID
			}
		}
	}
	if found == "" {
		m.w.t.Errorf("no attempt has the state of its address")
	}
	return found
}

// halfDone is the attempt that a person would go on with, or one without an id.
func (m *machine) halfDone(r *run, target, source string) (row store.Attempt) {
	left, _ := r.s.HalfDone(context.Background()) // none where the session is lost
	if !slices.Contains(left, target) {
		return row
	}
	held := func(a id.Attempt) bool {
		return slices.ContainsFunc(m.sent, func(x *away) bool { return x.r == r && x.attempt == a })
	}
	for _, a := range slices.Backward(m.w.attempts(r.s.ID)) {
		same := a.Source == source && (a.Expected == "" && target == source || string(a.Expected) == target)
		if a.State == store.AttemptOpen && same && m.w.clock.Now().Before(a.ExpiresAt) && !held(a.ID) {
			return a
		}
	}
	return row
}

// callback lets a redirect arrive: good or bad, for the first time or again, in time or late, at the process of the attempt
// or at another one.
func (m *machine) callback(rt *rapid.T) {
	if len(m.sent) == 0 {
		rt.Skip("nobody was sent anywhere")
	}
	x := one(rt, m.sent, "away")
	fe := x.r.fe
	if fe.dead() || rapid.Bool().Draw(rt, "elsewhere") {
		fe = m.w.frontEnd()
		m.doom(rt, fe, 6)
	}
	c, right := callback("code", "x", "state", x.state), true
	switch rapid.IntRange(0, 7).Draw(rt, "kind") {
	case 0:
		c = callback("error", "access_denied", "state", x.state)
	case 1:
		c, right = callback("error", "access_denied"), false
	case 2:
		c, right = callback("code", "x", "state", x.state[:len(x.state)-1]), false
	case 3:
		c, right = callback("code", "x", "state", ""), false
	}
	before, ses, now := m.w.attempt(x.attempt), m.w.session(x.r.s.ID), m.w.clock.Now()
	wanted := right && before.StateHash != nil && now.Before(ses.EndsAt) && now.Before(before.ExpiresAt)
	got, err := fe.deliver(context.Background(), c)
	after := m.w.attempt(x.attempt)
	taken := before
	taken.Callback, taken.StateHash, taken.Version = after.Callback, nil, before.Version+1
	switch {
	case fe.dead():
		if gocmp.Equal(before, after) {
			return
		}
		if wanted && gocmp.Equal(taken, after) { // it died before it could tell
			m.w.came[x.attempt] = append(m.w.came[x.attempt], c)
			return
		}
		rt.Errorf("a redirect made %+v of %+v", after, before)
	case err != nil:
		rt.Errorf("a redirect: %v", err)
	case wanted && (got.Outcome != session.CallbackAccepted || got.Attempt != x.attempt || after.Callback == nil || !gocmp.Equal(taken, after)):
		rt.Errorf("a good redirect gave %+v and made %+v of %+v", got, after, before)
	case !wanted && (got.Outcome != session.CallbackStray || !gocmp.Equal(before, after)):
		rt.Errorf("a stray redirect gave %+v and made %+v of %+v", got, after, before)
	}
}

// checkRedirects: an attempt takes one redirect, ever, and its provider gets to see that one, once.
func (m *machine) checkRedirects() {
	m.w.mu.Lock()
	defer m.w.mu.Unlock()
	m.w.place.mu.Lock()
	defer m.w.place.mu.Unlock()
	for a, all := range m.w.came {
		if len(all) > 1 {
			m.w.t.Errorf("%s took %d redirects", a, len(all))
		}
	}
	seen := make(map[id.Attempt]bool)
	for _, call := range m.w.place.asked {
		c, ok := call.reply.(sdk.Callback)
		if !ok {
			continue
		}
		a := id.Attempt(call.attempt)
		if came := m.w.came[a]; seen[a] || len(came) > 0 && !gocmp.Equal(came[0], c) {
			m.w.t.Errorf("the provider of %s got %v; it was asked before: %t; accepted was %v", a, c, seen[a], came)
		}
		seen[a] = true
	}
}

// movable says whether the front end that waits for a person has something to do.
func (m *machine) movable(x *away) bool {
	row := m.w.attempt(x.attempt)
	return !x.gone && (row.Callback != nil || row.State != store.AttemptOpen || x.r.ousted || m.closed(x.r) || m.over(x.r) ||
		!m.w.clock.Now().Before(row.ExpiresAt))
}

// comeBack lets the front end that has sent a person off go on.
func (m *machine) comeBack(rt *rapid.T) {
	of := func(r *run) func(*away) bool { return func(x *away) bool { return x.r == r && m.movable(x) } }
	r := m.pick(rt, func(r *run) bool { return idle(r) && slices.ContainsFunc(m.sent, of(r)) })
	x := m.sent[slices.IndexFunc(m.sent, of(r))]
	x.gone = true
	m.doom(rt, r.fe, 12)
	row := m.w.attempt(x.attempt)
	want := m.outcome(r, x.target, row, false)
	m.do(rt, r, func() error {
		reply, err := x.a.WaitCallback(r.ctx, x.step)
		if err == nil {
			_, err = x.a.Reply(r.ctx, reply)
		}
		return err
	}, func(err error) { m.came(rt, r, x.target, row, want, err) })
}

// comeBackElsewhere lets a new front end take the session over and go on with what a person left.
func (m *machine) comeBackElsewhere(rt *rapid.T) {
	if len(m.sent) == 0 {
		rt.Skip("nobody was sent anywhere")
	}
	x, before := one(rt, m.sent, "away"), len(m.runs)
	m.begin(rt, x.r.tok, nil, true)
	if len(m.runs) == before || m.runs[before].fe.dead() {
		return
	}
	r := m.runs[before]
	row := m.halfDone(r, x.target, x.source)
	if row.ID == "" {
		return
	}
	m.ask(r.tok.session, connectTo(x.target))
	want := m.outcome(r, x.target, row, true)
	m.do(rt, r, func() error { return r.fe.drive(r.ctx, r.s, x.target, -1) }, func(err error) { m.came(rt, r, x.target, row, want, err) })
}

// outcome is what an attempt must end with whose redirect has come, or comes now, and that a front end may have taken up
// anew; "?" where that is not said.
func (m *machine) outcome(r *run, target string, row store.Attempt, anew bool) string {
	var mem memory
	var c connectionModel
	known := m.w.model.knownTo(r.tok.user)
	if i := slices.IndexFunc(known, func(c connectionModel) bool { return string(c.id) == target }); i >= 0 {
		c = known[i]
	}
	gone := c.id != "" && !slices.Contains(m.w.model.active[r.s.User.HumanID], c)
	switch {
	case r.ousted:
		return "taken over"
	case m.closed(r), m.over(r):
		return "ended"
	case gone && anew:
		return string(failure.NotConnected)
	case row.Begun == "callback":
		return string(failure.AttemptInterrupted)
	case !m.w.clock.Now().Before(row.ExpiresAt):
		return string(failure.AttemptExpired)
	case row.State != store.AttemptOpen || json.Unmarshal(row.Resume, &mem) != nil || !mem.Play.Browser:
		return "?"
	case mem.Play.Forms > 0 || mem.Play.Polls > 0 || mem.Play.Crashes > 0 || mem.Play.Hold != "":
		return "?"
	case mem.Play.Error != "":
		return mem.Play.Error
	case gone:
		return string(failure.NotConnected)
	case c.id != "" && c.name != mem.Play.Account:
		return string(failure.AccountMismatch)
	}
	return ""
}

// came judges what an attempt ended with after its redirect.
func (m *machine) came(rt *rapid.T, r *run, target string, row store.Attempt, want string, err error) {
	m.judge(rt, r, err)
	m.acknowledged(rt, r, store.ActionConnect, target, err)
	if code := codeOf(err); !r.fe.dead() && !r.stopped() && want != "?" && code != want {
		rt.Errorf("%s of %s, which was %s with a redirect of %d bytes, ended with %q, not %q", row.ID, target, row.State, len(row.Callback), code, want)
	}
}
