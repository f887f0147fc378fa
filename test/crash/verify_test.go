//go:build linux

package crash_test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/humanconnect/humanconnect/core/id"
)

// What the program prints, as a user of it would read it.
type (
	linked struct {
		ID           string `json:"id"`
		ConnectionID string `json:"connectionId"`
	}
	response struct {
		Status         string `json:"status"`
		SessionResults struct {
			Connected    []linked `json:"connectedSources"`
			Disconnected []linked `json:"disconnectedSources"`
		} `json:"sessionResults"`
		Current      []linked `json:"currentConnections"`
		SessionID    string   `json:"sessionId"`
		ClientUserID string   `json:"clientUserId"`
		HumanID      string   `json:"humanId"`
		Failures     []struct {
			Source struct {
				ID string `json:"id"`
			} `json:"source"`
			Action    string `json:"action"`
			Code      string `json:"code"`
			Retryable bool   `json:"retryable"`
		} `json:"failures"`
		Deliveries struct {
			Delivered int `json:"delivered"`
			Pending   int `json:"pending"`
			Dead      int `json:"dead"`
		} `json:"deliveries"`
	}
	eventBody struct {
		Type     string  `json:"type"`
		ID       string  `json:"id"`
		Sequence int     `json:"sequence"`
		Source   *linked `json:"source"`
		response
	}
	sessionRow struct {
		SessionID string    `json:"id"`
		HumanID   string    `json:"humanId"`
		State     string    `json:"state"`
		OpenedAt  time.Time `json:"openedAt"`
		ClosedAt  time.Time `json:"closedAt"`
		Events    int       `json:"events"`
	}
	eventRow struct {
		ID        string `json:"id"`
		Type      string `json:"type"`
		SessionID string `json:"sessionId"`
		Sequence  int    `json:"sequence"`
	}
	deliveryRow struct {
		EventID   string `json:"eventId"`
		SessionID string `json:"sessionId"`
		Hook      string `json:"hookId"`
		State     string `json:"state"`
		Tries     int    `json:"tries"`
	}
)

// world is what the state has after the run.
type world struct {
	home       *home
	place      *place
	sessions   map[string][]sessionRow
	events     map[string][]eventRow
	deliveries map[string][]deliveryRow
}

func readWorld(t testing.TB, h *home) *world {
	w := &world{
		home: h, place: h.place(t, "look"), sessions: make(map[string][]sessionRow), events: make(map[string][]eventRow),
		deliveries: make(map[string][]deliveryRow),
	}
	var sessions []sessionRow
	w.place.read(t, &sessions, "session", "list", "--limit", "0")
	for _, s := range sessions {
		w.sessions[s.HumanID] = append(w.sessions[s.HumanID], s)
	}
	var events []eventRow
	w.place.read(t, &events, "event", "list", "--limit", "0")
	for _, e := range slices.Backward(events) { // the newest comes first
		w.events[e.SessionID] = append(w.events[e.SessionID], e)
	}
	var deliveries []deliveryRow
	w.place.read(t, &deliveries, "delivery", "list", "--limit", "0")
	for _, d := range deliveries {
		w.deliveries[d.SessionID] = append(w.deliveries[d.SessionID], d)
	}
	return w
}

// verify holds what the state, the journals and the runs say of each session against each other, and says where the kills
// hit.
func verify(t *testing.T, h *home, trials []*trial) *summary {
	t.Helper()
	h.place(t, "background").want(t, 0, "delivery", "run") // what a killed core could not revoke
	w := readWorld(t, h)
	sum := &summary{hits: make(map[string]int)}
	known := map[string]bool{}
	for _, s := range trials {
		v := &verifier{t: t, w: w, s: s}
		if len(s.bad) == 0 {
			v.all()
			known[v.row.SessionID] = true
			sum.add(v)
		}
		for _, bad := range s.bad {
			t.Errorf("session %d (%s, %d kills): %s", s.number, s.script.name, len(s.kills), bad)
		}
	}
	for ses := range w.events {
		if !known[ses] && !t.Failed() {
			t.Errorf("there are events of %q, which no run opened", ses)
		}
	}
	fmt.Println(sum)
	return sum
}

// verifier checks one session.
type verifier struct {
	t     *testing.T
	w     *world
	s     *trial
	final response
	row   sessionRow
	// done is when the last action ended.
	done   time.Time
	bodies map[string]string
	events []eventBody
}

