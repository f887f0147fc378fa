package main

import (
	"os"
	"strings"
	"testing"

	"github.com/humanconnect/humanconnect/core/hook"
)

// opensState opens the state of an App whose home is empty.
func opensState(t *testing.T, a *testApp) *state {
	t.Helper()
	a.vars["HOME"] = t.TempDir()
	a.Executable = os.Executable
	st, err := a.openState(t.Context(), stateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(st.Close)
	return st
}

// TestFailedStoreIsSaidWhenTheHooksAreToldNoMore: a command goes on without them, and nobody else would know.
func TestFailedStoreIsSaidWhenTheHooksAreToldNoMore(t *testing.T) {
	a := newTestApp(t)
	st := opensState(t, a)
	if err := st.store.Close(); err != nil {
		t.Fatal(err)
	}
	b := st.startChores(hook.Scope{})
	a.clock.Advance(choresDelay)
	b.wg.Wait() // its work ends by itself
	b.stop()
	if said := a.err.String(); strings.Count(said, "warning: the hooks are told no more before the end: ") != 1 {
		t.Errorf("%q", said)
	}
}

// TestTroubleWithTheHooksIsNoFailureOfTheCommandThatCausedThem, which is done by then.
func TestTroubleWithTheHooksIsNoFailureOfTheCommandThatCausedThem(t *testing.T) {
	a := newTestApp(t)
	st := opensState(t, a)
	if err := st.store.Close(); err != nil {
		t.Fatal(err)
	}
	if err := st.settle(t.Context(), hook.Scope{Event: "evt_x"}, nil); err != nil {
		t.Error(err)
	}
	if said := a.err.String(); !strings.Contains(said, "warning: the hooks were not told: ") {
		t.Errorf("%q", said)
	}
}
