package app_test

import (
	"os"
	"strings"
	"testing"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/app"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/app/apptest"
	"github.com/humanconnect/humanconnect/core/background"
	"github.com/humanconnect/humanconnect/core/hook"
)

// opensState opens the state of an App whose home is empty.
func opensState(t *testing.T, a *apptest.App) *app.State {
	t.Helper()
	a.Vars["HOME"] = t.TempDir()
	a.Executable = os.Executable
	st, err := a.Open(t.Context(), app.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(st.Close)
	return st
}

// TestFailedStoreIsReportedWhenDeliveryStops: the command continues, and nothing else would show it.
func TestFailedStoreIsReportedWhenDeliveryStops(t *testing.T) {
	a := apptest.New(t)
	st := opensState(t, a)
	if err := st.Store.Close(); err != nil {
		t.Fatal(err)
	}
	b := st.StartBackground(hook.Scope{})
	a.Fake.Advance(background.Delay)
	b.Wait() // it ends without being stopped
	b.Stop()
	if said := a.Err.String(); strings.Count(said, "warning: stopped delivering hook events: ") != 1 {
		t.Errorf("%q", said)
	}
}

// TestFailedDeliveryIsNoFailureOfTheCommandThatCausedTheEvent, which is done by then.
func TestFailedDeliveryIsNoFailureOfTheCommandThatCausedTheEvent(t *testing.T) {
	a := apptest.New(t)
	st := opensState(t, a)
	if err := st.Store.Close(); err != nil {
		t.Fatal(err)
	}
	if err := st.Deliver(t.Context(), hook.Scope{Event: "evt_x"}, nil); err != nil {
		t.Error(err)
	}
	if said := a.Err.String(); !strings.Contains(said, "warning: hook delivery failed: ") {
		t.Errorf("%q", said)
	}
}
