package event_test

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/core/store/sqlite"
)

// Fixed ids, so that the documents below stand as they are.
const (
	ses   id.Session    = "ses_00000000000000000000000001"
	conA  id.Connection = "con_00000000000000000000000001"
	conB  id.Connection = "con_00000000000000000000000002"
	conC  id.Connection = "con_00000000000000000000000003"
	human id.Human      = "00112233445566778899aabbccddeeff"
)

func at(s int) time.Time { return time.Date(2026, 11, 22, 20, 26, s, 344e6, time.UTC) }

// state is a session that connected withings and fitbit, took fitbit away, and failed with oura twice and once made
// good. Its user had nightscout before.
func state(t *testing.T) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), sqlite.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	con := func(k id.Connection, source, name string, since time.Time, state store.ConnectionState) store.Connection {
		return store.Connection{
			ID: k, User: human, Source: source, SourceName: name, Provider: "p", AccountKey: []byte(source), State: state,
			ConnectedSince: since, RenewedAt: since,
		}
	}
	err = s.Update(t.Context(), func(tx store.Tx) error {
		rows := []error{
			tx.InsertUser(store.User{HumanID: human, ClientID: "demo", ClientUserID: "u<1> & co"}),
			tx.InsertSession(store.Session{ID: ses, TokenKey: []byte("k"), User: human, OpenedAt: at(0), EndsAt: at(59), EndReason: store.EndExpired}),
			tx.InsertConnection(con(conC, "nightscout", "Nightscout", at(0).Add(-time.Hour), store.ConnectionActive)),
			tx.InsertConnection(con(conA, "withings", "Withings", at(10), store.ConnectionActive)),
			tx.InsertConnection(con(conB, "fitbit", "Fitbit", at(11), store.ConnectionDisconnected)),
			tx.InsertRevocation(store.Revocation{
				ID: "rev_1", Session: ses, Connection: conB, User: human, Source: "fitbit", State: store.RevocationPending, CreatedAt: at(13),
			}),
		}
		for _, a := range []store.Action{
			{Kind: store.ActionConnect, Target: "withings", Source: "withings", SourceName: "Withings", Connection: conA, AccountKey: []byte("withings")},
			{Kind: store.ActionConnect, Target: "fitbit", Source: "fitbit", SourceName: "Fitbit", Connection: conB, AccountKey: []byte("fitbit")},
			{Kind: store.ActionConnect, Target: "oura", Source: "oura", SourceName: "Oura", Code: "source_error", Message: "first"},
			{Kind: store.ActionDisconnect, Target: string(conB), Source: "fitbit", SourceName: "Fitbit", Connection: conB, AccountKey: []byte("fitbit")},
			{
				Kind: store.ActionConnect, Target: "oura", Source: "oura", SourceName: "Oura", Code: "rate_limited",
				Message: "wait a little", Retryable: true, RetryAfter: 90 * time.Second,
			},
			{
				Kind: store.ActionConnect, Target: string(conC), Source: "nightscout", SourceName: "Nightscout", Connection: conC,
				Code: "invalid_input", Message: "no such address", Field: "url",
			},
			{Kind: store.ActionDisconnect, Target: "garmin", Source: "garmin", SourceName: "Garmin", Code: "not_connected", Message: "the connection does not exist"},
		} {
			a.Session, a.At = ses, at(20)
			_, err := tx.InsertAction(a)
			rows = append(rows, err)
		}
		for _, err := range rows {
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// rest is what a response has after its status.
const rest = `"sessionResults":{` +
	`"connectedSources":[{"id":"withings","name":"Withings","connectionId":"con_00000000000000000000000001","connectedSince":"2026-11-22T20:26:10.344Z"}],` +
	`"disconnectedSources":[{"id":"fitbit","name":"Fitbit","connectionId":"con_00000000000000000000000002","connectedSince":"2026-11-22T20:26:11.344Z","revocation":"pending"}]},` +
	`"currentConnections":[` +
	`{"id":"nightscout","name":"Nightscout","connectionId":"con_00000000000000000000000003","connectedSince":"2026-11-22T19:26:00.344Z","state":"active"},` +
	`{"id":"withings","name":"Withings","connectionId":"con_00000000000000000000000001","connectedSince":"2026-11-22T20:26:10.344Z","state":"active"}],` +
	`"sessionId":"ses_00000000000000000000000001","clientId":"demo","clientUserId":"u<1> & co","humanId":"00112233445566778899aabbccddeeff",` +
	`"failures":[` +
	`{"source":{"id":"oura","name":"Oura"},"action":"connect","code":"rate_limited","message":"wait a little","retryable":true,"retryAfter":90},` +
	`{"source":{"id":"nightscout","name":"Nightscout"},"connectionId":"con_00000000000000000000000003","action":"connect","code":"invalid_input","message":"no such address","retryable":false,"field":"url"},` +
	`{"source":{"id":"garmin","name":"Garmin"},"action":"disconnect","code":"not_connected","message":"the connection does not exist","retryable":false}]`

// build reads the response of the session of state.
func build(t *testing.T, s *sqlite.Store, status event.Status) (r event.Response, connected, gone event.Connection) {
	t.Helper()
	err := s.View(context.Background(), func(tx store.Tx) error {
		row, err := tx.Session(ses)
		if err != nil {
			return err
		}
		if r, err = event.Build(tx, row, status, stateOf); err != nil {
			return err
		}
		a, err := tx.Connection(conA)
		if err != nil {
			return err
		}
		b, err := tx.Connection(conB)
		if err != nil {
			return err
		}
		if connected, err = event.Of(tx, a); err != nil {
			return err
		}
		gone, err = event.Of(tx, b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return r, connected, gone
}

func golden(t *testing.T, got []byte, want string) {
	t.Helper()
	if string(got) == want+"\n" {
		return
	}
	t.Errorf("(-want +got):\n%s", cmp.Diff(indent([]byte(want)), indent(got)))
}

func indent(b []byte) string {
	var out bytes.Buffer
	if err := json.Indent(&out, bytes.TrimSpace(b), "", " "); err != nil {
		return string(b)
	}
	return out.String()
}

func TestResponseIsWrittenAsTheReferenceHasIt(t *testing.T) {
	r, _, _ := build(t, state(t), event.Success)
	golden(t, event.JSON(r), `{"status":"SUCCESS",`+rest+`}`)
	r.Status = event.TokenExpired
	r.SetEnded(at(59))
	golden(t, event.JSON(r), `{"status":"SESSION_TOKEN_EXPIRED",`+rest+`,"endedAt":"2026-11-22T20:26:59.344Z"}`)
}

func TestEveryTypeOfEventIsAResponseWithItsHead(t *testing.T) {
	s := state(t)
	for _, c := range []struct {
		kind   event.Type
		status event.Status
		source string
	}{
		{
			event.SourceConnected, event.ConnectedSource,
			`,"source":{"id":"withings","name":"Withings","connectionId":"con_00000000000000000000000001","connectedSince":"2026-11-22T20:26:10.344Z"}`,
		},
		{
			event.SourceDisconnected, event.DisconnectedSource,
			`,"source":{"id":"fitbit","name":"Fitbit","connectionId":"con_00000000000000000000000002","connectedSince":"2026-11-22T20:26:11.344Z","revocation":"pending"}`,
		},
		{event.SessionClosed, event.Success, ``},
	} {
		r, connected, gone := build(t, s, c.status)
		e := event.Event{
			Type: c.kind, ID: "evt_00000000000000000000000001", Sequence: 7, Timestamp: event.Time(at(30)), Response: r,
		}
		switch c.kind {
		case event.SourceConnected:
			e.Source = &connected
		case event.SourceDisconnected:
			e.Source = &gone
		}
		golden(t, event.JSON(e), `{"type":"`+string(c.kind)+`","id":"evt_00000000000000000000000001","sequence":7,`+
			`"timestamp":"2026-11-22T20:26:30.344Z"`+c.source+`,"status":"`+string(c.status)+`",`+rest+`}`)
	}
}

func TestResponseWithoutASessionHasAllKeys(t *testing.T) {
	golden(t, event.JSON(event.Empty(event.TokenMissing)), `{"status":"MISSING_SESSION_TOKEN",`+
		`"sessionResults":{"connectedSources":[],"disconnectedSources":[]},"currentConnections":[],`+
		`"sessionId":null,"clientId":null,"clientUserId":null,"humanId":null,"failures":[]}`)
}

func TestDisconnectOutsideOfASessionIsAResponseWithoutOne(t *testing.T) {
	var r event.Response
	err := state(t).View(t.Context(), func(tx store.Tx) error {
		c, err := tx.Connection(conB)
		if err != nil {
			return err
		}
		r, err = event.BuildOutside(tx, c, event.DisconnectedSource, stateOf)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, event.JSON(r), `{"status":"DISCONNECTED_SOURCE",`+
		`"sessionResults":{"connectedSources":[],"disconnectedSources":[{"id":"fitbit","name":"Fitbit","connectionId":"con_00000000000000000000000002","connectedSince":"2026-11-22T20:26:11.344Z","revocation":"pending"}]},`+
		`"currentConnections":[`+
		`{"id":"nightscout","name":"Nightscout","connectionId":"con_00000000000000000000000003","connectedSince":"2026-11-22T19:26:00.344Z","state":"active"},`+
		`{"id":"withings","name":"Withings","connectionId":"con_00000000000000000000000001","connectedSince":"2026-11-22T20:26:10.344Z","state":"active"}],`+
		`"sessionId":null,"clientId":"demo","clientUserId":"u<1> & co","humanId":"00112233445566778899aabbccddeeff","failures":[]}`)
}

func TestEventsAreReadAsTheyWereWritten(t *testing.T) {
	r, connected, _ := build(t, state(t), event.ConnectedSource)
	want := event.JSON(event.Event{Type: event.SourceConnected, ID: "evt_1", Sequence: 1, Timestamp: event.Time(at(1)), Source: &connected, Response: r})
	var e event.Event
	if err := json.Unmarshal(want, &e); err != nil {
		t.Fatal(err)
	}
	if got := event.JSON(e); !bytes.Equal(want, got) {
		t.Errorf("written %s\nread and written %s", want, got)
	}
}

func TestTimesAreWrittenInUTCWithMilliseconds(t *testing.T) {
	zone := time.FixedZone("elsewhere", 2*3600)
	if got := event.Time(time.Date(2026, 1, 2, 3, 4, 5, 6e6, zone)).String(); got != "2026-01-02T01:04:05.006Z" {
		t.Error(got)
	}
}

func stateOf(c store.Connection) string { return string(c.State) }
