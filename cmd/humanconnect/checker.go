package main

import (
	"context"

	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/core/token"
	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/sdk"
)

// Values of token.check for tokens of another service.
const (
	checkJWT           = "jwt"
	checkIntrospection = "introspection"
)

// checker is what the config says how session tokens are judged. What it learns of another service is kept in cacheDir; ""
// keeps nothing.
func (st *state) checker(s store.Store, cacheDir string) (token.Checker, error) {
	c, clock := st.config.Token, st.app.Clock
	switch c.Check {
	case checkJWT:
		jwt, err := token.NewJWT(token.JWTOptions{
			JWKS: c.JWKS, Issuer: c.Issuer, Audience: c.Audience, Algorithms: c.Algorithms, UID: st.app.UID,
			Clock: clock, Store: s, CacheDir: cacheDir,
		})
		return &patient{jwt, st.app}, err
	case checkIntrospection:
		intro, err := token.NewIntrospection(token.IntrospectionOptions{
			Store: s, Clock: clock, Endpoint: c.Endpoint, ClientID: c.ClientID, TTL: c.TTL,
			Secret: func(ctx context.Context) (sdk.Secret, error) {
				return c.ClientSecret.Resolve(ctx, st.app.Environ())
			},
		})
		return &patient{intro, st.app}, err
	}
	return token.NewLocal(s, clock), nil
}

// foreign is a checker that depends on another service.
type foreign interface {
	token.Checker
	// Probe says whether the checker could judge now.
	Probe(ctx context.Context) error
}

// patient tells a person that another service is being asked, where that takes its time.
type patient struct {
	foreign
	app *App
}

func (p *patient) Check(ctx context.Context, t sdk.Secret) (token.Verdict, error) {
	line := p.app.startProgress("asking the service that has the session tokens")
	defer line.Done()
	return p.foreign.Check(ctx, t)
}

// ownTokens returns a problem where the tokens are another service's.
func (st *state) ownTokens() error {
	if check := st.config.Token.Check; check == checkJWT || check == checkIntrospection {
		return problem.New(codeTokenForeign, "session tokens are made and kept by another service (token.check: %s)", check).
			Hint("ask that service; tokens of this installation need token.check: local")
	}
	return nil
}

// tokens examines what another service's tokens depend on.
func (d *examination) tokens(ctx context.Context, st *state) {
	checker, err := st.checker(nil, "") // no store is asked, and nothing is kept: a doctor changes nothing
	if err != nil {
		d.failed("tokens", err)
		return
	}
	d.line.Set("asking the service that has the session tokens")
	other, ok := checker.(foreign)
	if !ok {
		d.ok("tokens", "made and kept by this installation")
		return
	}
	if err := other.Probe(ctx); err != nil {
		d.failed("tokens", err)
		return
	}
	d.ok("tokens", "those of another service can be judged (token.check: %s)", st.config.Token.Check)
}
