package token

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/humanconnect/humanconnect/core/clock"
	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/host"
)

const (
	// Prefix starts every local token.
	Prefix = "hcs_"
	// DefaultTTL is how long a token lives where nothing else is said.
	DefaultTTL = time.Hour
	// MaxTTL is the longest life of a token.
	MaxTTL = 365 * 24 * time.Hour

	secretSize = 32
	// MaxUserID is the longest clientUserId in bytes.
	MaxUserID = 1024
	// MaxClientID is the longest clientId in bytes.
	MaxClientID = 256
)

// Local makes, judges and revokes tokens that this installation keeps. A token is opaque: "hcs_" and 256 random bits;
// the store has its SHA-256 alone, which is enough for random input. It implements [Checker].
type Local struct {
	store store.Store
	clock clock.Clock
}

var _ Checker = (*Local)(nil)

// NewLocal makes a Local.
func NewLocal(s store.Store, c clock.Clock) *Local { return &Local{store: s, clock: c} }

// Request asks for a token.
type Request struct {
	ClientID     string
	ClientUserID string
	// TTL is how long it lives, from a second to [MaxTTL].
	TTL time.Duration
	// Sources that it may connect or disconnect; nil means all.
	Sources []string
}

// Created is a new token.
type Created struct {
	Token     sdk.Secret
	HumanID   id.Human
	ExpiresAt time.Time
}

// Create makes a token. It returns a problem with code usage for a request that makes no sense.
func (l *Local) Create(ctx context.Context, r Request) (Created, error) {
	if err := r.validate(); err != nil {
		return Created{}, err
	}
	var random [secretSize]byte
	_, _ = rand.Read(random[:]) // never fails: crypto/rand
	token := sdk.Secret(Prefix + base64.RawURLEncoding.EncodeToString(random[:]))
	key, _ := hash(token)
	var out Created
	err := l.store.Update(ctx, func(tx store.Tx) error {
		now := l.clock.Now()
		if err := forget(tx, now); err != nil {
			return err
		}
		user, err := store.EnsureUser(tx, r.ClientID, r.ClientUserID)
		if err != nil {
			return err
		}
		out = Created{Token: token, HumanID: user.HumanID, ExpiresAt: now.Add(r.TTL)}
		return tx.InsertToken(store.Token{
			Hash: key, User: user.HumanID, Sources: r.Sources, IssuedAt: now, ExpiresAt: out.ExpiresAt,
		})
	})
	if err != nil {
		return Created{}, fmt.Errorf("create a session token: %w", err)
	}
	return out, nil
}

func (r Request) validate() error {
	switch {
	case r.ClientID == "":
		return problem.New(problem.CodeUsage, "no client id").
			Hint("pass --client-id ID, or set clientId in the config file")
	case len(r.ClientID) > MaxClientID || !utf8.ValidString(r.ClientID):
		return problem.New(problem.CodeUsage, "a client id has 1 to %d bytes of valid UTF-8", MaxClientID).
			Hint("correct --client-id, or clientId in the config file")
	case r.ClientUserID == "" || len(r.ClientUserID) > MaxUserID || !utf8.ValidString(r.ClientUserID):
		return problem.New(problem.CodeUsage, "a client user id has 1 to %d bytes of valid UTF-8", MaxUserID).
			Hint("correct --client-user-id")
	case r.TTL < time.Second || r.TTL > MaxTTL:
		return problem.New(problem.CodeUsage, "a token lives from 1s to %s, not %s", MaxTTL, r.TTL).
			Hint("correct --ttl, or token.ttl in the config file")
	case r.Sources != nil && len(r.Sources) == 0:
		return problem.New(problem.CodeUsage, "a token that names sources names at least one").
			Hint("leave --sources out to allow all")
	}
	for _, s := range r.Sources {
		if !host.ValidID(s) {
			return problem.New(problem.CodeUsage, "a source id has lower-case letters, digits and dashes, at most 63").
				Hint("see: humanconnect source list")
		}
	}
	return nil
}

// Check implements [Checker].
func (l *Local) Check(ctx context.Context, token sdk.Secret) (Verdict, error) {
	if token == "" {
		return Verdict{Status: event.TokenMissing}, nil
	}
	info, err := l.Inspect(ctx, token)
	if err != nil {
		return Verdict{}, err
	}
	v := Verdict{Status: info.status(), Reason: info.Reason}
	if info.State != Unknown {
		key, _ := hash(token)
		v.Key, v.Sources, v.ExpiresAt = key, info.Sources, info.ExpiresAt
		v.ClientID, v.ClientUserID = info.User.ClientID, info.User.ClientUserID
	}
	return v, nil
}

// Confirm implements [Checker]: the token may have been revoked.
func (l *Local) Confirm(tx store.Tx, v Verdict) (bool, error) {
	t, err := tx.Token(v.Key)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil && t.RevokedAt.IsZero(), err
}

// State of a token.
type State string

