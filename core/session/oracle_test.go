package session_test

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"pgregory.net/rapid"

	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/session"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/internal/problem"
)

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
		if f.Status != want || f.Failed || f.Cut != session.CutNone || f.Session != "" {
			rt.Errorf("a token that opens nothing gave %+v, not %s", f, want)
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
	} else if string(f.Cut) != row.Cut {
		rt.Errorf("cut %q, stored %q", f.Cut, row.Cut)
	}
	m.print(rt, tok, f)
}

// lastList is the list that the session of a token works through.
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
	case errors.Is(err, errStop) && r.stopped():
	default:
		rt.Errorf("an action ended with %v", err)
	}
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

// acknowledged: what an action returned is what was kept. After it, another front end may have done the same.
func (m *machine) acknowledged(rt *rapid.T, r *run, kind store.ActionKind, target string, err error) {
	code := codeOf(err)
	if r.fe.dead() || code == "taken over" || code == "ended" || errors.Is(err, errStop) {
		return
	}
	var kept []string
	for _, a := range slices.Backward(m.w.actions(r.s.ID)) {
		if a.Kind == kind && a.Target == target {
			kept = append(kept, a.Code)
		}
	}
	if !r.ousted && len(kept) > 1 {
		kept = kept[:1]
	}
	if !slices.Contains(kept, code) {
		rt.Errorf("%s %s ended with %q, and %q was kept", kind, target, code, kept)
	}
}
