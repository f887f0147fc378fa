package session_test

import (
	"context"
	"slices"
	"time"

	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/store"
)

// ledger is what the state says of grants at one moment.
type ledger struct {
	// connections by the grant that is their credential.
	connections map[string]store.Connection
	// renewed connections: those that are active.
	active map[id.Connection]bool
	// pending revocations by grant, and the final ones.
	pending map[string]store.Revocation
	final   []store.Revocation
}

func (w *World) ledger() (l ledger, err error) {
	l = ledger{
		connections: make(map[string]store.Connection), active: make(map[id.Connection]bool),
		pending: make(map[string]store.Revocation),
	}
	err = w.store.View(context.Background(), func(tx store.Tx) error {
		all, err := tx.Sessions(store.SessionFilter{})
		if err != nil {
			return err
		}
		users := make(map[id.Human]bool)
		for _, ses := range all {
			users[ses.User] = true
			rows, err := tx.RevocationsOf(ses.ID)
			if err != nil {
				return err
			}
			for _, r := range rows {
				if r.State != store.RevocationPending {
					l.final = append(l.final, r)
				}
			}
		}
		for user := range users {
			if err := l.readUser(tx, user); err != nil {
				return err
			}
		}
		rows, err := tx.DueRevocations(store.Due{Now: w.clock.Now().Add(10000 * time.Hour), Beyond: w.clock.Now().Add(10000 * time.Hour)}, 10000)
		for _, r := range rows {
			l.pending[string(r.Credential)] = r
		}
		return err
	})
	return l, err
}

func (l *ledger) readUser(tx store.Tx, user id.Human) error {
	rows, err := tx.Connections(user)
	for _, c := range rows {
		l.connections[string(c.Credential)] = c
		l.active[c.ID] = true
	}
	return err
}

// observe looks, after each commit, where the grants are that the sources gave. A credential must not vanish: it is
// replaced by a renewal of its connection, or goes to a revocation.
func (w *World) observe(fe *FrontEnd) {
	if !w.place.granted() {
		return
	}
	l, err := w.ledger()
	if err != nil {
		w.t.Errorf("read the grants: %v", err)
		return
	}
	w.place.mu.Lock()
	defer w.place.mu.Unlock()
	for _, r := range l.final {
		if r.Connection == "" && !w.place.counted[r.ID] {
			w.place.counted[r.ID] = true
			w.discarded(fe, r)
		}
	}
	for _, g := range w.place.grants {
		w.trace(g, l)
	}
}

// discarded notes a grant of a process that was final at once: shared, or of a source that cannot revoke.
func (w *World) discarded(fe *FrontEnd, r store.Revocation) {
	names := []string{""}
	if r.AccountKey != nil {
		names = []string{w.accountOf(r.Source, r.AccountKey)}
	}
	for _, name := range slices.Backward(w.place.order) {
		g := w.place.grants[name]
		if !g.kept && g.by == fe && g.source == r.Source && g.user == r.User && slices.Contains(names, g.account) {
			g.kept = true
			return
		}
	}
}

func (w *World) trace(g *grant, l ledger) {
	c, isConnected := l.connections[g.id]
	_, isPending := l.pending[g.id]
	switch {
	case isConnected:
		g.kept, g.connection = true, c.ID
		if g.revoked {
			w.t.Errorf("%s of the living connection %s is revoked", g.id, c.ID)
		}
	case isPending:
		g.kept, g.connection = true, ""
	case g.connection != "":
		if !l.active[g.connection] && !w.ended(g.connection) {
			w.t.Errorf("%s of %s has vanished", g.id, g.connection)
		}
		g.connection = ""
	}
}

// ended says whether a connection that is gone left a revocation which is final.
func (w *World) ended(con id.Connection) bool {
	var r store.Revocation
	err := w.store.View(context.Background(), func(tx store.Tx) (err error) {
		r, err = tx.RevocationOfConnection(con)
		return err
	})
	return err == nil && r.State != store.RevocationPending && len(r.Credential) == 0
}

// checkGrants: a grant that a source gave was kept. One may be lost only with a process that died before its commit.
func (w *World) checkGrants() {
	w.t.Helper()
	w.place.mu.Lock()
	defer w.place.mu.Unlock()
	for _, name := range w.place.order {
		g := w.place.grants[name]
		if !g.kept && g.by.busy.Load() == 0 && !g.by.dead() {
			w.t.Errorf("%s of account %q at %s is lost", g.id, g.account, g.source)
			g.kept = true // said once
		}
	}
}
