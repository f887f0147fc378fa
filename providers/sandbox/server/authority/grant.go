package authority

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// request is an authorization request, by browser or by device; it implements [op.AuthRequest].
type request struct {
	id       string
	asked    *oidc.AuthRequest
	client   *client
	began    time.Time
	decision decision
	// device is the state of a request by device; asked is then nil.
	device   *op.DeviceAuthorizationState
	userCode string
	polledAt time.Time
	slowed   bool
	// spent: the code was exchanged, or is being.
	spent bool
}

// decision is what the person chose on the page.
type decision struct {
	made     bool
	username string
	scopes   []string
	fault    string
	at       time.Time
}

// copy is for use without the store's lock.
func (r *request) copy() *request {
	c := *r
	return &c
}

func (r *request) GetID() string          { return r.id }
func (r *request) GetACR() string         { return "" }
func (r *request) GetAMR() []string       { return []string{"pwd"} }
func (r *request) GetAudience() []string  { return []string{r.client.id} }
func (r *request) GetAuthTime() time.Time { return r.decision.at }
func (r *request) GetClientID() string    { return r.client.id }

// GetCodeChallenge implements [op.AuthRequest] for RFC 7636.
func (r *request) GetCodeChallenge() *oidc.CodeChallenge {
	if r.asked.CodeChallenge == "" {
		return nil
	}
	return &oidc.CodeChallenge{Challenge: r.asked.CodeChallenge, Method: r.asked.CodeChallengeMethod}
}
func (r *request) GetNonce() string                   { return r.asked.Nonce }
func (r *request) GetRedirectURI() string             { return r.asked.RedirectURI }
func (r *request) GetResponseType() oidc.ResponseType { return r.asked.ResponseType }
func (r *request) GetResponseMode() oidc.ResponseMode { return r.asked.ResponseMode }
func (r *request) GetScopes() []string                { return r.decision.scopes }
func (r *request) GetState() string                   { return r.asked.State }
func (r *request) GetSubject() string                 { return subjectOf(r.decision.username) }
func (r *request) Done() bool                         { return r.decision.made }

// scopesAsked are the requested scopes.
func (r *request) scopesAsked() []string {
	if r.device != nil {
		return r.device.Scopes
	}
	return r.asked.Scopes
}

// grant is the authorization of a client by a person. All of its tokens end with it.
type grant struct {
	client   *client
	username string
	scopes   []string
	fault    string
	// endsAt is when the source revokes it, or zero.
	endsAt time.Time
	ended  bool
}

func (g *grant) alive(now time.Time) bool {
	return !g.ended && (g.endsAt.IsZero() || now.Before(g.endsAt))
}

// access is an access token.
type access struct {
	grant     *grant
	scopes    []string
	expiresAt time.Time
	// asked: the token was used at userinfo.
	asked bool
}

// refresh is a refresh token. A used one is kept, to detect its reuse.
type refresh struct {
	grant *grant
	used  bool
}

// refreshRequest implements [op.RefreshTokenRequest].
type refreshRequest struct {
	grant  *grant
	scopes []string
}

func (r *refreshRequest) GetAMR() []string                 { return []string{"pwd"} }
func (r *refreshRequest) GetAudience() []string            { return []string{r.grant.client.id} }
func (r *refreshRequest) GetAuthTime() time.Time           { return time.Time{} }
func (r *refreshRequest) GetClientID() string              { return r.grant.client.id }
func (r *refreshRequest) GetScopes() []string              { return r.scopes }
func (r *refreshRequest) GetSubject() string               { return subjectOf(r.grant.username) }
func (r *refreshRequest) SetCurrentScopes(scopes []string) { r.scopes = scopes }

// usernames matches the accounts.
var usernames = regexp.MustCompile(`^demouser[0-9]{0,6}$`)

// password is that of every account.
const password = "password"

// subjectOf is the stable id of an account.
func subjectOf(username string) string {
	sum := sha256.Sum256([]byte("sandbox\x00" + username))
	return hex.EncodeToString(sum[:8])
}
