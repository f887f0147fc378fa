//go:build linux

package crash_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// outcomes wants that each action of the script ended once: with its event, or with a failure that may be.
func (v *verdict) outcomes() {
	for _, source := range []string{instant, clinic, family} {
		fails := v.s.script.fails[source] != ""
		lossy := form(source) && len(v.s.kills) > 0
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

func (v *verdict) codes(source string, lossy bool) map[string]bool {
	codes := map[string]bool{"attempt_interrupted": lossy}
	if code := v.s.script.fails[source]; code != "" {
		codes[code] = true
	}
	return codes
}

// failure wants one where all actions of a kind failed, none where none did, and only codes that may be.
func (v *verdict) failure(verb, source string, failed, of int, codes map[string]bool) {
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

func (v *verdict) count(kind, source string) int {
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

// summary says where the kills hit.
type summary struct {
	sessions, kills, before, within, after, printing, whole int
}

func (s *summary) add(played *sitting, row sessionRow) {
	for _, k := range played.kills {
		s.kills++
		at := k.at.Truncate(time.Millisecond)
		switch {
		case k.printed > 0:
			s.printing++
		case at.Before(row.OpenedAt):
			s.before++
		case at.Before(row.ClosedAt):
			s.within++
		default:
			s.after++
		}
	}
	s.whole += len(played.whole)
}

func (s summary) String() string {
	return fmt.Sprintf("%d sessions, %d kills: %d before the session was open, %d in the session, %d after its close and before the print, %d while printing; %d responses printed whole",
		s.sessions, s.kills, s.before, s.within, s.after, s.printing, s.whole)
}