// The states of a token.
const (
	Valid   State = "valid"
	Expired State = "expired"
	// Invalidated: it was revoked.
	Invalidated State = "revoked"
	// Unknown: this installation did not make it, or has forgotten it.
	Unknown State = "unknown"
	// Invalid: a token of another service breaks a rule.
	Invalid State = "invalid"
)

// Info is what is known of a token.
type Info struct {
	State State
	// Reason is the rule that the token breaks; see [Verdict].
	Reason string
	// The rest is set for a genuine token; HumanID and IssuedAt only as far as this state knows.
	User      store.User
	Sources   []string
	IssuedAt  time.Time
	ExpiresAt time.Time
	// Session that the token opened, or "".
	Session id.Session
}

func (i Info) status() event.Status {
	switch i.State {
	case Valid:
		return event.Success
	case Expired:
		return event.TokenExpired
	}
	return event.TokenInvalid
}

// reason is the rule that a token breaks; see [Verdict].
func (i Info) reason(token sdk.Secret) string {
	switch i.State {
	case Valid:
		return ""
	case Expired:
		return expiredAt(i.ExpiresAt)
	case Invalidated:
		return "it was revoked"
	}
	if _, ok := hash(token); !ok {
		return "it does not look like a token of this installation: " + Prefix + " and 43 letters, digits, - and _"
	}
	return "this state has no such token"
}

// Inspect tells what is known of a token.
func (l *Local) Inspect(ctx context.Context, token sdk.Secret) (Info, error) {
	key, ok := hash(token)
	if !ok {
		info := Info{State: Unknown}
		info.Reason = info.reason(token)
		return info, nil
	}
	var info Info
	err := l.store.View(ctx, func(tx store.Tx) error {
		t, err := tx.Token(key)
		if errors.Is(err, store.ErrNotFound) {
			info, err = forgotten(tx, key)
			return err
		}
		if err != nil {
			return err
		}
		info, err = l.infoOf(tx, t)
		return err
	})
	if err != nil {
		return Info{}, fmt.Errorf("look up a session token: %w", err)
	}
	info.Reason = info.reason(token)
	return info, nil
}

// forgotten tells of a token whose row is gone: that it expired long ago if it opened a session, else nothing.
func forgotten(tx store.Tx, key []byte) (Info, error) {
	ses, err := tx.SessionByToken(key)
	if errors.Is(err, store.ErrNotFound) {
		return Info{State: Unknown}, nil
	}
	if err != nil {
		return Info{}, err
	}
	user, err := tx.UserByID(ses.User)
	return Info{
		State: Expired, User: user, Sources: ses.Sources, IssuedAt: ses.OpenedAt, ExpiresAt: ses.EndsAt, Session: ses.ID,
	}, err
}

func (l *Local) infoOf(tx store.Tx, t store.Token) (Info, error) {
	user, err := tx.UserByID(t.User)
	if err != nil {
		return Info{}, err
	}
	info := Info{
		State: Valid, User: user, Sources: slices.Clone(t.Sources), IssuedAt: t.IssuedAt, ExpiresAt: t.ExpiresAt,
	}
	switch {
	case !t.RevokedAt.IsZero():
		info.State = Invalidated
	case !l.clock.Now().Before(t.ExpiresAt):
		info.State = Expired
	}
	ses, err := tx.SessionByToken(t.Hash)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return Info{}, err
	}
	info.Session = ses.ID
	return info, nil
}

// Revoke makes a token invalid for ever and ends its session, if that is open: it closes as SESSION_TOKEN_INVALID, which
// is left to the caller. It returns what is known of the token now; revoking twice changes nothing.
func (l *Local) Revoke(ctx context.Context, token sdk.Secret) (Info, error) {
	key, ok := hash(token)
	if !ok {
		return Info{State: Unknown}, nil
	}
	var info Info
	err := l.store.Update(ctx, func(tx store.Tx) error {
		t, err := tx.Token(key)
		if errors.Is(err, store.ErrNotFound) {
			info = Info{State: Unknown}
			return nil
		}
		if err != nil {
			return err
		}
		if err := l.revoke(tx, t); err != nil {
			return err
		}
		t.RevokedAt = l.clock.Now()
		info, err = l.infoOf(tx, t)
		return err
	})
	if err != nil {
		return Info{}, fmt.Errorf("revoke a session token: %w", err)
	}
	info.Reason = info.reason(token)
	return info, nil
}

func (l *Local) revoke(tx store.Tx, t store.Token) error {
	now := l.clock.Now()
	if t.RevokedAt.IsZero() {
		t.RevokedAt = now
		if err := tx.SaveToken(t); err != nil {
			return err
		}
	}
	return store.EndSession(tx, t.Hash, store.EndRevoked, now)
}

// hash returns the key of a token, and false for text that no local token looks like.
func hash(token sdk.Secret) ([]byte, bool) {
	rest, ok := strings.CutPrefix(token.Reveal(), Prefix)
	if !ok {
		return nil, false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(rest)
	if err != nil || len(raw) != secretSize || strings.ContainsAny(rest, "\r\n") {
		return nil, false
	}
	sum := sha256.Sum256([]byte(token.Reveal()))
	return sum[:], true
}