func (v *verifier) all() {
	decode(v.t, v.s.whole[len(v.s.whole)-1], &v.final)
	if !v.printed() || !v.oneSession() {
		return
	}
	v.readEvents()
	v.sequence()
	v.story()
	v.outcomes()
	v.revocations()
	v.journal("all", v.w.home.path("all-"+v.row.SessionID), "")
	v.journal("closes", v.w.home.path("closes-"+v.row.SessionID), "session.closed")
	v.journal("flag", v.s.place.file("flag-closes"), "session.closed")
	v.journal("flag", v.s.place.file("flag-connects"), "source.connected")
	v.delivered()
}

// stored is a printed document without what each run adds to it.
func stored(doc string) string {
	at := strings.LastIndex(doc, ",\n  \"deliveries\":")
	if at < 0 {
		return doc
	}
	return doc[:at]
}

// printed wants the same bytes and the same exit code of every run that came to print, and those that are stored.
func (v *verifier) printed() bool {
	first := stored(v.s.whole[0])
	for _, doc := range v.s.whole[1:] {
		if stored(doc) != first {
			v.s.fail("two runs printed two responses:\n%s", cmp.Diff(first, stored(doc)))
		}
	}
	want := 0
	if len(v.final.Failures) > 0 {
		want = 3
	}
	for _, code := range v.s.codes {
		if code != want {
			v.s.fail("exit codes %v, and %d failures", v.s.codes, len(v.final.Failures))
		}
	}
	if v.final.Status != "SUCCESS" || v.final.ClientUserID != v.s.user {
		v.s.fail("status %q of another user, or of a failure", v.final.Status)
	}
	var shown struct{ Response json.RawMessage }
	v.w.place.read(v.t, &shown, "session", "show", v.final.SessionID)
	if got, want := compact(string(shown.Response)), compact(first+"\n}"); got != want {
		v.s.fail("session show and open differ:\n%s", cmp.Diff(want, got))
	}
	return len(v.s.bad) == 0
}

func (v *verifier) oneSession() bool {
	rows := v.w.sessions[v.final.HumanID]
	if len(rows) != 1 || rows[0].SessionID != v.final.SessionID || rows[0].State != "closed" {
		v.s.fail("one token, and the sessions of its user are %+v", rows)
		return false
	}
	v.row = rows[0]
	actions, err := v.w.home.actions(id.Session(v.row.SessionID))
	if err != nil || len(actions) == 0 {
		v.s.fail("%d actions, %v", len(actions), err)
		return false
	}
	v.done = actions[len(actions)-1].At
	return true
}

func (v *verifier) readEvents() {
	v.bodies = make(map[string]string)
	for _, row := range v.w.events[v.row.SessionID] {
		body := v.w.place.want(v.t, 0, "event", "show", row.ID, "-o", "json").out
		var e eventBody
		decode(v.t, body, &e)
		if e.ID != row.ID || e.Type != row.Type || e.Sequence != row.Sequence || e.SessionID != v.row.SessionID {
			v.s.fail("event %+v has the body %+v", row, e)
		}
		v.bodies[row.ID] = body
		v.events = append(v.events, e)
	}
	slices.SortFunc(v.events, func(a, b eventBody) int { return a.Sequence - b.Sequence })
}

// sequence wants 1, 2, … and one close, the last.
func (v *verifier) sequence() {
	if len(v.events) != v.row.Events {
		v.s.fail("%d events, and the session counts %d", len(v.events), v.row.Events)
	}
	for i, e := range v.events {
		if e.Sequence != i+1 {
			v.s.fail("event %d has the sequence %d", i+1, e.Sequence)
		}
		if (e.Type == "session.closed") != (i == len(v.events)-1) {
			v.s.fail("event %d of %d is %s", i+1, len(v.events), e.Type)
		}
	}
}

// story replays the events: what each says of the connections is what those before it made, and the response is the end.
func (v *verifier) story() {
	var now, connected, disconnected []linked
	for _, e := range v.events {
		switch e.Type {
		case "source.connected":
			if slices.Contains(disconnected, *e.Source) {
				v.s.fail("event %d connects %v again, which was disconnected", e.Sequence, *e.Source)
			}
			now, connected = with(now, *e.Source), append(without(connected, *e.Source), *e.Source)
		case "source.disconnected":
			if !slices.Contains(now, *e.Source) {
				v.s.fail("event %d disconnects %v, which was not connected", e.Sequence, *e.Source)
			}
			now, connected, disconnected = without(now, *e.Source), without(connected, *e.Source), append(disconnected, *e.Source)
		}
		v.says(fmt.Sprint("event ", e.Sequence), e.response, now, connected, disconnected)
	}
	v.says("the response", v.final, now, connected, disconnected)
	var rows []struct{ ID, SourceID string }
	v.w.place.read(v.t, &rows, "connection", "list", "--client-id", "crash", "--client-user-id", "@"+v.s.place.file("user"))
	var listed []linked
	for _, r := range rows {
		listed = append(listed, linked{ID: r.SourceID, ConnectionID: r.ID})
	}
	if diff := cmp.Diff(sorted(now), sorted(listed)); diff != "" {
		v.s.fail("connection list: %s", diff)
	}
}

