package app

import (
	"context"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/exit"
	"github.com/humanconnect/humanconnect/core/config"
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

// checker returns the checker of session tokens that the config selects. It caches keys of another service in cacheDir; ""
// caches nothing.
func (a *App) checker(cfg *config.Config, s store.Store, cacheDir string) (token.Checker, error) {
	c := cfg.Token
	switch c.Check {
	case checkJWT:
		jwt, err := token.NewJWT(token.JWTOptions{
			JWKS: c.JWKS, Issuer: c.Issuer, Audience: c.Audience, Algorithms: c.Algorithms, UID: a.UID,
			Clock: a.Clock, Store: s, CacheDir: cacheDir,
		})
		return &withProgress{jwt, a}, err
	case checkIntrospection:
		intro, err := token.NewIntrospection(token.IntrospectionOptions{
			Store: s, Clock: a.Clock, Endpoint: c.Endpoint, ClientID: c.ClientID, TTL: c.TTL,
			Secret: func(ctx context.Context) (sdk.Secret, error) { return c.ClientSecret.Resolve(ctx, a.Environ()) },
		})
		return &withProgress{intro, a}, err
	}
	return token.NewLocal(s, a.Clock), nil
}

// remoteChecker is a checker that depends on another service.
type remoteChecker interface {
	token.Checker
	// Probe says whether the checker could check a token now.
	Probe(ctx context.Context) error
}

// withProgress shows progress while another service is asked.
type withProgress struct {
	remoteChecker
	app *App
}

// Check implements [token.Checker].
func (p *withProgress) Check(ctx context.Context, t sdk.Secret) (token.Verdict, error) {
	defer p.app.IO.StartProgress(CheckingToken).Done()
	return p.remoteChecker.Check(ctx, t)
}

// CheckingToken is the progress text while the session token service is asked.
const CheckingToken = "checking the session token with its service"

// ProbeTokenService says whether session tokens of another service can be checked now. own is true if this installation
// issues the tokens. It writes nothing and reads no state.
func (i *Installation) ProbeTokenService(ctx context.Context) (own bool, err error) {
	checker, err := i.app.checker(i.Config, nil, "")
	if err != nil {
		return false, err
	}
	remote, ok := checker.(remoteChecker)
	if !ok {
		return true, nil
	}
	return false, remote.Probe(ctx)
}

// RequireLocalTokens returns a problem if another service issues the tokens.
func (i *Installation) RequireLocalTokens() error {
	if check := i.Config.Token.Check; check == checkJWT || check == checkIntrospection {
		return problem.New(exit.CodeTokenForeign, "session tokens are issued by another service (token.check: %s)", check).
			Hint("use that service; tokens of this installation need token.check: local")
	}
	return nil
}
