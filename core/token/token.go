// Package token creates and checks session tokens: the secrets that open a session.
//
// A [Checker] checks tokens of one kind: [Local] tokens are made and stored by this installation, those of [JWT] and
// [Introspection] belong to another service. The config chooses the kind (token.check).
package token

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/sdk"
)

// Codes of the problems of this package.
const (
	// CodeJWKS: the key set, or the key of it that a token names, cannot be used.
	CodeJWKS problem.Code = "jwks_invalid"
	// CodeIntrospection: the introspection endpoint refuses this installation.
	CodeIntrospection problem.Code = "introspection_refused"
	// CodeIntrospectionInvalid: what answers at the introspection endpoint does not speak RFC 7662.
	CodeIntrospectionInvalid problem.Code = "introspection_invalid"
)

// Checker judges session tokens.
type Checker interface {
	// Check judges a token. It returns an error only where it could not judge; a bad token is a verdict.
	Check(ctx context.Context, token sdk.Secret) (Verdict, error)
	// Confirm says, inside the transaction that opens a session, whether a verdict of [event.Success] holds still. If so, it
	// keeps with that session what it must know of the token later.
	Confirm(tx store.Tx, v Verdict) (bool, error)
}

// remembered is how long expired tokens are distinguished from unknown ones.
const remembered = 30 * 24 * time.Hour

// forget takes from the state what is known of tokens that expired long ago, whoever made them, unless the clock has jumped.
func forget(tx store.Tx, now time.Time) error {
	clock, err := store.CheckClock(tx, now)
	if err == nil && clock.Save {
		err = tx.SaveClockMark(clock.Next)
	}
	if err != nil || !clock.Steady {
		return err
	}
	_, err = tx.DeleteTokens(now.Add(-remembered))
	_, errVerified := tx.DeleteVerifiedTokens(now.Add(-remembered))
	return errors.Join(err, errVerified)
}

// Verdict is what a checker says of a token.
type Verdict struct {
	// Status is event.Success for a token that may open a session, else the reason why not.
	Status event.Status
	// Key names the token, and so the one session that it opens. It is set for every genuine token, expired and
	// revoked ones included, and nil for another.
	Key []byte
	// ClientID and ClientUserID are set for a genuine token.
	ClientID     string
	ClientUserID string
	// Sources that the token may connect or disconnect; nil means all.
	Sources   []string
	ExpiresAt time.Time

	// Reason is the rule that a token breaks whose Status is not Success: what was wanted and found, without anything of the
	// token that is secret, and without its user. It is for the operator alone, never for whoever has the token.
	Reason string

	// verified names what a [JWT] has verified; nil for other kinds.
	verified []byte
}

// refused is the verdict on a token that is nobody's.
func refused(format string, args ...any) Verdict {
	return Verdict{Status: event.TokenInvalid, Reason: fmt.Sprintf(format, args...)}
}

// Genuine says whether the token was made by the service that the checker trusts, whatever became of it since.
func (v Verdict) Genuine() bool { return v.Key != nil }
