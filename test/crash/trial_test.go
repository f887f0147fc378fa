//go:build linux

package crash_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/core/store"
)

// survival is how long what a killed core had started may live on.
const survival = 2 * time.Second

// moments are what the core is killed at: a time after its start, or a sight of something that it does, or a little
// after that. Not all close the session.
func moments(last bool) []string {
	early := []string{"time", "socket", "provider", "provider", "provider", "hook", "hook", "hook"}
	if last {
		return append(early, "time", "done", "done", "closing hook", "closing hook", "print", "print", "print")
	}
	return early
}

// kill is one that happened.
type kill struct {
	at time.Time
	// printed is how many bytes were printed before.
	printed int
}

// trial is a session whose core is killed again and again.
type trial struct {
	number int
	place  *place
	script script
	user   string
	token  string
	args   []string
	random *rand.Rand
	pace   *pace

	kills []kill
	// whole are the documents that were printed to their end, codes what those runs ended with that were not killed.
	whole []string
	codes []int
	bad   []string
}

func newTrial(t testing.TB, h *home, number int, sc script, random *rand.Rand, p *pace) *trial {
	t.Helper()
	s := &trial{number: number, place: h.place(t, fmt.Sprint("s", number)), script: sc, random: random, pace: p}
	if sc.count(connect, tracker) > 0 {
		s.place.extra = []string{"BROWSER=" + sc.browser(number)}
	}
	s.user = fmt.Sprint("user-", number)
	if random.IntN(2) == 0 { // each quote is two bytes in the response, which a narrow pipe does not take at once then
		s.user += strings.Repeat(`"`, 1000)
	}
	s.token = s.place.token(t, s.user, "token")
	s.args = append([]string{"open", "--token", s.token}, s.script.args()...)
	s.args = append(s.args, "--on-connect-source", journal("flag-connects"), "--on-close", journal("flag-closes"))
	return s
}

// journal is a hook that appends to a file: what it is told by its environment, and the whole body, on one line. A line
// without its end is of a hook that was killed.
func journal(file string) string {
	return `body=$(cat); printf '\n%s %s %s END\n' "$HUMANCONNECT_EVENT_ID" "$HUMANCONNECT_SEQUENCE" "$body" >>` + file
}

func (s *trial) fail(format string, args ...any) {
	s.bad = append(s.bad, fmt.Sprintf(format, args...))
}

// play kills up to four runs and then lets one come to its end, twice.
func (s *trial) play() {
	times := 1 + s.random.IntN(4)
	for i := range times {
		choice := moments(i == times-1)
		moment := choice[s.random.IntN(len(choice))]
		s.runAndKill(moment, moment == "print", func(run *running) { s.await(run, moment) })
	}
	s.finish(2)
}

// playToCommit kills one run after it has committed so many times, and lets the next one come to its end. It returns false
// if the run had come to its end before.
func (s *trial) playToCommit(commits int) bool {
	s.runAndKill(fmt.Sprint("commit ", commits), false, func(run *running) { s.place.home.awaitCommits(run, commits) })
	s.finish(1)
	return len(s.kills) > 0
}

// finish lets runs come to their ends.
func (s *trial) finish(runs int) {
	for range runs {
		began, first := time.Now(), len(s.whole) == 0
		r, err := s.place.try(s.args...)
		if err != nil {
			s.fail("the last run: %v", err)
			return
		}
		s.keep(r)
		if first {
			s.pace.note(s.script.name, time.Since(began))
		}
	}
	if left := s.place.survivors(survival); len(left) > 0 {
		s.fail("after the last run there are still %d processes: %q", len(left), left[0].argv)
	}
}

func (s *trial) keep(r result) {
	s.codes = append(s.codes, r.code)
	s.whole = append(s.whole, r.out)
	if r.code != 0 && r.code != 3 {
		s.fail("exit code %d\nstdout: %s\nstderr: %s", r.code, r.out, r.err)
	}
}

