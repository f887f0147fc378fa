// Package store is the state: its rows, and the interface that a database driver satisfies.
//
// The rows hold values in the clear; a driver seals the columns marked "sealed" with its [seal.Ring] before they reach
// the disk. Package storetest has the conformance suite that every driver passes.
//
// Times are UTC with milliseconds; the zero time stands for none.
package store

import (
	"context"
	"errors"
	"time"

	"github.com/humanconnect/humanconnect/core/id"
)

// ErrNotFound: no such row.
var ErrNotFound = errors.New("not found")

// ErrExists: a row with this key exists.
var ErrExists = errors.New("exists already")

// ErrDamaged: what is stored cannot be read. Other rows may be readable.
var ErrDamaged = errors.New("what is stored cannot be read")

// ErrCommitUnknown: the commit of an update failed in a way that leaves open whether it holds, now or after a crash. Any
// later update that commits sees what is true, and makes it last.
var ErrCommitUnknown = errors.New("it is unknown whether the change was stored")

// Store is a database. It is safe for concurrent use, and for use by many processes at once.
type Store interface {
	// View runs f in a read-only transaction that sees one moment.
	View(ctx context.Context, f func(Tx) error) error
	// Update runs f in a transaction that sees and makes one serial order of all updates. f may run several times
	// until the transaction commits; it has no effects but through its Tx, and sets what it returns anew each time.
	// When Update returns nil, what f wrote survives a crash of the process and of the machine. An error of f rolls
	// everything back and is returned as it is. [ErrCommitUnknown] leaves open what holds; after any other error, nothing
	// that f wrote does.
	Update(ctx context.Context, f func(Tx) error) error
	// MAC returns a keyed digest under the state's key, to look up what must not be readable.
	MAC(purpose string, data ...[]byte) []byte
	// Close releases the database.
	Close() error
}

// Tx is a transaction. It is used by one goroutine and not after its function returned.
// A method that finds one row returns [ErrNotFound]; one that inserts returns [ErrExists]; one that reads rows returns
// [ErrDamaged], where it says nothing else.
type Tx interface {
	UserTx
	TokenTx
	VerifiedTokenTx
	SessionTx
	AttemptTx
	ActionTx
	ConnectionTx
	RevocationTx
	EventTx
	DeliveryTx
	HookTx
	SecretTx
	ClockTx
}

// User is a user of a client.
type User struct {
	HumanID      id.Human
	ClientID     string
	ClientUserID string
}

// UserTx finds and makes users.
type UserTx interface {
	User(clientID, clientUserID string) (User, error)
	UserByID(id.Human) (User, error)
	InsertUser(User) error
}

// EndReason says why a session that is not closed by its front end ends.
type EndReason string

// The reasons of an end.
const (
	EndExpired EndReason = "expired"
	EndRevoked EndReason = "revoked"
)

// Session is one sitting of a user.
type Session struct {
	ID id.Session
	// TokenKey names the token that opened the session; unique.
	TokenKey []byte
	User     id.Human
	// Sources that may be connected or disconnected; nil means all.
	Sources  []string
	OpenedAt time.Time
	// EndsAt is when the session ends unless it is closed before, for EndReason.
	EndsAt    time.Time
	EndReason EndReason
	// Owner is the process of the front end; Epoch counts the owners, from 1.
	Owner id.Process
	Epoch int64
	// Sequence of the last event.
	Sequence int64
	// Hooks names the hooks of the config that the session's events go to, as JSON; nil means those of whoever asks.
	Hooks []byte
	// Script is a keyed digest of the list of actions that the session works through, or nil; ScriptRun counts the
	// lists, from 1.
	Script    []byte
	ScriptRun int
	// ClosedAt is zero while the session is open; the rest is set with it.
	ClosedAt time.Time
	Status   string
	// Cut says why the front end stopped before it was done; "" for one that was done.
	Cut string
	// Damaged is why the response could not be read; see [Connection].Damaged. Only listings return such a row.
	Damaged error
	// Response is the JSON document that ended the session. Sealed.
	Response []byte
}

