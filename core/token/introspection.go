package token

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/humanconnect/humanconnect/core/clock"
	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/sdk"
)

// maxOpaque is the longest token that another service is asked about, in bytes.
const maxOpaque = 64 << 10

// IntrospectionOptions says whom to ask, and how.
type IntrospectionOptions struct {
	Store store.Store
	Clock clock.Clock
	// Endpoint is an https URL; plain http is for this machine alone.
	Endpoint string
	ClientID string
	// Secret of the client, looked up at each question.
	Secret func(context.Context) (sdk.Secret, error)
	// TTL is how long a session lasts whose token has no exp.
	TTL time.Duration
	// Timeout of a request; 0 means 10 s.
	Timeout time.Duration
}

// Introspection judges tokens by asking the service that knows them (RFC 7662): sub is the user, client_id the client,
// exp the end, and sources, where it is there, lists the only sources. It implements [Checker], and is safe for
// concurrent use.
//
// A token whose session is closed already is judged without asking. What was seen of a token with an exp is remembered,
// by a hash, until 30 days after it, so that a token that the service no longer knows has expired and is not just
// unknown. A token that the service takes back while its session is open ends that session, as [Local.Revoke] does. One
// that it gives to another client or user is invalid: a session is one user's.
type Introspection struct {
	o       IntrospectionOptions
	service *service
}

var _ Checker = (*Introspection)(nil)

// NewIntrospection makes an Introspection. It asks nothing yet. An error is of options that cannot be.
func NewIntrospection(o IntrospectionOptions) (*Introspection, error) {
	address, err := url.Parse(o.Endpoint)
	if err != nil || address.Host == "" {
		return nil, errors.New("the URL of the introspection endpoint is invalid")
	}
	return &Introspection{o: o, service: newService("the introspection endpoint", CodeIntrospectionInvalid, address, o.Timeout)}, nil
}

// Check implements [Checker]. An error that the service could not be asked is a problem with code network; that it gave no
// answer of RFC 7662, one with code introspection_invalid; that it refused the client, one with code introspection_refused.
func (i *Introspection) Check(ctx context.Context, token sdk.Secret) (Verdict, error) {
	switch {
	case token == "":
		return Verdict{Status: event.TokenMissing}, nil
	case len(token) > maxOpaque:
		return refused("it is longer than %d KiB", maxOpaque>>10), nil
	}
	sum := sha256.Sum256([]byte(token.Reveal()))
	key := sum[:]
	before, err := i.remembered(ctx, key)
	if err != nil {
		return Verdict{}, fmt.Errorf("look up a session token: %w", err)
	}
	if before.session.ID != "" && !before.session.ClosedAt.IsZero() {
		v := before.verdict(key, event.TokenInvalid)
		v.Reason = spent
		return v, nil
	}
	said, err := i.ask(ctx, token)
	if err != nil {
		return Verdict{}, err
	}
	if said == nil {
		return i.inactive(ctx, key, before)
	}
	return i.active(ctx, key, before, *said)
}

// Confirm implements [Checker]: only the service knows, and it was asked.
func (*Introspection) Confirm(store.Tx, Verdict) (bool, error) { return true, nil }

const (
	inactiveText = "the introspection endpoint says that it is not active"
	spent        = "the session that it opened is closed; the introspection endpoint was not asked"
	otherOwner   = "the introspection endpoint says today that it is of another client or user than before"
)

// Probe asks the service about a token that nobody has, to see whether that works; the error is that of Check.
func (i *Introspection) Probe(ctx context.Context) error {
	_, err := i.ask(ctx, "humanconnect-probe")
	return err
}

