package admission

import (
	"context"
	"errors"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/internal/queue"
)

// fullHouse takes all places of a queue but one. Each process that enters is another one.
func fullHouse(t *testing.T) (enter func() *Gate) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "run", "start.queue")
	enter = func() *Gate {
		a := New(path)
		a.processor = func() time.Duration { return 0 }
		t.Cleanup(a.Close)
		return a
	}
	for range roomPerCPU*runtime.NumCPU() - 1 {
		if _, err := enter().Admit(t.Context()); err != nil { // its provider goes on starting
			t.Fatal(err)
		}
	}
	return enter
}

// quietTime is after how long a process leaves that does nothing.
const quietTime = quietTicks * tickTime

func TestAProcessIsAdmittedOnceAndKeepsItsPlaceWhileItsProviderStarts(t *testing.T) {
	enter := fullHouse(t)
	last := enter()
	if err := last.Enter(t.Context()); err != nil {
		t.Fatal(err)
	}
	started, err := last.Admit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	waiting, cancel := context.WithTimeout(t.Context(), quietTime)
	defer cancel()
	if err := enter().Enter(waiting); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("one more than there is room for: %v", err)
	}
	next := enter()
	done := make(chan error, 1)
	go func() { done <- next.Enter(context.Background()) }()
	last.moved()
	started()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Error("a process that waits for its provider keeps its place")
	}
}

// On a loaded machine an open takes long: those behind would come in too, and share what is too little already.
func TestAProcessThatWorksKeepsItsPlaceLongerThanOneThatIsQuiet(t *testing.T) {
	enter := fullHouse(t)
	last := enter()
	var stop atomic.Bool
	var used atomic.Int64
	last.processor = func() time.Duration {
		if stop.Load() {
			return time.Duration(used.Load())
		}
		return time.Duration(used.Add(int64(workTime)))
	}
	if err := last.Enter(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, works := range []bool{true, false} {
		stop.Store(!works)
		waiting, cancel := context.WithTimeout(t.Context(), max(2*quietTime, 2*queue.PassAfter))
		if err := enter().Enter(waiting); works == (err == nil) {
			t.Errorf("works %t: one more than there is room for: %v", works, err)
		}
		cancel()
	}
}

func TestAProcessLeavesAtTheWorkLimitWhateverItDoes(t *testing.T) {
	enter := fullHouse(t)
	last := enter()
	if _, err := last.Admit(t.Context()); err != nil { // its provider never starts
		t.Fatal(err)
	}
	last.mu.Lock()
	last.began = last.began.Add(-workLimit)
	last.mu.Unlock()
	waiting, cancel := context.WithTimeout(t.Context(), queue.PassAfter)
	defer cancel()
	if err := enter().Enter(waiting); err != nil {
		t.Error(err)
	}
}

func TestWhoeverMayKeepNoFilesWaitsForNobody(t *testing.T) {
	a := New("")
	defer a.Close()
	if err := a.Enter(t.Context()); err != nil || a.place != nil {
		t.Errorf("%v, %v", a.place, err)
	}
}
