package session_test

import (
	"context"

	"github.com/humanconnect/humanconnect/core/connection"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/sdk"
)

// Disconnect implements sdk.Provider. It is an error of the engine to revoke while anybody holds the account.
func (p *providers) Disconnect(ctx context.Context, r *sdk.CredentialRequest) error {
	if p.fe.dead() {
		return errDead
	}
	w := p.fe.w
	p.place.mu.Lock()
	g := p.place.grants[r.Credential.Data.Reveal()]
	code := p.place.revoke[r.Source]
	p.place.mu.Unlock()
	if g == nil || g.source != r.Source || g.account != r.Account.ID {
		w.t.Errorf("asked to revoke what was never granted: %v", r)
		return nil
	}
	var held bool
	w.view(func(tx store.Tx) (err error) {
		held, err = tx.AccountHeld(g.source, connection.AccountKey(w.store.MAC, g.source, g.account), g.user)
		return err
	})
	if code == "hang" {
		<-ctx.Done()
		return ctx.Err()
	}
	if held {
		w.t.Errorf("%s was revoked while a connection holds account %q of %s", g.id, g.account, g.source)
	}
	if p.stall(r.Source, g, code); p.fe.dead() {
		return errDead
	}
	p.place.mu.Lock()
	defer p.place.mu.Unlock()
	p.place.revokes = append(p.place.revokes, g.id)
	p.place.given = append(p.place.given, r.Settings)
	switch code {
	case "":
		g.revoked = true
		return nil
	case "crash":
		return crashError{}
	}
	return &sdk.Error{Code: sdk.Code(code), Message: "the source said " + code}
}

// stalled is a call to revoke that waited: which grant was to be revoked, and what it was to end with.
type stalled struct{ grant, code string }

// stall waits at the gate of a source's next call to revoke, if there is one.
func (p *providers) stall(source string, g *grant, code string) {
	p.place.mu.Lock()
	name := p.place.stalls[source]
	delete(p.place.stalls, source)
	if name != "" {
		p.place.stalled = stalled{g.id, code}
	}
	p.place.mu.Unlock()
	if name != "" {
		p.wait(name)
	}
}

// wait stands at a gate until it is lifted, and says so; one that was lifted before holds nobody.
func (p *providers) wait(name string) {
	gate := p.fe.gate(name)
	select {
	case <-gate:
	default:
		p.place.arrived <- p.fe
		<-gate
	}
}