// SessionFilter selects sessions; zero fields select all.
type SessionFilter struct {
	User id.Human
	// Source: an action of the session was about it.
	Source string
	// Status of a closed session.
	Status string
	// Open selects the open (true) or closed (false) ones.
	Open *bool
	// Since is when it was opened, or later.
	Since time.Time
	// After selects those that are older than this one.
	After id.Session
	// Limit of rows, newest first; 0 means no limit.
	Limit int
}

// SessionHook is a hook that came as a flag.
type SessionHook struct {
	ID id.SessionHook
	// Session that it belongs to; "" for a call that opened none.
	Session id.Session
	// Fingerprint is a keyed digest of what makes two such hooks the same; unique in the session.
	Fingerprint []byte
	// Spec is the hook as JSON. Sealed.
	Spec []byte
}

// SessionTx finds and keeps sessions and their hooks.
type SessionTx interface {
	Session(id.Session) (Session, error)
	SessionByToken(key []byte) (Session, error)
	InsertSession(Session) error
	// SaveSession writes the row anew.
	SaveSession(Session) error
	// OverdueSessions names the open sessions with EndsAt <= now, the earliest end first, without reading more of them.
	OverdueSessions(now time.Time, limit int) ([]id.Session, error)
	Sessions(SessionFilter) ([]Session, error)
	// InsertSessionHook returns ErrExists if the session has a hook with this fingerprint.
	InsertSessionHook(SessionHook) error
	// SaveSessionHook writes the row anew.
	SaveSessionHook(SessionHook) error
	SessionHook(id.SessionHook) (SessionHook, error)
	// SessionHooks returns the hooks of a session in the order they came.
	SessionHooks(id.Session) ([]SessionHook, error)
}

// AttemptState is where an attempt stands.
type AttemptState string

// The states of an attempt.
const (
	AttemptOpen      AttemptState = "open"
	AttemptConnected AttemptState = "connected"
	AttemptFailed    AttemptState = "failed"
	AttemptCancelled AttemptState = "cancelled"
)

// Attempt is one try to connect a source.
type Attempt struct {
	ID      id.Attempt
	Session id.Session
	// Position is that of the action that asked for it.
	Position ScriptPosition
	Source   string
	Provider string
	// Expected is the connection that a reconnect renews, or "".
	Expected id.Connection
	State    AttemptState
	// Version changes with every write of the row.
	Version int64
	// Steps counts the steps that were not polls.
	Steps       int
	RedirectURI string
	// OAuthState is the state parameter. Sealed. StateHash is its SHA-256 while it may be used, else nil; unique.
	OAuthState []byte
	StateHash  []byte
	// Resume is what the provider wants back. Sealed.
	Resume []byte
	// LastStep is the step that waits for its reply, as JSON. Sealed. Nil before the first.
	LastStep []byte
	// Callback holds the parameters of a redirect that no provider has seen yet, as JSON. Sealed.
	Callback []byte
	// Hosts are those that a person named in a form of the attempt, with spaces between them. Sealed.
	Hosts []byte
	// Begun is the kind of reply ("form", "callback") that a provider was called with and that has no result yet.
	Begun string
	// DueAt is when the provider may be asked again.
	DueAt     time.Time
	CreatedAt time.Time
	ExpiresAt time.Time
}

// AttemptTx finds and keeps attempts.
type AttemptTx interface {
	Attempt(id.Attempt) (Attempt, error)
	AttemptByState(hash []byte) (Attempt, error)
	InsertAttempt(Attempt) error
	// SaveAttempt writes the row anew.
	SaveAttempt(Attempt) error
	// Attempts returns the attempts of a session in the order they were made.
	Attempts(id.Session) ([]Attempt, error)
	// CancelAttempts makes the open attempts of a session cancelled ones with their next Version, and forgets what only
	// open ones need: Begun, DueAt, StateHash and all that is sealed. It reads none of it, so that damage is no obstacle.
	CancelAttempts(id.Session) error
}

// ActionKind is what was tried.
type ActionKind string

// The kinds of actions.
const (
	ActionConnect    ActionKind = "connect"
	ActionDisconnect ActionKind = "disconnect"
)

