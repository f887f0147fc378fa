package session_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"

	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/session"
	"github.com/humanconnect/humanconnect/core/store"
)

// check holds the whole state against the model and brings the model up to date.
func (w *World) check() {
	w.t.Helper()
	w.checkGrants()
	if w.unchanged() {
		return
	}
	s := w.snapshot()
	for _, ses := range s.sessions {
		w.checkSession(s, ses)
	}
	for _, e := range s.events {
		w.model.lastEvent = e.ID
		w.checkEvent(s, e)
	}
	for _, ses := range s.sessions {
		w.drain(s, w.model.sessions[ses.ID], ses.ID, false)
		w.checkClosed(s, ses)
	}
	for user, rows := range s.current {
		w.checkCurrent(user, rows)
	}
}

// unchanged says whether nothing was committed since it was asked last.
func (w *World) unchanged() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	was := w.checked
	w.checked = true
	return was
}

// checkSession holds a session's row against what it was.
func (w *World) checkSession(s snapshot, ses store.Session) {
	w.t.Helper()
	m := w.model.sessions[ses.ID]
	if m == nil {
		for other, o := range w.model.sessions {
			if o.token == string(ses.TokenKey) {
				w.t.Errorf("one token opened %s and %s", other, ses.ID)
			}
		}
		m = &sessionModel{
			user: ses.User, token: string(ses.TokenKey), endsAt: ses.EndsAt, done: make(map[store.ScriptPosition]id.Connection),
			failures: []event.Failure{},
		}
		w.model.sessions[ses.ID] = m
	}
	if m.token != string(ses.TokenKey) || m.user != ses.User {
		w.t.Errorf("%s changed its token or user", ses.ID)
	}
	if !m.endsAt.Equal(ses.EndsAt) && ses.EndReason != store.EndRevoked {
		w.t.Errorf("the end of %s moved from %v to %v", ses.ID, m.endsAt, ses.EndsAt)
	}
	for _, a := range s.attempts[ses.ID] {
		if a.State == store.AttemptOpen {
			if !ses.ClosedAt.IsZero() {
				w.t.Errorf("%s is closed and has the open attempt %s", ses.ID, a.ID)
			}
		} else if a.Resume != nil || a.LastStep != nil || a.Callback != nil || a.Hosts != nil || a.OAuthState != nil ||
			a.StateHash != nil || a.Begun != "" || !a.DueAt.IsZero() {
			w.t.Errorf("the ended attempt %s keeps secrets: %+v", a.ID, a)
		}
	}
}

// drain applies the actions of a session up to the next success, which it returns, or all failures.
func (w *World) drain(s snapshot, m *sessionModel, ses id.Session, wantSuccess bool) (store.Action, bool) {
	w.t.Helper()
	for rows := s.actions[ses]; m.actions < len(rows); {
		a := rows[m.actions]
		if a.Code == "" && !wantSuccess {
			w.t.Errorf("%s: an action without an event: %+v", ses, a)
		}
		m.actions++
		w.checkAction(m, ses, a)
		if a.Code == "" {
			return a, true
		}
		m.fail(a)
	}
	return store.Action{}, false
}

func (w *World) checkAction(m *sessionModel, ses id.Session, a store.Action) {
	w.t.Helper()
	if a.No != m.actions {
		w.t.Errorf("%s: action %d has the number %d", ses, m.actions, a.No)
	}
	if m.asked != nil && !m.asked[string(a.Kind)+" "+a.Target] {
		w.t.Errorf("%s: nobody asked to %s %s", ses, a.Kind, a.Target)
	}
	if !a.Position.Scripted() {
		return
	}
	key := a.Position
	before, twice := m.done[key]
	several := a.Kind == store.ActionDisconnect && before != a.Connection
	if twice && !several && !m.raced {
		w.t.Errorf("%s: action %v of the script ended twice: %s %s", ses, key, a.Kind, a.Target)
	}
	m.done[key] = a.Connection
}

