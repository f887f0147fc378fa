package admission

import (
	"context"
	"errors"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

// fullHouse takes all places of a queue but one. Each process that enters is another one.
func fullHouse(t *testing.T) (enter func() *Gate) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "run", "start.queue")
	enter = func() *Gate {
		a := New(path)
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

func TestWhoeverMayKeepNoFilesWaitsForNobody(t *testing.T) {
	a := New("")
	defer a.Close()
	if err := a.Enter(t.Context()); err != nil || a.place != nil {
		t.Errorf("%v, %v", a.place, err)
	}
}
