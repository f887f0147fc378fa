package authority

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// maxRequests limits the pending authorization requests.
const maxRequests = 1000

// store implements [op.Storage] and [op.DeviceAuthorizationStorage] in memory.
type store struct {
	now     func() time.Time
	clients []*client
	key     signingKey

	mu       sync.Mutex
	requests map[string]*request
	codes    map[string]*request
	devices  map[string]*request
	accesses map[string]*access
	refreshs map[string]*refresh
	// granting finds the request by the state that the library passes while it makes the tokens.
	granting map[*op.DeviceAuthorizationState]*request
}

var (
	_ op.Storage                    = (*store)(nil)
	_ op.DeviceAuthorizationStorage = (*store)(nil)

	errNotFound = errors.New("not found")
	errBusy     = errors.New("too many pending authorization requests")
)

func newStore(now func() time.Time) (*store, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the signing key: %w", err)
	}
	return &store{
		now: now, clients: clients(), key: signingKey{id: rand.Text(), private: private},
		requests: make(map[string]*request), codes: make(map[string]*request), devices: make(map[string]*request),
		accesses: make(map[string]*access), refreshs: make(map[string]*refresh),
		granting: make(map[*op.DeviceAuthorizationState]*request),
	}, nil
}

// Health implements [op.Storage].
func (s *store) Health(context.Context) error { return nil }

func (s *store) client(id string) (*client, error) {
	for _, c := range s.clients {
		if c.id == id {
			return c, nil
		}
	}
	return nil, errNotFound
}

// GetClientByClientID implements [op.Storage].
func (s *store) GetClientByClientID(_ context.Context, id string) (op.Client, error) {
	c, err := s.client(id)
	if err != nil {
		return nil, oidc.ErrInvalidClient().WithParent(err)
	}
	return c, nil
}

// AuthorizeClientIDSecret implements [op.Storage].
func (s *store) AuthorizeClientIDSecret(_ context.Context, id, secret string) error {
	c, err := s.client(id)
	if err != nil || c.secret == "" || c.secret != secret {
		return oidc.ErrInvalidClient()
	}
	return nil
}

// add keeps a request until it expires.
func (s *store) add(r *request) error {
	for id, old := range s.requests {
		if s.now().Sub(old.began) > requestLife {
			s.forget(id)
		}
	}
	if len(s.requests) >= maxRequests {
		return errBusy
	}
	s.requests[r.id] = r
	return nil
}

func (s *store) forget(id string) {
	delete(s.requests, id)
	for _, m := range []map[string]*request{s.codes, s.devices} {
		for key, r := range m {
			if r.id == id {
				delete(m, key)
			}
		}
	}
}

// CreateAuthRequest implements [op.Storage].
func (s *store) CreateAuthRequest(_ context.Context, asked *oidc.AuthRequest, _ string) (op.AuthRequest, error) {
	c, err := s.client(asked.ClientID)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r := &request{id: rand.Text(), asked: asked, client: c, began: s.now()}
	if err := s.add(r); err != nil {
		return nil, err
	}
	return r.copy(), nil
}

// AuthRequestByID implements [op.Storage].
func (s *store) AuthRequestByID(_ context.Context, id string) (op.AuthRequest, error) {
	r, err := s.request(id)
	if err != nil || r.device != nil {
		return nil, errNotFound
	}
	return r, nil
}

func (s *store) request(id string) (*request, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.requests[id]
	if r == nil || s.now().Sub(r.began) > requestLife {
		return nil, errNotFound
	}
	return r.copy(), nil
}

// decide takes what a person chose, once.
func (s *store) decide(id string, d decision) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.requests[id]
	if r == nil || r.decision.made {
		return false
	}
	d.made, d.at = true, s.now()
	r.decision = d
	return true
}

// SaveAuthCode implements [op.Storage].
func (s *store) SaveAuthCode(_ context.Context, id, code string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.requests[id]
	if r == nil || r.spent {
		return errNotFound
	}
	s.codes[code] = r
	return nil
}

// AuthRequestByCode implements [op.Storage]. A code is good for one try (RFC 6749 §10.5).
func (s *store) AuthRequestByCode(_ context.Context, code string) (op.AuthRequest, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.codes[code]
	if r == nil || r.spent {
		return nil, errNotFound
	}
	r.spent = true
	return r.copy(), nil
}

// DeleteAuthRequest implements [op.Storage].
func (s *store) DeleteAuthRequest(_ context.Context, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget(id)
	return nil
}

// TerminateSession implements [op.Storage]: nobody stays signed in.
func (s *store) TerminateSession(context.Context, string, string) error { return nil }

// SetUserinfoFromScopes implements [op.Storage].
func (s *store) SetUserinfoFromScopes(context.Context, *oidc.UserInfo, string, string, []string) error {
	return nil
}

// SetUserinfoFromToken implements [op.Storage].
func (s *store) SetUserinfoFromToken(_ context.Context, info *oidc.UserInfo, id, subject, _ string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.living(id)
	if a == nil || subjectOf(a.grant.username) != subject {
		return oidc.ErrInvalidRequest().WithDescription("the access token is not valid")
	}
	info.Subject = subject
	if slices.Contains(a.scopes, oidc.ScopeProfile) {
		info.PreferredUsername = a.grant.username
	}
	return nil
}