// Action is one ended action of a session: what came of it.
type Action struct {
	Session id.Session
	// No is given by InsertAction: 1, 2, … in the session, in commit order.
	No       int
	Position ScriptPosition
	Kind     ActionKind
	// Target is what was asked for: a source id or a connection id.
	Target     string
	Source     string
	SourceName string
	// Connection that was made, renewed or disconnected; "" for a failure that names none.
	Connection id.Connection
	AccountKey []byte
	// Code is empty for a success; the rest describes a failure.
	Code       string
	Message    string
	Retryable  bool
	Field      string
	Setting    string
	RetryAfter time.Duration
	// DocumentationURL is the source's page on how to get access, for a wrong configuration; else "".
	DocumentationURL string
	At               time.Time
}

// ActionTx keeps the history of a session.
type ActionTx interface {
	// InsertAction gives the action its number and returns it.
	InsertAction(Action) (Action, error)
	// Actions returns the actions of a session by their number.
	Actions(id.Session) ([]Action, error)
}

// RevocationState is what came of a revocation.
type RevocationState string

// The states of a revocation. All but pending are final.
const (
	RevocationPending     RevocationState = "pending"
	RevocationRevoked     RevocationState = "revoked"
	RevocationUnsupported RevocationState = "unsupported"
	RevocationShared      RevocationState = "shared"
	RevocationFailed      RevocationState = "failed"
)

// Revocation is a grant that is to be revoked at its source.
type Revocation struct {
	ID id.Revocation
	// Session in which it arose; "" outside of one.
	Session id.Session
	// Connection that it belonged to; "" for a grant that never became one.
	Connection id.Connection
	User       id.Human
	Source     string
	Provider   string
	AccountKey []byte
	// Damaged is why what is sealed could not be read; see [Connection].Damaged. Only listings return such a row.
	Damaged error
	// AccountID, AccountLabel and Credential are the provider's. Sealed; the credential is empty once it is final.
	AccountID    string
	AccountLabel string
	Credential   []byte
	MediaType    string
	State        RevocationState
	Tries        int
	NextAt       time.Time
	// Owner works on it, until LeaseUntil at the latest; "" if nobody does.
	Owner      id.Process
	LeaseUntil time.Time
	// Error is the code of the last failure.
	Error     string
	CreatedAt time.Time
	EndedAt   time.Time
}

// Due says which due times have come: those up to Now, and those later than Beyond, which nothing plans so far ahead: a clock
// that has been set back since wrote them.
type Due struct{ Now, Beyond time.Time }

// RevocationTx finds and keeps revocations.
type RevocationTx interface {
	Revocation(id.Revocation) (Revocation, error)
	InsertRevocation(Revocation) error
	// SaveRevocation writes the row anew.
	SaveRevocation(Revocation) error
	// DueRevocations returns pending ones whose NextAt is due, the earliest first, owned ones included. It leaves out those
	// that cannot be read, which hold up no other.
	DueRevocations(due Due, limit int) ([]Revocation, error)
	// RevocationsOf returns those of a session in the order they were made.
	RevocationsOf(id.Session) ([]Revocation, error)
	// RevocationOfConnection returns the newest one of a connection.
	RevocationOfConnection(id.Connection) (Revocation, error)
}

// Event is a fact about a session, as hooks receive it.
type Event struct {
	ID id.Event
	// Session is "" for an event outside of one.
	Session  id.Session
	Sequence int64
	Type     string
	At       time.Time
	// Damaged is why the body could not be read; see [Connection].Damaged. Only listings return such a row.
	Damaged error
	// User and Source that it is about; "" for none, and where an earlier program stored the event.
	User   id.Human
	Source string
	// Body is the JSON document that every hook gets, byte for byte. Sealed.
	Body []byte
}

// EventFilter selects events; zero fields select all.
type EventFilter struct {
	Session id.Session
	Type    string
	User    id.Human
	Source  string
	// Since is when it was, or later.
	Since time.Time
	// After selects those that are older than this one.
	After id.Event
	// Limit of rows, newest first; 0 means no limit.
	Limit int
}

// EventTx finds and keeps events.
type EventTx interface {
	Event(id.Event) (Event, error)
	// InsertEvent returns ErrExists if the session has an event with this sequence.
	InsertEvent(Event) error
	Events(EventFilter) ([]Event, error)
}

// DeliveryState is where a delivery stands.
type DeliveryState string

