package event

import (
	"time"

	"github.com/humanconnect/humanconnect/core/id"
)

// Example is an event of a type in the shape of a real one, with made-up values: what a receiver is tested with. Its id is
// made up too. An unknown type gives the zero event.
func Example(t Type, at time.Time) Event {
	since := Time(at)
	session := id.Session("ses_00000000000000000000000001")
	human := id.Human("00112233445566778899aabbccddeeff")
	client, user := "example-client", "example-user"
	one := Connection{ID: "example-scale", Name: "Example Scale", ConnectionID: "con_00000000000000000000000001", ConnectedSince: since}
	two := Connection{ID: "example-ring", Name: "Example Ring", ConnectionID: "con_00000000000000000000000002", ConnectedSince: since}
	current := func(c Connection, state string) Connection { c.State = state; return c }
	gone := two
	gone.Revocation = "pending"

	e := Event{Type: t, ID: "evt_00000000000000000000000001", Timestamp: since, Sequence: 1, Response: Empty("")}
	e.SessionID, e.ClientID, e.ClientUserID, e.HumanID = &session, &client, &user, &human
	results := &e.SessionResults
	results.ConnectedSources = []Connection{one}
	e.CurrentConnections = []Connection{current(one, "active")}
	switch t {
	case SourceConnected:
		e.Status, e.Source = ConnectedSource, &one
	case SourceDisconnected:
		e.Status, e.Source, e.Sequence = DisconnectedSource, &gone, 2
		results.DisconnectedSources = []Connection{gone}
	case SessionClosed:
		e.Status, e.Sequence = Success, 3
		results.DisconnectedSources = []Connection{gone}
		e.Failures = []Failure{{
			Source: SourceRef{ID: "example-watch", Name: "Example Watch"}, Action: "connect", Code: "access_denied",
			Message: "authorization was denied",
		}}
	case ConnectionNeedsReconnect:
		e.SessionID, results.ConnectedSources = nil, []Connection{}
		e.Source, e.ConnectionID, e.Reason = &one, one.ConnectionID, "revoked"
		e.CurrentConnections = []Connection{current(one, "needs_reconnect")}
	default:
		return Event{}
	}
	return e
}
