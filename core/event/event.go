// Package event builds the response of a session and the events that tell of it. It is the only place that does, so
// that what is printed, what a hook gets and what a page shows are the same.
//
// Names and status strings follow the reference of HumanConnect.open.
package event

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/internal/plainjson"
)

// Status of a response.
type Status string

// The statuses. No other value ever stands in a response.
const (
	Success            Status = "SUCCESS"
	TokenInvalid       Status = "SESSION_TOKEN_INVALID"
	TokenExpired       Status = "SESSION_TOKEN_EXPIRED"
	TokenMissing       Status = "MISSING_SESSION_TOKEN"
	ConnectedSource    Status = "CONNECTED_SOURCE"
	DisconnectedSource Status = "DISCONNECTED_SOURCE"
)

// MarshalJSON makes null of no status: that of an open session, and of an event that the reference has none for.
func (s Status) MarshalJSON() ([]byte, error) {
	if s == "" {
		return []byte("null"), nil
	}
	return json.Marshal(string(s))
}

// Type of an event.
type Type string

// The types of events.
const (
	SourceConnected    Type = "source.connected"
	SourceDisconnected Type = "source.disconnected"
	SessionClosed      Type = "session.closed"
	// ConnectionNeedsReconnect is an event outside of a session, once for each time that a credential comes to its end.
	ConnectionNeedsReconnect Type = "connection.needs_reconnect"
)

// Types lists all types.
var Types = []Type{SourceConnected, SourceDisconnected, SessionClosed, ConnectionNeedsReconnect}

// Response is the document that ends a session and that every event carries.
type Response struct {
	Status             Status         `json:"status"`
	SessionResults     SessionResults `json:"sessionResults"`
	CurrentConnections []Connection   `json:"currentConnections"`
	SessionID          *id.Session    `json:"sessionId"`
	ClientID           *string        `json:"clientId"`
	ClientUserID       *string        `json:"clientUserId"`
	HumanID            *id.Human      `json:"humanId"`
	Failures           []Failure      `json:"failures"`
	// EndedAt is when the session ended, where it was closed later than that.
	EndedAt *Time `json:"endedAt,omitempty"`
}

// SessionResults is what the user did in the session.
type SessionResults struct {
	ConnectedSources    []Connection `json:"connectedSources"`
	DisconnectedSources []Connection `json:"disconnectedSources"`
}

// Connection is a connected or disconnected source as the outside sees it.
type Connection struct {
	// ID and Name are the source's.
	ID             string        `json:"id"`
	Name           string        `json:"name"`
	ConnectionID   id.Connection `json:"connectionId"`
	ConnectedSince Time          `json:"connectedSince"`
	// Revocation is what came of revoking the grant; only for a disconnected source.
	Revocation string `json:"revocation,omitempty"`
	// State is active, expiring or needs_reconnect; only in currentConnections.
	State string `json:"state,omitempty"`
}

// Failure is an action that failed and that no later one made good.
type Failure struct {
	Source       SourceRef     `json:"source"`
	ConnectionID id.Connection `json:"connectionId,omitempty"`
	Action       string        `json:"action"`
	Code         string        `json:"code"`
	Message      string        `json:"message"`
	Retryable    bool          `json:"retryable"`
	Field        string        `json:"field,omitempty"`
	Setting      string        `json:"setting,omitempty"`
	// RetryAfter is in seconds.
	RetryAfter float64 `json:"retryAfter,omitempty"`
	// DocumentationURL is the source's page on how to get access, for a wrong configuration.
	DocumentationURL string `json:"documentationUrl,omitempty"`
}

// SourceRef names a source.
type SourceRef struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Event is a fact about a session.
type Event struct {
	Type      Type     `json:"type"`
	ID        id.Event `json:"id"`
	Sequence  int64    `json:"sequence"`
	Timestamp Time     `json:"timestamp"`
	// Source is the one that changed; nil for a close.
	Source *Connection `json:"source,omitempty"`
	// ConnectionID and Reason are those of a connection that needs to be reconnected.
	ConnectionID id.Connection `json:"connectionId,omitempty"`
	Reason       string        `json:"reason,omitempty"`
	// Test marks an event that tells of nothing: its values are made up, to try a hook.
	Test bool `json:"test,omitempty"`
	Response
}

// Time is written as RFC 3339 in UTC with milliseconds.
type Time time.Time

// MarshalJSON implements [json.Marshaler].
func (t Time) MarshalJSON() ([]byte, error) { return []byte(`"` + t.String() + `"`), nil }

// UnmarshalJSON implements [json.Unmarshaler].
func (t *Time) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return fmt.Errorf("a time: %w", err)
	}
	*t = Time(at)
	return nil
}

func (t Time) String() string { return time.Time(t).UTC().Format("2006-01-02T15:04:05.000Z") }

// JSON writes a response or an event on one line that ends with a newline, with keys in the order of the reference and
// without escaping what only HTML needs escaped. What cannot be seen is escaped; see [plainjson.Escape].
func JSON(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(fmt.Sprintf("event: %v", err)) // strings, numbers and times always encode
	}
	return plainjson.Escape(b.Bytes())
}

// MaybeTime is a time as it is printed, or nil for the zero time.
func MaybeTime(t time.Time) *Time {
	if t.IsZero() {
		return nil
	}
	at := Time(t)
	return &at
}
