package oauth2

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/humanconnect/humanconnect/sdk"
)

const (
	// accountTries is how often the source is asked whose account it is, with 1, 2, 4 and 8 s in between.
	accountTries = 5
	// accountLimit bounds one such try, so that the step can still say what came of it.
	accountLimit = 30 * time.Second
	// revokeUnusedLimit bounds the revocation of tokens that become no connection.
	revokeUnusedLimit = 10 * time.Second
)

// grant is what the token endpoint answered, as it travels while it is not known whose account that is:
//
//	exchange ─▶ whose account? ─▶ connected
//	              ▲      │
//	              └─ wait┤ no answer yet
//	                     └▶ revoked, and the error
type grant struct {
	Answer    json.RawMessage `json:"answer"`
	ExpiresAt time.Time       `json:"expires_at,omitzero"`
	// ReconnectBy is when the refresh token expires, where the answer says so.
	ReconnectBy time.Time `json:"reconnect_by,omitzero"`
	// Tries so far to ask whose account it is.
	Tries int `json:"tries,omitempty"`
}

func newGrant(granted *oauth2.Token, answer json.RawMessage) *grant {
	return &grant{Answer: answer, ExpiresAt: granted.Expiry, ReconnectBy: reconnectBy(answer, time.Now())}
}

// longestRefresh is more than a refresh token lasts.
const longestRefresh = 100 * 365 * 24 * time.Hour

// reconnectBy is when the refresh token of an answer expires. No RFC has a member for that; refresh_token_expires_in is what
// most servers call it, in seconds, as a number or a text.
func reconnectBy(answer json.RawMessage, now time.Time) time.Time {
	var has struct {
		Left json.RawMessage `json:"refresh_token_expires_in"`
	}
	_ = json.Unmarshal(answer, &has)
	seconds, err := strconv.ParseFloat(strings.Trim(string(has.Left), `"`), 64)
	if err != nil || !(seconds > 0) {
		return time.Time{}
	}
	left := time.Duration(min(seconds, longestRefresh.Seconds()) * float64(time.Second))
	return now.Add(left).UTC().Truncate(time.Second)
}

// token is the library's again. The library has read the same answer once, so it can be read.
func (g *grant) token() *oauth2.Token {
	var read struct {
		AccessToken  string `json:"access_token"`
		RefreshToken string `json:"refresh_token"`
		TokenType    string `json:"token_type"`
	}
	var extra map[string]any
	_ = json.Unmarshal(g.Answer, &read)
	decoder := json.NewDecoder(bytes.NewReader(g.Answer))
	decoder.UseNumber() // an account id may be a number that no float can hold
	_ = decoder.Decode(&extra)
	token := &oauth2.Token{
		AccessToken: read.AccessToken, RefreshToken: read.RefreshToken, TokenType: read.TokenType, Expiry: g.ExpiresAt,
	}
	return token.WithExtra(extra)
}

// finish ends an attempt that has its grant. A source that cannot say now whose account it is, is asked again later: the
// grant exists, and the person would have to give another one. One that becomes no connection in the end is revoked,
// where the server can: nobody would know of it.
//
// There are two that are left to expire unused, because at many servers a revocation ends every grant of the account,
// that of a living connection included: one without a required scope, which is what comes of a box that was not ticked
// when a connection was renewed; and one that was to renew a named connection.
func (s *Source) finish(ctx context.Context, req *sdk.ConnectRequest, at resume) (sdk.Step, error) {
	granted := at.Granted.token()
	token, err := tokenOf(granted, at.Scopes)
	if err == nil {
		if err := s.required(token); err != nil {
			return nil, err
		}
		token.Issuer = at.Endpoint.Issuer
		var account sdk.Account
		if account, err = s.account(ctx, token); err == nil {
			credential := credentialOf(granted, token.Scopes, at.Endpoint.server())
			credential.ReconnectBy = at.Granted.ReconnectBy
			return sdk.Connected{Account: account, Credential: credential, Scopes: token.Scopes}, nil
		}
	}
	if step, ok := at.waits(err); ok {
		return step, nil
	}
	if req.Expected == nil {
		s.revokeUnused(ctx, req.Settings, at.Endpoint, granted)
	}
	return nil, err
}

// account asks whose account a token is for.
func (s *Source) account(ctx context.Context, token Token) (sdk.Account, error) {
	if s.Account == nil {
		return sdk.Account{}, nil
	}
	limited, cancel := context.WithTimeout(ctx, accountLimit)
	defer cancel()
	account, err := s.Account(limited, s.authorized(token.Access), token)
	switch {
	case err == nil:
		return account, nil
	case ctx.Err() == nil && limited.Err() != nil:
		return account, unavailable(0)
	}
	return account, asSourceError(ctx, err)
}

// waits asks to wait where the error is one that passes, and the source was not asked often enough.
func (r resume) waits(err error) (sdk.Step, bool) {
	var said *sdk.Error
	if !errors.As(err, &said) || said.Code != sdk.SourceUnavailable && said.Code != sdk.RateLimited {
		return nil, false
	}
	next := *r.Granted
	after := max(time.Second<<next.Tries, min(said.RetryAfter, longestInterval))
	next.Tries++
	r.Granted = &next
	data := r.bytes()
	if next.Tries >= accountTries || len(data) > sdk.MaxResume {
		return nil, false
	}
	return sdk.Wait{Text: "Waiting for the source to identify the account.", PollAfter: after, Resume: data}, true
}

// revokeUnused revokes tokens that become no connection. It does so too where the time of the caller is over, which may be why.
func (s *Source) revokeUnused(ctx context.Context, settings sdk.Settings, e Endpoint, granted *oauth2.Token) {
	if e.RevocationURL == "" && s.Revoke == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), revokeUnusedLimit)
	defer cancel()
	have := stored{AccessToken: granted.AccessToken, RefreshToken: granted.RefreshToken}
	if s.Revoke != nil {
		token := have.token()
		token.Extra = granted.Extra
		_ = s.Revoke(ctx, s.limited(), token)
		return
	}
	_ = s.revokeAll(ctx, settings, e, have)
}