// fail moves a failure to the end of the list.
func (m *sessionModel) fail(a store.Action) {
	m.forgive(a.Kind, a.Target)
	f := event.Failure{
		Source: event.SourceRef{ID: a.Source, Name: a.SourceName}, Action: string(a.Kind), Code: a.Code, Message: a.Message,
		Retryable: a.Retryable, Field: a.Field, Setting: a.Setting, RetryAfter: a.RetryAfter.Seconds(),
	}
	if _, err := id.Parse[id.Connection](a.Target); err == nil {
		f.ConnectionID = id.Connection(a.Target)
	}
	m.failures = append(m.failures, f)
}

// forgive removes the failure of a target.
func (m *sessionModel) forgive(kind store.ActionKind, target string) {
	m.failures = slices.DeleteFunc(m.failures, func(f event.Failure) bool {
		named := cmp.Or(string(f.ConnectionID), f.Source.ID)
		return f.Action == string(kind) && named == target
	})
}

// checkEvent applies what an event tells to the model and holds its body against that.
func (w *World) checkEvent(s snapshot, e store.Event) {
	w.t.Helper()
	body := parse[event.Event](w.t, e.Body)
	w.checkShape(e.Body, body.Type)
	w.checkDeliveries(s, e)
	if e.Session == "" {
		w.checkOutside(e, body)
		return
	}
	m := w.model.sessions[e.Session]
	m.sequence++
	if m.response != nil {
		w.t.Errorf("%s: an event after the close: %s", e.Session, e.Body)
	}
	want := event.Event{
		Type: event.Type(e.Type), ID: e.ID, Sequence: m.sequence, Timestamp: event.Time(e.At), Source: body.Source,
	}
	if want.Type == event.SessionClosed {
		w.drain(s, m, e.Session, false)
		row := w.session(e.Session)
		want.Response.Status = event.Status(row.Status)
		if !row.ClosedAt.Before(row.EndsAt) {
			want.Response.SetEnded(row.EndsAt)
		}
		if resp := event.JSON(body.Response); !bytes.Equal(resp, row.Response) {
			w.t.Errorf("%s: the event of the close says %s, the response %s", e.Session, resp, row.Response)
		}
		m.response = row.Response
	} else {
		a, ok := w.drain(s, m, e.Session, true)
		if !ok {
			w.t.Errorf("%s: an event without an action: %s", e.Session, e.Body)
			return
		}
		if row := w.session(e.Session); !e.At.Before(row.EndsAt) {
			w.t.Errorf("%s ended at %v, and an action was accepted at %v", e.Session, row.EndsAt, e.At)
		}
		want.Source = w.apply(m, e, a)
		want.Response.Status = event.ConnectedSource
		if a.Kind == store.ActionDisconnect {
			want.Response.Status = event.DisconnectedSource
		}
		if (a.Kind == store.ActionConnect) != (want.Type == event.SourceConnected) {
			w.t.Errorf("%s: action %s, event %s", e.Session, a.Kind, e.Type)
		}
	}
	w.fill(&want.Response, e.Session, m, body.Response)
	if d := differ(want, body); d != "" {
		w.t.Errorf("%s: event %d (-model +event):\n%s", e.Session, m.sequence, d)
	}
	w.checkHistory(e.Session, m, body.Response)
}

// fill completes a response with the model's truth. What became of a revocation meanwhile is got's to say.
func (w *World) fill(r *event.Response, ses id.Session, m *sessionModel, got event.Response) {
	u := w.model.users[m.user]
	r.SessionID, r.ClientID, r.ClientUserID, r.HumanID = &ses, &u.ClientID, &u.ClientUserID, &u.HumanID
	r.SessionResults.ConnectedSources, r.SessionResults.DisconnectedSources = []event.Connection{}, []event.Connection{}
	for _, x := range m.results {
		c := event.Connection{ID: x.source, Name: nameOf(x.source), ConnectionID: x.connection, ConnectedSince: event.Time(x.since)}
		if x.kind == store.ActionConnect {
			r.SessionResults.ConnectedSources = append(r.SessionResults.ConnectedSources, c)
			continue
		}
		c.Revocation = x.revocation
		for _, g := range got.SessionResults.DisconnectedSources {
			if g.ConnectionID == x.connection && x.revocation == "pending" {
				c.Revocation = g.Revocation // tried since
			}
		}
		r.SessionResults.DisconnectedSources = append(r.SessionResults.DisconnectedSources, c)
	}
	r.CurrentConnections = w.current(m.user)
	r.Failures = m.failures
}