// The states of a delivery.
const (
	DeliveryPending   DeliveryState = "pending"
	DeliveryDelivered DeliveryState = "delivered"
	DeliveryDead      DeliveryState = "dead"
	// DeliveryDiscarded was dead, or pending, and nobody wants it any more.
	DeliveryDiscarded DeliveryState = "discarded"
)

// Delivery is one event on its way to one hook.
type Delivery struct {
	ID    id.Delivery
	Event id.Event
	// Hook is the name of a hook of the config, or the id of a session's hook.
	Hook string
	// Target is what many hooks share that lead to one place; else the hook itself. What is due is found target by target.
	Target string
	// Session and Sequence are the event's: pending deliveries of one hook and session go out in this order.
	Session  id.Session
	Sequence int64
	State    DeliveryState
	// Tries that were made.
	Tries int
	// Deferred counts the tries that put it on the long schedule; the others were quick ones.
	Deferred int
	// Hung counts the tries that use up none of the schedule, because the hook is known to hang.
	Hung int
	// Redelivered says that it is made once more, outside of the order of its queue: it waits for none and holds none back.
	Redelivered bool
	// NextAt is when the next try is due; behind another one, when that one's is.
	NextAt time.Time
	// Owner works on it, until LeaseUntil at the latest; "" if nobody does.
	Owner      id.Process
	LeaseUntil time.Time
	// Error is what the last try ended with: one line without secrets, and without what the hook's URL names.
	Error     string
	CreatedAt time.Time
	EndedAt   time.Time
}

// DeliveryFilter selects deliveries; zero fields select all.
type DeliveryFilter struct {
	Session id.Session
	Event   id.Event
	Hook    string
	// Target selects the deliveries to one, those first that are due first.
	Target string
	State  DeliveryState
	// User and Source are those of the event.
	User   id.Human
	Source string
	// Since is when it was made, or later.
	Since time.Time
	// After selects those that are older than this one.
	After id.Delivery
	// Limit of rows, newest first; 0 means no limit.
	Limit int
}

// DueFilter selects deliveries that are due.
type DueFilter struct {
	// Now: NextAt is not later.
	Now time.Time
	// Target selects the deliveries to one target; "" selects all.
	Target string
	// After goes on behind a delivery that was returned; nil begins.
	After *Delivery
	Limit int
}

// DeliveryCount is how many deliveries to a hook are in a state.
type DeliveryCount struct {
	Hook  string
	State DeliveryState
	N     int
}

// DeliveryTx finds and keeps deliveries.
type DeliveryTx interface {
	Delivery(id.Delivery) (Delivery, error)
	InsertDelivery(Delivery) error
	// SaveDelivery writes the row anew.
	SaveDelivery(Delivery) error
	// HeadDeliveries returns the pending deliveries of a session that no earlier pending one of the same hook holds back, and
	// the redelivered ones, whether due or not, owned ones included, the earliest NextAt first.
	HeadDeliveries(id.Session) ([]Delivery, error)
	// DueDeliveries returns such heads of all sessions, and pending deliveries of events outside of one, which are held
	// back by none: those that are due, by NextAt, then id.
	DueDeliveries(DueFilter) ([]Delivery, error)
	// NextTarget returns the first target of a pending delivery, due or not, that comes after one in the order of their bytes, or
	// "" if none does.
	NextTarget(after string) (string, error)
	// NextDelivery returns the first NextAt of a pending delivery that is later than t, or the zero time.
	NextDelivery(t time.Time) (time.Time, error)
	// PullDeliveries sets to at the NextAt of the pending deliveries that have a later one than beyond.
	PullDeliveries(beyond, at time.Time) error
	// MoveQueue sets the NextAt of the pending deliveries that come after one in its session, to the same hook, but for
	// redelivered ones; behind one of these it does nothing.
	MoveQueue(behind Delivery, at time.Time) error
	Deliveries(DeliveryFilter) ([]Delivery, error)
	// CountDeliveries counts what a filter selects, whatever its limit, by hook and state.
	CountDeliveries(DeliveryFilter) ([]DeliveryCount, error)
	// CountUpTo counts what a filter selects, whatever its limit, and stops at most.
	CountUpTo(f DeliveryFilter, most int) (int, error)
}
