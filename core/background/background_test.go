package background_test

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/core/background"
	"github.com/humanconnect/humanconnect/core/clock/clocktest"
	"github.com/humanconnect/humanconnect/core/hook"
	"github.com/humanconnect/humanconnect/core/id"
)

// patience is how long a test waits for what should come soon.
const patience = 30 * time.Second

// world is what background work does, and how it goes.
type world struct {
	t       *testing.T
	clock   *clocktest.Fake
	log     lines
	options background.Options

	delivers, revokes chan context.Context // each call, with its context
	stopped           chan error
	scope             hook.Scope
}

// lines are those of a log.
type lines chan string

func (l lines) Write(b []byte) (int, error) { l <- string(b); return len(b), nil }

func newWorld(t *testing.T) *world {
	w := &world{
		t: t, clock: clocktest.New(time.Unix(0, 0)), log: make(lines, 10),
		delivers: make(chan context.Context, 10), revokes: make(chan context.Context, 10), stopped: make(chan error, 10),
	}
	w.options = background.Options{
		StateDir: t.TempDir(), Clock: w.clock, Log: slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Deliver: func(ctx context.Context, s hook.Scope) error {
			w.scope = s
			w.delivers <- ctx
			<-ctx.Done() // as a dispatcher, which returns nil at its end
			return nil
		},
		Revoke:          func(ctx context.Context) (int, error) { w.revokes <- ctx; return 0, nil },
		DeliveryStopped: func(err error) { w.stopped <- err },
	}
	return w
}

func (w *world) start() *background.Work {
	work := background.Start(w.t.Context(), w.options)
	w.t.Cleanup(work.Stop)
	return work
}

func await[T any](t *testing.T, what string, c <-chan T) (got T) {
	t.Helper()
	select {
	case got = <-c:
	case <-time.After(patience):
		t.Fatalf("waited in vain: %s", what)
	}
	return got
}

func TestShortCallDoesNoWorkOfOthers(t *testing.T) {
	w := newWorld(t)
	work := w.start()
	w.clock.Advance(background.Delay - time.Millisecond)
	work.Stop()
	w.clock.Advance(time.Hour)
	if len(w.delivers)+len(w.revokes)+len(w.stopped) > 0 || w.clock.Waiting() > 0 {
		t.Errorf("%d deliveries, %d revocations; %d timers are left", len(w.delivers), len(w.revokes), w.clock.Waiting())
	}
}

func TestStopBeforeTheDelayLeavesNoTimer(t *testing.T) {
	w := newWorld(t)
	w.start().Stop()
	if n := w.clock.Waiting(); n > 0 {
		t.Errorf("%d timers are left", n)
	}
}

func TestWorkStartsAfterTheDelayInItsScope(t *testing.T) {
	w := newWorld(t)
	w.options.Scope = hook.Scope{Session: "ses_x"}
	w.start()
	w.clock.Advance(background.Delay)
	await(t, "deliveries", w.delivers)
	await(t, "revocations", w.revokes) // beside the deliveries, which do not end
	if w.scope != w.options.Scope {
		t.Errorf("it delivers %+v", w.scope)
	}
}

func TestFilesOfDeadProcessesAreRemovedAtOnce(t *testing.T) {
	w := newWorld(t)
	path := filepath.Join(w.options.StateDir, "run", string(id.New[id.Process]())+".lock")
	if err := errors.Join(os.Mkdir(filepath.Dir(path), 0o700), os.WriteFile(path, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	w.start()
	for limit := time.Now().Add(patience); ; runtime.Gosched() {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			break
		}
		if time.Now().After(limit) {
			t.Fatal("it is still there")
		}
	}
	if len(w.delivers) > 0 {
		t.Error("the deliveries did not wait for the delay")
	}
}

func TestStopEndsTheWorkAndWaitsForIt(t *testing.T) {
	w := newWorld(t)
	var ended atomic.Int32
	slowly := func(ctx context.Context) error {
		<-ctx.Done()
		for range 1000 {
			runtime.Gosched() // time for a Stop that does not wait
		}
		ended.Add(1)
		return ctx.Err()
	}
	w.options.Deliver = func(ctx context.Context, _ hook.Scope) error { w.delivers <- ctx; _ = slowly(ctx); return nil }
	w.options.Revoke = func(ctx context.Context) (int, error) { w.revokes <- ctx; return 0, slowly(ctx) }
	work := w.start()
	w.clock.Advance(background.Delay)
	await(t, "deliveries", w.delivers)
	await(t, "revocations", w.revokes)
	work.Stop()
	if got := ended.Load(); got != 2 {
		t.Errorf("it waited for %d of 2", got)
	}
	if len(w.stopped)+len(w.log) > 0 {
		t.Errorf("a stop is reported as a fault: %d times, in %d lines", len(w.stopped), len(w.log))
	}
}

func TestRestEndsTheDeliveriesAloneAndDoesNotWait(t *testing.T) {
	w := newWorld(t)
	release := make(chan struct{})
	w.options.Deliver = func(ctx context.Context, _ hook.Scope) error { w.delivers <- ctx; <-release; return nil }
	work := w.start()
	w.clock.Advance(background.Delay)
	delivering, revoking := await(t, "deliveries", w.delivers), await(t, "revocations", w.revokes)
	work.Rest()
	if delivering.Err() == nil || revoking.Err() != nil {
		t.Errorf("deliveries: %v, revocations: %v", delivering.Err(), revoking.Err())
	}
	close(release)
}

func TestDeliveryThatEndsUnaskedIsReported(t *testing.T) {
	w := newWorld(t)
	full := errors.New("the disk is full")
	w.options.Deliver = func(context.Context, hook.Scope) error { return full }
	work := w.start()
	w.clock.Advance(background.Delay)
	if err := await(t, "the report", w.stopped); !errors.Is(err, full) {
		t.Error(err)
	}
	work.Wait() // there is nothing left to stop
	if len(w.revokes) != 1 {
		t.Error("the revocations were left")
	}
}

func TestRevocationsThatFailAreLoggedAndStopNothing(t *testing.T) {
	w := newWorld(t)
	w.options.Revoke = func(ctx context.Context) (int, error) { w.revokes <- ctx; return 0, errors.New("the disk is full") }
	w.start()
	w.clock.Advance(background.Delay)
	if line := await(t, "a line", w.log); !strings.Contains(line, "the disk is full") {
		t.Errorf("the log says %q", line)
	}
	if await(t, "deliveries", w.delivers).Err() != nil {
		t.Error("the deliveries were stopped")
	}
}
