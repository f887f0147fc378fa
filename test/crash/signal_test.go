//go:build linux

package crash_test

import (
	"strings"
	"syscall"
	"testing"
	"time"
)

// closeLimit is how long a close may take that waits 5 s for a step that has begun, on a machine that is busy. The step
// would take a minute.
const closeLimit = 20 * time.Second

func TestSignalsCloseTheSessionProperly(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		signal syscall.Signal
		code   int
	}{{syscall.SIGINT, 130}, {syscall.SIGTERM, 143}} {
		t.Run(c.signal.String(), func(t *testing.T) {
			t.Parallel()
			h := newHome(t, "")
			p := h.place(t, "p")
			args := append(open(p.token(t, "user", "token"), clinic, "wait"), "--on-close", journal("closes"))
			run := p.start(t, args...)
			h.awaitAttempt(t, "the first wait", waits)
			run.signal(c.signal)
			r := run.end()
			r.want(t, c.code)
			doc := responseOf(t, r)
			if doc.Status != "SUCCESS" || !interrupted(doc) || len(doc.Current) != 0 || doc.Deliveries.Delivered != 1 {
				t.Errorf("response %s", r.out)
			}
			records, _, err := lines(p.file("closes"))
			if err != nil || len(records) != 1 {
				t.Errorf("onClose received %d events, want once: %v", len(records), err)
			}
			again := p.want(t, c.code, args...)
			if stored(again.out) != stored(r.out) {
				t.Errorf("the same command prints another response:\n%s", again.out)
			}
		})
	}
}

// interrupted says that what was not finished is named in the response.
func interrupted(doc response) bool {
	return len(doc.Failures) == 1 && doc.Failures[0].Code == "attempt_interrupted"
}

func TestHangupLeavesTheSessionOpen(t *testing.T) {
	t.Parallel()
	h := newHome(t, "")
	p := h.place(t, "p")
	args := open(p.token(t, "user", "token"), clinic, "wait")
	run := p.start(t, args...)
	h.awaitAttempt(t, "the first wait", waits)
	run.signal(syscall.SIGHUP)
	r := run.end()
	r.want(t, 129)
	if r.out != "" {
		t.Errorf("printed %q", r.out)
	}
	var before []sessionRow
	p.read(t, &before, "session", "list", "--open")
	if len(before) != 1 {
		t.Fatalf("open sessions: %+v, want one", before)
	}
	resumed := p.run(t, args...)
	wantConnected(t, resumed, clinic)
	if got := responseOf(t, resumed).SessionID; got != before[0].SessionID {
		t.Errorf("session %s, want %s resumed", got, before[0].SessionID)
	}
}

func TestSecondSignalStopsAtOnce(t *testing.T) {
	t.Parallel()
	h := newHome(t, "")
	p := h.place(t, "p")
	args := open(p.token(t, "user", "token"), clinic, "hang")
	run := p.start(t, args...)
	h.awaitAttempt(t, "the provider works on the form", begun)
	began := time.Now()
	var sent time.Time
	// Again and again, as an impatient person does: two at once may come as one.
	within(t, closeLimit, "the end", func() bool {
		if time.Since(sent) > 100*time.Millisecond {
			run.signal(syscall.SIGINT)
			sent = time.Now()
		}
		return run.ended()
	})
	r := run.end()
	r.want(t, 130)
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("it took %s", took)
	}
	if r.out != "" {
		t.Errorf("printed %q", r.out)
	}
	if left := p.survivors(survival); len(left) > 0 {
		t.Errorf("%d processes are left: %q", len(left), left[0].argv)
	}
	var rows []sessionRow
	p.read(t, &rows, "session", "list", "--open")
	if len(rows) != 1 {
		t.Errorf("open sessions: %+v, want one", rows)
	}
}

func TestCloseWaitsForAHungStepForAWhile(t *testing.T) {
	t.Parallel()
	h := newHome(t, "")
	p := h.place(t, "p")
	run := p.start(t, open(p.token(t, "user", "token"), clinic, "hang")...)
	h.awaitAttempt(t, "the provider works on the form", begun)
	began := time.Now()
	run.signal(syscall.SIGTERM)
	r := run.end()
	took := time.Since(began)
	r.want(t, 143)
	if took > closeLimit {
		t.Errorf("it took %s", took)
	}
	if doc := responseOf(t, r); doc.Status != "SUCCESS" || len(doc.Current) != 0 || !interrupted(doc) {
		t.Errorf("response %s", r.out)
	}
	if left := p.survivors(survival); len(left) > 0 {
		t.Errorf("%d processes are left: %q", len(left), left[0].argv)
	}
}

func TestTimeLimitClosesTheSession(t *testing.T) {
	t.Parallel()
	h := newHome(t, "")
	p := h.place(t, "p")
	const limit = 3 * time.Second // time enough to open the session on a busy machine
	began := time.Now()
	args := append(open(p.token(t, "user", "token"), clinic, "hang"), "--timeout", limit.String())
	r := p.run(t, args...)
	took := time.Since(began)
	r.want(t, 16)
	if took > limit+closeLimit {
		t.Errorf("it took %s", took)
	}
	if doc := responseOf(t, r); doc.Status != "SUCCESS" || len(doc.Current) != 0 {
		t.Errorf("response %s", r.out)
	}
	if strings.Contains(r.err, "panic") {
		t.Errorf("it says %s", r.err)
	}
}