// living finds an access token that still works.
func (s *store) living(id string) *access {
	a := s.accesses[id]
	if a == nil || !a.grant.alive(s.now()) || !s.now().Before(a.expiresAt) {
		return nil
	}
	return a
}

// SetIntrospectionFromToken implements [op.Storage] (RFC 7662).
func (s *store) SetIntrospectionFromToken(
	_ context.Context, answer *oidc.IntrospectionResponse, id, subject, _ string,
) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.living(id)
	if a == nil || subjectOf(a.grant.username) != subject {
		return errNotFound
	}
	answer.Active, answer.Subject, answer.ClientID = true, subject, a.grant.client.id
	answer.Scope, answer.Expiration = a.scopes, oidc.FromTime(a.expiresAt)
	return nil
}

// GetPrivateClaimsFromScopes implements [op.Storage].
func (s *store) GetPrivateClaimsFromScopes(context.Context, string, string, []string) (map[string]any, error) {
	return map[string]any{}, nil
}

// GetKeyByIDAndClientID implements [op.Storage]: no client has a key.
func (s *store) GetKeyByIDAndClientID(context.Context, string, string) (*jose.JSONWebKey, error) {
	return nil, errNotFound
}

// ValidateJWTProfileScopes implements [op.Storage]: no client has a key.
func (s *store) ValidateJWTProfileScopes(context.Context, string, []string) ([]string, error) {
	return nil, errNotFound
}

// signingKey implements [op.SigningKey] and [op.Key].
type signingKey struct {
	id      string
	private *ecdsa.PrivateKey
}

func (k signingKey) ID() string                                  { return k.id }
func (k signingKey) SignatureAlgorithm() jose.SignatureAlgorithm { return jose.ES256 }
func (k signingKey) Key() any                                    { return k.private }

type publicKey struct{ signingKey }

func (k publicKey) Algorithm() jose.SignatureAlgorithm { return jose.ES256 }
func (k publicKey) Use() string                        { return "sig" }
func (k publicKey) Key() any                           { return &k.private.PublicKey }

// SigningKey implements [op.Storage].
func (s *store) SigningKey(context.Context) (op.SigningKey, error) { return s.key, nil }

// SignatureAlgorithms implements [op.Storage].
func (s *store) SignatureAlgorithms(context.Context) ([]jose.SignatureAlgorithm, error) {
	return []jose.SignatureAlgorithm{jose.ES256}, nil
}

// KeySet implements [op.Storage].
func (s *store) KeySet(context.Context) ([]op.Key, error) { return []op.Key{publicKey{s.key}}, nil }

// StoreDeviceAuthorization implements [op.DeviceAuthorizationStorage].
func (s *store) StoreDeviceAuthorization(
	_ context.Context, clientID, deviceCode, userCode string, expires time.Time, scopes []string,
) error {
	c, err := s.client(clientID)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byUserCode(userCode) != nil {
		return op.ErrDuplicateUserCode
	}
	r := &request{id: rand.Text(), client: c, began: s.now(), userCode: userCode}
	r.device = &op.DeviceAuthorizationState{ClientID: clientID, Scopes: scopes, Expires: expires}
	if err := s.add(r); err != nil {
		return err
	}
	s.devices[deviceCode] = r
	return nil
}

// byUserCode finds a request that waits for its code, however it was typed.
func (s *store) byUserCode(typed string) *request {
	plain := strings.NewReplacer("-", "", " ", "")
	typed = strings.ToUpper(plain.Replace(typed))
	for _, r := range s.devices {
		if plain.Replace(r.userCode) == typed && !r.decision.made && s.now().Sub(r.began) < deviceLife {
			return r
		}
	}
	return nil
}

// GetDeviceAuthorizatonState implements [op.DeviceAuthorizationStorage]. The library has slow_down be said by this
// error.
func (s *store) GetDeviceAuthorizatonState(
	_ context.Context, clientID, code string,
) (*op.DeviceAuthorizationState, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.devices[code]
	if r == nil || r.client.id != clientID {
		return nil, errNotFound
	}
	early := s.now().Sub(r.polledAt) < pollInterval*9/10
	r.polledAt = s.now()
	if early || r.decision.fault == faultSlowDown && !r.slowed {
		r.slowed = true
		return nil, context.DeadlineExceeded
	}
	state := *r.device
	if !r.decision.made {
		return &state, nil
	}
	s.forget(r.id)
	switch r.decision.fault {
	case faultDenied:
		state.Denied = true
	case faultExpired:
		state.Expires = time.Unix(0, 0)
	default:
		state.Done, state.Subject, state.Scopes = true, r.GetSubject(), r.GetScopes()
		state.AuthTime, state.AMR = r.GetAuthTime(), r.GetAMR()
		s.granting[&state] = r.copy()
	}
	return &state, nil
}
