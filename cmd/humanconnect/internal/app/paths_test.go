package app_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/app"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/app/apptest"
	"github.com/humanconnect/humanconnect/internal/problem"
)

func TestInstalledProvidersAndTheirLockFollowXDG(t *testing.T) {
	a := apptest.New(t)
	for want, dir := range map[string]func() (string, error){
		"/home/anna/.local/share/humanconnect": app.DataDir(a.App),
		"/home/anna/.config/humanconnect":      app.ConfigDir(a.App),
	} {
		if got, err := dir(); err != nil || got != want {
			t.Errorf("%q, %v; want %q", got, err, want)
		}
		for _, home := range []string{"", "home"} {
			a.Vars["HOME"] = home
			if _, err := dir(); problem.CodeOf(err) != "no_home" {
				t.Errorf("with HOME=%q: %v", home, err)
			}
		}
		a.Vars["HOME"] = "/home/anna"
	}
}

func TestNoPromptsInCI(t *testing.T) {
	for _, tt := range []struct {
		ci      string
		noInput bool
		want    bool
	}{
		{"", false, false},
		{"", true, true},
		{"true", false, true},
		{"1", false, true},
		{"yes", false, true},
		{"false", false, false},
		{"0", false, false},
		{"False", false, false},
	} {
		a := apptest.New(t)
		a.Vars["CI"], a.NoInput = tt.ci, tt.noInput
		if got := a.NonInteractive(); got != tt.want {
			t.Errorf("Unattended() = %v with %+v", got, tt)
		}
	}
}

// TestOptionalPlacesAreOptional: with config and state named, nobody needs a home.
func TestOptionalPlacesAreOptional(t *testing.T) {
	for name, home := range map[string]string{"unset": "", "relative": "home", "a file": "/dev/null", "missing": "/nonexistent"} {
		a := apptest.New(t)
		a.Vars["HOME"] = home
		a.Overrides, a.ConfigPath = map[string]string{"store.path": t.TempDir()}, "none"
		a.Executable = func() (string, error) { return os.Args[0], nil }
		inst, err := a.Prepare()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		inst.Close()
	}
}

func TestADirectoryThatIsClosedIsNotLookedInto(t *testing.T) {
	closed := t.TempDir()
	inside := filepath.Join(closed, "providers")
	if err := errors.Join(os.Mkdir(inside, 0o700), os.Chmod(closed, 0)); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.Chmod(closed, 0o700) }()
	want := ""
	if os.Geteuid() == 0 {
		want = inside // nothing is closed to root
	}
	if got := app.Reachable(inside); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
