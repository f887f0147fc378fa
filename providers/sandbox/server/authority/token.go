package authority

import (
	"context"
	"crypto/rand"
	"slices"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// A grant and its tokens (RFC 9700 §4.14.2): each refresh rotates the refresh token; the reuse of an old one revokes the
// grant.
//
//	code or device ─▶ grant ─▶ access, refresh 1
//	refresh 1 ─▶ access, refresh 2      refresh 1 again ─▶ the grant has ended: refresh 2 and all access with it

// grantOf finds or makes the grant of a token request, and the scopes of its token.
func (s *store) grantOf(asked op.TokenRequest) (*grant, error) {
	var r *request
	switch asked := asked.(type) {
	case *refreshRequest:
		return asked.grant, nil
	case *request:
		r = asked
	case *op.DeviceAuthorizationState:
		r = s.granting[asked]
		delete(s.granting, asked)
	}
	if r == nil {
		return nil, errNotFound
	}
	g := &grant{client: r.client, username: r.decision.username, scopes: r.decision.scopes, fault: r.decision.fault}
	if g.fault == faultRevokeLater {
		g.endsAt = s.now().Add(revokedAfter)
	}
	return g, nil
}

func (s *store) newAccess(g *grant, scopes []string) (string, time.Time) {
	life := accessLife
	if g.fault == faultShort {
		life = shortLife
	}
	id, expires := rand.Text(), s.now().Add(life)
	s.accesses[id] = &access{grant: g, scopes: slices.Clone(scopes), expiresAt: expires}
	return id, expires
}

// CreateAccessToken implements [op.Storage].
func (s *store) CreateAccessToken(_ context.Context, asked op.TokenRequest) (string, time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, err := s.grantOf(asked)
	if err != nil {
		return "", time.Time{}, err
	}
	id, expires := s.newAccess(g, asked.GetScopes())
	return id, expires, nil
}

// CreateAccessAndRefreshTokens implements [op.Storage].
func (s *store) CreateAccessAndRefreshTokens(
	_ context.Context, asked op.TokenRequest, current string,
) (string, string, time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, err := s.grantOf(asked)
	if err != nil {
		return "", "", time.Time{}, err
	}
	next := current
	if g.fault != faultNoRotation || current == "" {
		if err := s.use(g, current); err != nil {
			return "", "", time.Time{}, err
		}
		next = rand.Text()
		s.refreshs[next] = &refresh{grant: g}
	}
	id, expires := s.newAccess(g, asked.GetScopes())
	return id, next, expires, nil
}

// use marks a refresh token as used. Of two concurrent uses one fails here.
func (s *store) use(g *grant, token string) error {
	if token == "" {
		return nil
	}
	if old := s.refreshs[token]; old == nil || old.used {
		g.ended = true
		return oidc.ErrInvalidGrant()
	}
	s.refreshs[token].used = true
	return nil
}

// TokenRequestByRefreshToken implements [op.Storage]. Reuse is detected by use.
func (s *store) TokenRequestByRefreshToken(_ context.Context, token string) (op.RefreshTokenRequest, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.refreshs[token]
	if r == nil || !r.grant.alive(s.now()) {
		return nil, op.ErrInvalidRefreshToken
	}
	return &refreshRequest{grant: r.grant, scopes: r.grant.scopes}, nil
}

// GetRefreshTokenInfo implements [op.Storage]. A refresh token is its own id.
func (s *store) GetRefreshTokenInfo(_ context.Context, _, token string) (subject, id string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.refreshs[token]
	if r == nil {
		return "", "", op.ErrInvalidRefreshToken
	}
	return subjectOf(r.grant.username), token, nil
}

// RevokeToken implements [op.Storage] (RFC 7009): a refresh token revokes the whole grant. An unknown token is no error.
func (s *store) RevokeToken(_ context.Context, token, _, clientID string) *oidc.Error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.refreshs[token]; r != nil {
		if r.grant.client.id != clientID {
			return oidc.ErrInvalidClient().WithDescription("the token was issued to another client")
		}
		r.grant.ended = true
		return nil
	}
	if a := s.accesses[token]; a != nil {
		if a.grant.client.id != clientID {
			return oidc.ErrInvalidClient().WithDescription("the token was issued to another client")
		}
		delete(s.accesses, token)
	}
	return nil
}