func (w *World) current(user id.Human) []event.Connection {
	out := []event.Connection{}
	for _, c := range w.model.active[user] {
		out = append(out, event.Connection{ID: c.source, Name: nameOf(c.source), ConnectionID: c.id, ConnectedSince: event.Time(c.since), State: "active"})
	}
	return out
}

// apply moves the model by a successful action and returns the source that its event names.
func (w *World) apply(m *sessionModel, e store.Event, a store.Action) *event.Connection {
	w.t.Helper()
	acc := account{a.Source, w.accountOf(a.Source, a.AccountKey)}
	r := resultModel{account: acc, kind: a.Kind, connection: a.Connection}
	if a.Kind == store.ActionConnect {
		r.since = w.model.connect(w.t, m.user, acc, a.Connection, e.At)
	} else {
		r.since, r.revocation = w.model.disconnect(w.t, m.user, acc, a.Connection)
	}
	w.model.actor[holding{m.user, acc}] = e.Session
	m.results = slices.DeleteFunc(m.results, func(x resultModel) bool { return x.account == acc })
	m.results = append(m.results, r)
	m.forgive(a.Kind, a.Target)
	m.forgive(a.Kind, string(a.Connection))
	return &event.Connection{
		ID: acc.source, Name: nameOf(acc.source), ConnectionID: r.connection, ConnectedSince: event.Time(r.since), Revocation: r.revocation,
	}
}

// checkHistory: what was connected here is connected, what was disconnected is not, unless another acted on it since.
func (w *World) checkHistory(ses id.Session, m *sessionModel, r event.Response) {
	w.t.Helper()
	in := func(list []event.Connection, con id.Connection) bool {
		return slices.ContainsFunc(list, func(c event.Connection) bool { return c.ConnectionID == con })
	}
	for _, x := range m.results {
		if w.model.actor[holding{m.user, x.account}] != ses {
			continue
		}
		if connected := x.kind == store.ActionConnect; in(r.CurrentConnections, x.connection) != connected {
			w.t.Errorf("%s: %s %s, current connections %v", ses, x.kind, x.connection, r.CurrentConnections)
		}
	}
}

// checkOutside: a disconnect by a command, or a token that opened nothing.
func (w *World) checkOutside(e store.Event, body event.Event) {
	w.t.Helper()
	if e.Sequence != 1 || body.Sequence != 1 || body.SessionID != nil {
		w.t.Errorf("an event outside of a session: %s", e.Body)
	}
	if body.Type == event.SessionClosed {
		return
	}
	var row store.Connection
	w.view(func(tx store.Tx) (err error) { row, err = tx.Connection(body.Source.ConnectionID); return err })
	acc := account{row.Source, w.accountOf(row.Source, row.AccountKey)}
	since, revocation := w.model.disconnect(w.t, row.User, acc, row.ID)
	w.model.actor[holding{row.User, acc}] = ""
	changed := event.Connection{
		ID: acc.source, Name: nameOf(acc.source), ConnectionID: row.ID, ConnectedSince: event.Time(since), Revocation: revocation,
	}
	want := event.Empty(event.DisconnectedSource)
	u := w.model.users[row.User]
	want.ClientID, want.ClientUserID, want.HumanID = &u.ClientID, &u.ClientUserID, &u.HumanID
	want.SessionResults.DisconnectedSources = []event.Connection{changed}
	want.CurrentConnections = w.current(row.User)
	if d := differ(want, body.Response); d != "" {
		w.t.Errorf("disconnect outside of a session (-model +event):\n%s", d)
	}
	if d := differ(&changed, body.Source); d != "" {
		w.t.Errorf("the source of a disconnect outside of a session (-model +event):\n%s", d)
	}
}