// ask asks the service about a token, and returns what it says of it; nil for one that is not active.
func (i *Introspection) ask(ctx context.Context, token sdk.Secret) (*claims, error) {
	secret, err := i.o.Secret(ctx)
	if err != nil {
		return nil, err
	}
	form := url.Values{"token": {token.Reveal()}, "token_type_hint": {"access_token"}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, i.service.url.String(), strings.NewReader(form.Encode()))
	if err != nil {
		return nil, i.service.unusable("its URL is invalid")
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	r.SetBasicAuth(url.QueryEscape(i.o.ClientID), url.QueryEscape(secret.Reveal())) // RFC 6749 §2.3.1
	said, err := i.service.ask(ctx, r)
	switch {
	case err != nil:
		return nil, err
	case said.status == http.StatusUnauthorized || said.status == http.StatusForbidden:
		return nil, problem.New(CodeIntrospection, "the introspection endpoint rejected the client credentials (status %d)", said.status).
			Hint("correct token.clientId and token.clientSecret in the config")
	case said.status != http.StatusOK:
		return nil, i.service.wrongStatus(said.status)
	}
	c, wrong := readIntrospection(said.body)
	if wrong != "" {
		return nil, i.service.invalid(errors.New(wrong))
	}
	return c, nil
}

// readIntrospection reads an introspection response (RFC 7662 §2.2), nil for one that says that a token is not active; wrong
// says why it is none. What else is said of such a token does not count.
func readIntrospection(text []byte) (c *claims, wrong string) {
	var said struct {
		Active *bool `json:"active"`
	}
	switch {
	case !readClaims(text, &said):
		return nil, wrongMember(text, []member{{"active", kindBoolean}})
	case said.Active == nil:
		return nil, "its member active is missing"
	case !*said.Active:
		return nil, ""
	}
	c = &claims{}
	if !readClaims(text, c) {
		return nil, wrongMember(text, claimMembers())
	}
	return c, ""
}

// seen is what this state knows of a token.
type seen struct {
	// token is what was seen of one with an exp; its hash is nil for none.
	token store.VerifiedToken
	// session that the token opened; its id is "" for none.
	session store.Session
	user    store.User
}

// row names what was seen of a token. It is no key of a session, and that of no other endpoint.
func (i *Introspection) row(key []byte) []byte {
	return digest("introspection", i.o.Endpoint, string(key))
}

func (i *Introspection) remembered(ctx context.Context, key []byte) (seen, error) {
	var out seen
	err := i.o.Store.View(ctx, func(tx store.Tx) (err error) {
		out, err = i.recall(tx, key)
		return err
	})
	return out, err
}

func (i *Introspection) recall(tx store.Tx, key []byte) (out seen, err error) {
	if out.session, err = tx.SessionByToken(key); err != nil && !errors.Is(err, store.ErrNotFound) {
		return out, err
	}
	if out.token, err = tx.VerifiedToken(i.row(key)); err != nil && !errors.Is(err, store.ErrNotFound) {
		return out, err
	}
	user := out.token.User
	if out.session.ID != "" {
		user = out.session.User
	}
	if user == "" {
		return out, nil
	}
	out.user, err = tx.UserByID(user)
	return out, err
}

// genuine says whether the service has vouched for the token before.
func (s seen) genuine() bool { return s.user.HumanID != "" }

// verdict of a token that was seen before.
func (s seen) verdict(key []byte, status event.Status) Verdict {
	v := Verdict{
		Status: status, Key: key, ClientID: s.user.ClientID, ClientUserID: s.user.ClientUserID,
		Sources: s.token.Sources, ExpiresAt: s.token.ExpiresAt,
	}
	if s.session.ID != "" {
		v.Sources, v.ExpiresAt = s.session.Sources, s.session.EndsAt
	}
	return v
}

// inactive judges a token that the service no longer knows, or never did.
func (i *Introspection) inactive(ctx context.Context, key []byte, before seen) (Verdict, error) {
	if !before.genuine() {
		return refused(inactiveText), nil
	}
	if before.token.Hash != nil && !i.o.Clock.Now().Before(before.token.ExpiresAt) {
		v := before.verdict(key, event.TokenExpired)
		v.Reason = expiredAt(v.ExpiresAt)
		return v, nil
	}
	if before.session.ID != "" {
		if err := i.endSession(ctx, key); err != nil {
			return Verdict{}, fmt.Errorf("end the session of a token that was taken back: %w", err)
		}
	}
	v := before.verdict(key, event.TokenInvalid)
	v.Reason = inactiveText
	return v, nil
}

// endSession ends the session of a token that was taken back now. It closes as SESSION_TOKEN_INVALID.
func (i *Introspection) endSession(ctx context.Context, key []byte) error {
	return i.o.Store.Update(ctx, func(tx store.Tx) error {
		return store.EndSession(tx, key, store.EndRevoked, i.o.Clock.Now())
	})
}

// active judges a token that the service vouches for.
func (i *Introspection) active(ctx context.Context, key []byte, before seen, c claims) (Verdict, error) {
	sources, allowed := c.sources()
	switch wrong := c.wrongOwner(); {
	case wrong != "":
		return refused("%s", wrong), nil
	case !allowed:
		return refused(wrongSources), nil
	case !before.mayBe(c):
		return refused(otherOwner), nil
	}
	now := i.o.Clock.Now()
	if c.Expires == nil {
		return c.verdict(key, sources, now.Add(i.o.TTL), now), nil
	}
	expires, ok := numericDate(*c.Expires)
	if !ok {
		return refused(wrongExpiry), nil
	}
	kept, err := i.remember(ctx, key, c, store.VerifiedToken{Sources: sources, VerifiedAt: now, ExpiresAt: expires})
	if err != nil {
		return Verdict{}, fmt.Errorf("remember a session token: %w", err)
	}
	if !kept {
		return refused(otherOwner), nil
	}
	return c.verdict(key, sources, expires, now), nil
}

// remember keeps what was seen of a token with an exp, and forgets what is long past. It returns false, and changes
// nothing, where the token has become another's meanwhile.
func (i *Introspection) remember(ctx context.Context, key []byte, c claims, row store.VerifiedToken) (kept bool, err error) {
	row.Hash = i.row(key)
	old, err := i.remembered(ctx, key)
	if err != nil || old.same(c, row) {
		return err == nil, err
	}
	err = i.o.Store.Update(ctx, func(tx store.Tx) error {
		kept = false
		old, err := i.recall(tx, key)
		if err != nil || !old.mayBe(c) {
			return err
		}
		if err := forget(tx, row.VerifiedAt); err != nil {
			return err
		}
		user, err := store.EnsureUser(tx, c.ClientID, c.Subject)
		if err != nil {
			return err
		}
		row.User, kept = user.HumanID, true
		if err = tx.SaveVerifiedToken(row); errors.Is(err, store.ErrNotFound) {
			err = tx.InsertVerifiedToken(row)
		}
		return err
	})
	return kept, err
}

// mayBe says whether a token can be of the owner that claims name: it is nobody else's already.
func (s seen) mayBe(c claims) bool {
	return !s.genuine() || s.user.ClientID == c.ClientID && s.user.ClientUserID == c.Subject
}

// same says whether all of this was seen before.
func (s seen) same(c claims, row store.VerifiedToken) bool {
	return s.token.Hash != nil && s.mayBe(c) && s.token.ExpiresAt.Equal(row.ExpiresAt) &&
		slices.Equal(s.token.Sources, row.Sources) && (s.token.Sources == nil) == (row.Sources == nil)
}
