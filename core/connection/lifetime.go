package connection

import (
	"time"

	"github.com/humanconnect/humanconnect/core/store"
)

const (
	// maxMargin is the longest time before its end at which a credential is refreshed.
	maxMargin = time.Minute
	// marginPart is the part of a credential's life that is the margin, where that is shorter.
	marginPart = 10
	// clockSkew is how much longer than its life a credential may seem to be valid. Beyond it, the clock has been set back since
	// the credential was issued, and nobody knows how long it is valid.
	clockSkew = 5 * time.Minute
)

// State is a connection's state as it is told outside.
type State string

// The states. Expiring is computed, the others are those of the store.
const (
	Active State = "active"
	// Expiring: access ends soon unless the person connects again.
	Expiring       State = "expiring"
	NeedsReconnect State = "needs_reconnect"
	Disconnected   State = "disconnected"
)

// Window is how a state is looked at: Expiring is how long before its reconnect-by date a connection is expiring.
type Window struct {
	Now      time.Time
	Expiring time.Duration
}

// StateOf returns the state of a connection. One whose credential has expired and that nothing can refresh needs to be
// reconnected, even if nobody has noticed yet.
func StateOf(c store.Connection, w Window) State {
	switch {
	case c.State == store.ConnectionDisconnected:
		return Disconnected
	case c.State == store.ConnectionNeedsReconnect || c.Damaged != nil || dead(c, w.Now):
		return NeedsReconnect
	case !c.ReconnectBy.IsZero() && !w.Now.Before(c.ReconnectBy.Add(-w.Expiring)):
		return Expiring
	}
	return Active
}

// ReasonOf is the code of why a connection needs to be reconnected; "" where it does not.
func ReasonOf(c store.Connection, now time.Time) string {
	switch {
	case c.Damaged != nil && c.State != store.ConnectionDisconnected:
		return CredentialDamaged
	case c.State == store.ConnectionNeedsReconnect:
		return c.Reason
	case dead(c, now):
		return string(CodeExpired)
	}
	return ""
}

// dead says whether an active connection has a credential that has expired and that nothing can refresh.
func dead(c store.Connection, now time.Time) bool {
	return c.State == store.ConnectionActive && !c.CanRefresh && expired(c, now)
}

func expired(c store.Connection, now time.Time) bool {
	return !c.CredentialExpiresAt.IsZero() && !now.Before(c.CredentialExpiresAt)
}

// dueAt is when a credential is due: a margin before its end where it can be refreshed, else at its end; zero for one that
// does not expire.
func dueAt(c store.Connection) time.Time {
	switch {
	case c.CredentialExpiresAt.IsZero():
		return time.Time{}
	case !c.CanRefresh:
		return c.CredentialExpiresAt
	}
	return c.CredentialExpiresAt.Add(-margin(c)).Truncate(time.Millisecond)
}

// margin is the smaller of a minute and a tenth of the credential's life.
func margin(c store.Connection) time.Duration { return min(maxMargin, lifetime(c)/marginPart) }

// lifetime is how long the credential was valid when it was issued.
func lifetime(c store.Connection) time.Duration {
	since := c.CredentialAt
	if since.IsZero() {
		since = c.RenewedAt
	}
	return max(0, c.CredentialExpiresAt.Sub(since))
}

// coolsDown says whether a refresh failed a short while ago. A time that no cool-down reaches was written by a clock that has
// been set back since.
func coolsDown(c store.Connection, now time.Time) bool {
	return now.Before(c.Refresh.NextAt) && c.Refresh.NextAt.Sub(now) <= maxRetryAfter
}

// valid says whether a credential needs no refresh: it is valid for longer than the margin, and for as long as is asked. A
// credential whose whole life is shorter than that is not refreshed again in the first tenth of it.
func valid(c store.Connection, atLeast time.Duration, now time.Time) bool {
	if c.CredentialExpiresAt.IsZero() {
		return true
	}
	left, life := c.CredentialExpiresAt.Sub(now), lifetime(c)
	if left <= margin(c) || left > life+clockSkew {
		return false
	}
	return left >= atLeast || life < atLeast && life-left <= life/marginPart
}
