package session_test

import (
	"context"
	"fmt"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/store"
)

// slowGate begins the names of the gates at which calls to revoke wait.
const slowGate = "slow"

func gateName(kind string, n int) string { return fmt.Sprint(kind, n) }

// disconnectSlowly disconnects, and the source takes its time to revoke.
func (m *machine) disconnectSlowly(rt *rapid.T) {
	r := m.pick(rt, idle)
	source := rapid.SampledFrom([]string{alpha, beta}).Draw(rt, "source")
	m.moods(rt)
	m.ask(r.tok.session, disconnectFrom(source))
	m.slowly(rt, r, source, func() error { return r.s.Disconnect(r.ctx, source, -1) }, func(err error) {
		m.judge(rt, r, err)
		m.acknowledged(rt, r, store.ActionDisconnect, source, err)
	})
}

// revokeDueSlowly looks for due revocations, in a new process or in one whose try of one is under way.
func (m *machine) revokeDueSlowly(rt *rapid.T) {
	m.moods(rt)
	fe := m.w.frontEnd()
	if busy := m.slow(); len(busy) > 0 && rapid.Bool().Draw(rt, "the same process") {
		fe = one(rt, busy, "try").fe
	}
	r := &run{fe: fe}
	r.ctx, r.cut = context.WithCancelCause(context.Background())
	m.tries = append(m.tries, r)
	m.slowly(rt, r, alpha, func() error { _, err := fe.RevokeDue(r.ctx); return err }, func(err error) {
		if err != nil && !fe.dead() {
			rt.Errorf("revoke what is due: %v", err)
		}
	})
}

// slow are the calls that wait for a source to revoke.
func (m *machine) slow() (all []*run) {
	for _, list := range [][]*run{m.runs, m.tries} {
		for _, r := range list {
			if r.done != nil && r.gate != "" && !r.fe.dead() {
				all = append(all, r)
			}
		}
	}
	return all
}

// slowly makes a call whose first revocation waits at a gate, and holds what becomes of that against what became of its
// row meanwhile: the outcome of a try is heard if the row is still that try's.
func (m *machine) slowly(rt *rapid.T, r *run, source string, call func() error, then func(error)) {
	m.gates++
	name := gateName(slowGate, m.gates)
	p := m.w.place
	p.mu.Lock()
	p.stalls[source] = name
	if p.revoke[source] == "crash" { // what is asked once more is asked at once
		p.revoke[source] = ""
	}
	p.mu.Unlock()
	var claimed, before store.Revocation
	var told stalled
	dead := false
	m.do(rt, r, call, func(err error) {
		then(err)
		if claimed.ID != "" && (dead || !r.fe.dead()) {
			m.heard(rt, told.code, dead, r.stopped(), claimed, before, m.w.revocationOf(claimed.ID))
		}
	})
	p.mu.Lock()
	delete(p.stalls, source)
	told = p.stalled
	p.mu.Unlock()
	if r.done == nil { // there was nothing to revoke
		return
	}
	claimed = m.w.pending(told.grant)
	r.gate = name
	r.looks = func() { before, dead = m.w.revocationOf(claimed.ID), r.fe.dead() }
}

// pending reads the pending revocation of a grant.
func (w *World) pending(grant string) store.Revocation {
	w.t.Helper()
	l, err := w.ledger()
	if err != nil || l.pending[grant].ID == "" {
		w.t.Fatalf("no pending revocation of %s: %v", grant, err)
	}
	return l.pending[grant]
}

func (w *World) revocationOf(r id.Revocation) (row store.Revocation) {
	w.t.Helper()
	w.view(func(tx store.Tx) (err error) { row, err = tx.Revocation(r); return err })
	return row
}

// heard compares a revocation before and after the outcome of a try came, whose process was dead, or told to end.
func (m *machine) heard(rt *rapid.T, code string, dead, cut bool, claimed, before, after store.Revocation) {
	ours := !dead && before.State == store.RevocationPending && before.Owner == claimed.Owner && before.LeaseUntil.Equal(claimed.LeaseUntil)
	if !ours {
		if !gocmp.Equal(before, after) {
			rt.Errorf("an outcome that came late made %+v of %+v; its try had claimed %+v", after, before, claimed)
		}
		return
	}
	want := map[string]store.RevocationState{
		"": store.RevocationRevoked, "source_unavailable": store.RevocationPending, "access_denied": store.RevocationFailed,
	}[code]
	if !cut && want != "" && (after.State != want || after.Owner != "" || (want == store.RevocationPending && after.Tries != before.Tries+1)) {
		rt.Errorf("the outcome %q of a try made %+v of %+v", code, after, before)
	}
}

// lateOutcome lets the source answer to a try, whose process may have died.
func (m *machine) lateOutcome(rt *rapid.T) {
	all := m.slow()
	if len(all) == 0 {
		rt.Skip("no source is slow")
	}
	r := one(rt, all, "try")
	if rapid.IntRange(0, 3).Draw(rt, "killed") == 0 {
		r.fe.kill()
	}
	m.letGo(rt, r)
}
