// Package authority is the authorization server of the sandbox sources: a whole OAuth 2.0 and OpenID Connect server,
// built on zitadel/oidc, with one page on which the person chooses what goes wrong.
//
//	browser ─▶ /authorize ─▶ /consent (sign in, scopes, fault) ─▶ /authorize/callback ─▶ the client's redirect URI
//	device  ─▶ /device_authorization    browser ─▶ /device (code) ─▶ /consent ─▶ done
//	client  ─▶ /oauth/token, /userinfo, /revoke, /oauth/introspect
//
// Everything is in memory and ends with the process. It is for tests and demonstrations on loopback, and has one password
// for all accounts.
package authority

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/zitadel/oidc/v3/pkg/op"
	"golang.org/x/text/language"

	"github.com/humanconnect/humanconnect/sdk/host/loopback"
)

// The paths of our own pages; the library has the others.
const (
	pathConsent = "/consent"
	pathDevice  = "/device"
)

// The lifetimes.
const (
	accessLife  = time.Hour
	deviceLife  = 10 * time.Minute
	requestLife = 15 * time.Minute
	// pollInterval is short, so that tests are quick; the default of RFC 8628 is 5 s.
	pollInterval = time.Second
)

// Authority is the server as a handler. It is safe for concurrent use.
type Authority struct {
	issuer   string
	provider *op.Provider
	store    *store
	handler  http.Handler
}

// New returns the server of an issuer, which is http on loopback. now is its clock. It needs no closing.
func New(issuer string, now func() time.Time) (*Authority, error) {
	if !local(issuer) {
		return nil, fmt.Errorf("the address %q is not on loopback", issuer)
	}
	s, err := newStore(now)
	if err != nil {
		return nil, err
	}
	a := &Authority{issuer: issuer, store: s}
	config := &op.Config{
		CodeMethodS256: true, AuthMethodPost: true, GrantTypeRefreshToken: true,
		SupportedUILocales: []language.Tag{language.English},
		SupportedScopes:    []string{"openid", "profile", "offline_access", "activity:read", "weight:read"},
		DeviceAuthorization: op.DeviceAuthorizationConfig{
			Lifetime: deviceLife, PollInterval: pollInterval, UserFormPath: pathDevice, UserCode: op.UserCodeBase20,
		},
	}
	_, _ = rand.Read(config.CryptoKey[:]) // never fails
	a.provider, err = op.NewProvider(config, s, op.StaticIssuer(issuer), op.WithAllowInsecure(), op.WithCORSOptions(nil))
	if err != nil {
		return nil, fmt.Errorf("make the authorization server: %w", err)
	}
	a.handler = a.routes()
	return a, nil
}

func (a *Authority) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", a.home)
	mux.HandleFunc("GET "+pathConsent, a.showConsent)
	mux.HandleFunc("POST "+pathConsent, a.takeConsent)
	mux.HandleFunc("GET "+pathDevice, a.showDevice)
	mux.Handle("/authorize", a.onlyLoopback(a.provider))
	mux.Handle("/.well-known/openid-configuration", a.withIssuerMetadata(a.provider))
	mux.Handle("/userinfo", a.resource(a.provider))
	mux.Handle("POST /oauth/token", a.tokenFaults(a.provider))
	mux.Handle("POST /revoke", a.revokeFaults(a.provider))
	mux.Handle("/", a.provider)
	return a.finalRedirect(mux)
}

// ServeHTTP implements [http.Handler]. It refuses requests for a host other than loopback, such as those of a page with DNS
// rebinding.
func (a *Authority) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !local("http://" + r.Host) {
		http.Error(w, "this server is for loopback alone", http.StatusForbidden)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	w.Header().Set("Cache-Control", "no-store")
	a.handler.ServeHTTP(w, r)
}

// local says whether an address is http on this machine.
func local(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Scheme == "http" && u.User == nil && loopback.Host(u.Hostname())
}