// checkClosed: the response of a closed session stays, byte for byte, and its exit code with it.
func (w *World) checkClosed(s snapshot, ses store.Session) {
	w.t.Helper()
	m := w.model.sessions[ses.ID]
	if ses.Sequence != m.sequence {
		w.t.Errorf("%s: the row says sequence %d, its events %d", ses.ID, ses.Sequence, m.sequence)
	}
	if ses.ClosedAt.IsZero() != (m.response == nil) {
		w.t.Errorf("%s: closed at %v, told to have closed: %t", ses.ID, ses.ClosedAt, m.response != nil)
	}
	if m.response == nil {
		return
	}
	if !bytes.Equal(m.response, ses.Response) {
		w.t.Errorf("%s: the response was %s and is %s", ses.ID, m.response, ses.Response)
	}
	want := event.Success
	if !ses.ClosedAt.Before(ses.EndsAt) {
		want = event.TokenExpired
		if ses.EndReason == store.EndRevoked {
			want = event.TokenInvalid
		}
	}
	if f := session.FinalOf(ses); f.Status != want || f.Failed != (len(m.failures) > 0) {
		w.t.Errorf("%s closed with %s, failed %t, not with %s and %d failures", ses.ID, f.Status, f.Failed, want, len(m.failures))
	}
}

func (w *World) checkCurrent(user id.Human, rows []store.Connection) {
	w.t.Helper()
	got := []connectionModel{}
	for _, c := range rows {
		if c.User != user || c.State != store.ConnectionActive || len(c.Credential) == 0 {
			w.t.Errorf("a current connection of %s: %+v", user, c)
		}
		got = append(got, connectionModel{account{c.Source, w.accountOf(c.Source, c.AccountKey)}, c.ID, c.ConnectedSince})
	}
	if want := w.model.active[user]; !slices.Equal(want, got) {
		w.t.Errorf("the connections of %s are %v, not %v", user, got, want)
	}
}

// checkDeliveries: each hook that asks for an event gets it once.
func (w *World) checkDeliveries(s snapshot, e store.Event) {
	w.t.Helper()
	want := []string{"all"}
	if e.Type == string(event.SessionClosed) {
		want = append(want, "closes")
	}
	for _, h := range s.hooks[e.Session] {
		if bytes.Contains(h.Spec, []byte(onOf(e.Type))) {
			want = append(want, string(h.ID))
		}
	}
	var got []string
	for _, d := range s.deliveries[e.ID] {
		got = append(got, d.Hook)
		if d.Sequence != e.Sequence || d.Session != e.Session || d.State != store.DeliveryPending {
			w.t.Errorf("a delivery of %s: %+v", e.ID, d)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if e.Session != "" && !slices.Equal(want, got) {
		w.t.Errorf("event %s goes to %v, not %v", e.ID, got, want)
	}
}

func onOf(kind string) string {
	return map[string]string{
		"source.connected": "onConnectSource", "source.disconnected": "onDisconnectSource", "session.closed": "onClose",
	}[kind]
}

// checkShape: all keys are there, and arrays are never null.
func (w *World) checkShape(body []byte, kind event.Type) {
	w.t.Helper()
	var keys map[string]json.RawMessage
	var results map[string]json.RawMessage
	if err := json.Unmarshal(body, &keys); err != nil {
		w.t.Fatalf("%s: %v", body, err)
	}
	_ = json.Unmarshal(keys["sessionResults"], &results) // the arrays are missed below if it is not an object
	for k, v := range map[string]json.RawMessage{
		"connectedSources": results["connectedSources"], "disconnectedSources": results["disconnectedSources"],
		"currentConnections": keys["currentConnections"], "failures": keys["failures"],
	} {
		if len(v) == 0 || v[0] != '[' {
			w.t.Errorf("%s is no array in %s", k, body)
		}
	}
	for _, k := range []string{"status", "sessionId", "clientId", "clientUserId", "humanId"} {
		if _, ok := keys[k]; !ok {
			w.t.Errorf("%s is missing in %s", k, body)
		}
	}
	if _, ok := keys["source"]; ok == (kind == event.SessionClosed) {
		w.t.Errorf("source: %t in an event of type %s", ok, kind)
	}
}
