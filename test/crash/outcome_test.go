//go:build linux

package crash_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// outcomes wants that each action of the script ended once: with its event, or with a failure that may be.
func (v *verifier) outcomes() {
	for _, source := range []string{instant, clinic, family, tracker} {
		fails := v.s.script.fails[source] != ""
		lossy := asks(source) && len(v.s.kills) > 0
		connects, events := v.s.script.count(connect, source), v.count("source.connected", source)
		switch {
		case fails && events > 0:
			v.s.fail("%s was connected %d times, and cannot be", source, events)
		case !fails && (events > connects || events < connects && !lossy):
			v.s.fail("%d connects of %s, and %d events", connects, source, events)
		}
		v.failure(connect, source, connects-events, connects, v.codes(source, lossy))
		disconnects, gone := v.s.script.count(disconnect, source), v.count("source.disconnected", source)
		if gone > disconnects || gone < disconnects && events > 0 && connects == events {
			v.s.fail("%d disconnects of %s, and %d events", disconnects, source, gone)
		}
		v.failure(disconnect, source, disconnects-gone, disconnects, map[string]bool{"not_connected": true})
	}
}

func (v *verifier) codes(source string, lossy bool) map[string]bool {
	codes := map[string]bool{"attempt_interrupted": lossy}
	if code := v.s.script.fails[source]; code != "" {
		codes[code] = true
	}
	return codes
}

// failure wants one where all actions of a kind failed, none where none did, and only codes that may be.
func (v *verifier) failure(verb, source string, failed, of int, codes map[string]bool) {
	found := 0
	for _, f := range v.final.Failures {
		if f.Source.ID != source || f.Action != verb {
			continue
		}
		found++
		if !codes[f.Code] {
			v.s.fail("%s %s failed with %s after %d kills", verb, source, f.Code, len(v.s.kills))
		}
	}
	if found > 1 || found == 1 && failed == 0 || found == 0 && failed == of && of > 0 {
		v.s.fail("%d of %d times %s %s failed, and there are %d failures", failed, of, verb, source, found)
	}
}

func (v *verifier) count(kind, source string) int {
	n := 0
	for _, e := range v.events {
		if e.Type == kind && e.Source.ID == source {
			n++
		}
	}
	return n
}

// compact is a JSON document without the space between its tokens.
func compact(doc string) string {
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(doc)); err != nil {
		return doc
	}
	return b.String()
}

// revocations wants that the grant of each connection that is gone is revoked, or waits to be where the source does not do
// it, or is left to another user who has the same account.
func (v *verifier) revocations() {
	for _, e := range v.events {
		if e.Type != "source.disconnected" {
			continue
		}
		var shown struct {
			State      string `json:"state"`
			Revocation string `json:"revocation"`
		}
		v.w.place.read(v.t, &shown, "connection", "show", e.Source.ConnectionID)
		want := []string{"revoked", "shared"}
		switch e.Source.ID {
		case instant:
			want = []string{"unsupported", "shared"}
		case v.s.script.stubborn:
			want = []string{"pending", "shared"}
		}
		if e.Source.ID == tracker {
			want = want[:1] // the account is this user's alone
		}
		if shown.State != "disconnected" || !slices.Contains(want, shown.Revocation) {
			v.s.fail("%s is %s, and its revocation %s; want %v", e.Source.ID, shown.State, shown.Revocation, want)
		}
	}
}

// summary says where the kills hit.
type summary struct {
	sessions, kills, whole int
	// hits counts them by where.
	hits map[string]int
}

// places are where a kill can hit, in order.
func places() []string {
	return []string{
		"before the session was open", "while something was left to do", "between the last action and the close",
		"between the close and the print", "while printing",
	}
}

func (s *summary) add(v *verifier) {
	s.sessions++
	s.whole += len(v.s.whole)
	for _, k := range v.s.kills {
		s.kills++
		s.hits[v.where(k)]++
	}
}

// where says where a kill hit. The times that the state has are cut to milliseconds.
func (v *verifier) where(k kill) string {
	at, all := k.at.Truncate(time.Millisecond), places()
	switch {
	case k.printed > 0:
		return all[4]
	case at.Before(v.row.OpenedAt):
		return all[0]
	case at.Before(v.done):
		return all[1]
	case at.Before(v.row.ClosedAt):
		return all[2]
	}
	return all[3]
}

// missed are the places where no kill hit.
func (s *summary) missed() []string {
	return slices.DeleteFunc(places(), func(place string) bool { return s.hits[place] > 0 })
}

func (s *summary) String() string {
	text := fmt.Sprintf("%d sessions, %d kills:", s.sessions, s.kills)
	for _, place := range places() {
		text += fmt.Sprintf(" %d %s,", s.hits[place], place)
	}
	return text + fmt.Sprintf(" %d responses printed whole", s.whole)
}