// says wants the lists of a response. Entries are by account here, and an account that was connected anew after it was
// disconnected is told of once.
func (v *verifier) says(who string, r response, now, connected, disconnected []linked) {
	var gone []linked
	for _, d := range disconnected {
		again := slices.ContainsFunc(connected, func(c linked) bool { return c.ID == d.ID })
		earlier := slices.ContainsFunc(gone, func(c linked) bool { return c.ID == d.ID })
		if earlier {
			gone = slices.DeleteFunc(gone, func(c linked) bool { return c.ID == d.ID })
		}
		if !again {
			gone = append(gone, d)
		}
	}
	for what, pair := range map[string][2][]linked{
		"currentConnections": {sorted(now), sorted(r.Current)}, "connectedSources": {connected, r.SessionResults.Connected},
		"disconnectedSources": {gone, r.SessionResults.Disconnected},
	} {
		if !slices.Equal(pair[0], pair[1]) {
			v.s.fail("%s of %s are %v, the events say %v", what, who, pair[1], pair[0])
		}
	}
}

func with(list []linked, l linked) []linked {
	if slices.Contains(list, l) {
		return list
	}
	return append(slices.Clone(list), l)
}

func without(list []linked, l linked) []linked {
	return slices.DeleteFunc(slices.Clone(list), func(o linked) bool { return o == l })
}

func sorted(list []linked) []linked {
	list = append([]linked{}, list...)
	slices.SortFunc(list, func(a, b linked) int { return strings.Compare(a.ConnectionID, b.ConnectionID) })
	return list
}

// lines reads a journal: the records that were written to their end, and those that were not.
func lines(path string) (records [][]string, torn []string, err error) {
	text, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return nil, nil, nil
	}
	for _, line := range strings.Split(string(text), "\n") {
		switch {
		case line == "":
		case strings.HasSuffix(line, " END"):
			records = append(records, strings.SplitN(strings.TrimSuffix(line, " END"), " ", 3))
		default:
			torn = append(torn, line)
		}
	}
	return records, torn, err
}

// journal wants every event of a type, or of any, at least once and in order, and nothing else.
func (v *verifier) journal(hook, path, kind string) {
	records, torn, err := lines(path)
	if err != nil {
		v.s.fail("%v", err)
		return
	}
	seen, last := map[string]bool{}, 0
	for _, r := range records {
		no, err := strconv.Atoi(r[1])
		if err != nil || no < 1 || no > len(v.events) || v.events[no-1].ID != r[0] {
			v.s.fail("hook %s received %s %s, which is not an event of this session", hook, r[0], r[1])
			continue
		}
		if no < last {
			v.s.fail("hook %s received event %d after event %d", hook, no, last)
		}
		last = no
		seen[r[0]] = v.checkBody(hook, no, r[2]) || seen[r[0]]
	}
	for _, e := range v.events {
		if wanted := kind == "" || kind == e.Type; wanted != seen[e.ID] {
			v.s.fail("hook %s and event %d, %s; received %v, want %v; %d lines, %d torn", hook, e.Sequence, e.Type, seen[e.ID], wanted, len(records), len(torn))
		}
	}
}

// checkBody compares a body with the stored event. A core that is killed while it writes the body may leave the hook with
// the first part of it.
func (v *verifier) checkBody(hook string, no int, body string) bool {
	want := compact(v.bodies[v.events[no-1].ID])
	if body != want && !strings.HasPrefix(want, body) {
		v.s.fail("hook %s received another body of event %d:\n%s", hook, no, cmp.Diff(want, body))
	}
	return body == want
}

func (v *verifier) delivered() {
	want := map[string]int{}
	for _, e := range v.events {
		want[e.ID] = map[string]int{"source.connected": 2, "source.disconnected": 1, "session.closed": 3}[e.Type]
	}
	got, total := map[string]int{}, 0
	for _, d := range v.w.deliveries[v.row.SessionID] {
		got[d.EventID]++
		total++
		if d.State != "delivered" {
			v.s.fail("a delivery to %s is %s after %d tries", d.Hook, d.State, d.Tries)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		v.s.fail("deliveries by event: %s", diff)
	}
	if d := v.final.Deliveries; d.Delivered != total || d.Pending != 0 || d.Dead != 0 {
		v.s.fail("the last run counts the deliveries as %+v, there are %d", d, total)
	}
}