// runAndKill starts the core and kills it when await returns, or finds that it was done before. With hold, what it prints
// is not taken from it.
func (s *trial) runAndKill(moment string, hold bool, await func(*running)) {
	run, err := s.place.launch(hold, s.args...)
	if err != nil {
		s.fail("start: %v", err)
		return
	}
	await(run)
	at := time.Now()
	run.signal(syscall.SIGKILL)
	r := run.end()
	if r.code >= 0 {
		s.keep(r) // it was done before
		return
	}
	s.kills = append(s.kills, kill{at: at, printed: len(r.out)})
	if strings.HasSuffix(r.out, "\n}\n") {
		s.whole = append(s.whole, r.out)
	}
	if left := s.place.survivors(survival); len(left) > 0 {
		s.fail("killed at %q, and after %s there are still %d processes: %q", moment, survival, len(left), left[0].argv)
	}
}

// await returns when the moment has come, or the run has ended.
func (s *trial) await(run *running, moment string) {
	typical := float64(s.pace.typical(s.script.name))
	after := func(share float64) time.Duration { return time.Duration(s.random.Float64() * share * typical) }
	ended := run.ended
	switch moment {
	case "time":
		poll(after(1.2), ended)
		return
	case "done":
		s.awaitDone(run)
		return
	}
	sight := s.sight(run, moment)
	poll(runLimit, func() bool { return run.ended() || sight() })
	if moment == "socket" || moment == "provider" {
		poll(after(0.5), ended)
	}
}

// awaitDone returns as soon as all actions of the script have ended: the close comes next.
func (s *trial) awaitDone(run *running) {
	err := s.place.home.keepOpen(func(view func(func(store.Tx) error) error) error {
		for !run.ended() {
			ended := 0
			err := view(func(tx store.Tx) (err error) {
				ended, err = done(tx, s.user)
				return err
			})
			if err != nil || ended >= len(s.script.actions) {
				return err
			}
		}
		return nil
	})
	if err != nil {
		s.fail("look for the last action: %v", err)
	}
}

// settled is how long the file of commits has to stay as it is to hold a whole one: less than the disk takes for it.
const settled = 100 * time.Microsecond

// awaitCommits returns when a run has written so many commits to the state, which nobody else writes to, or has ended.
func (h *home) awaitCommits(run *running, commits int) {
	wal := filepath.Join(h.state(), "state.db-wal")
	size, written, since := sizeOf(wal), false, time.Now()
	for seen := 0; !run.ended(); {
		switch now := sizeOf(wal); {
		case now != size:
			size, written, since = now, true, time.Now()
		case written && time.Since(since) > settled:
			written = false
			if seen++; seen == commits {
				return
			}
		}
	}
}

// sight says whether something is there that was not when the run began.
func (s *trial) sight(run *running, moment string) func() bool {
	size := func(path string) func() bool {
		before := sizeOf(path)
		return func() bool { return sizeOf(path) != before }
	}
	switch moment {
	case "socket":
		return size(s.place.runtime())
	case "provider":
		return func() bool { return len(s.place.providers()) > 0 }
	case "hook":
		return size(s.place.file("flag-connects"))
	case "closing hook":
		return size(s.place.file("flag-closes"))
	}
	return func() bool { return isClosed(run.out.first) }
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// sizeOf is the size of a file, or how many files a directory has.
func sizeOf(path string) int {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	if entries, err := os.ReadDir(path); err == nil {
		return len(entries)
	}
	return int(info.Size())
}

// pace remembers how long a whole run of a script takes on this machine now.
type pace struct {
	mu    sync.Mutex
	takes map[string]time.Duration
}

// startPace is assumed of a script that has not been seen yet.
const startPace = 150 * time.Millisecond

func (p *pace) note(script string, took time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.takes[script] = took
}

func (p *pace) typical(script string) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if took, ok := p.takes[script]; ok {
		return took
	}
	return startPace
}
