package cli_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/app/apptest"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/cli"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/exit"
)

// shown returns what config show says of a key, with where it comes from.
func shown(t *testing.T, a *apptest.App, key string) string {
	t.Helper()
	a.IO.Args = append(a.IO.Args, "config", "show", "-o", "json")
	if code := cli.Run(a.App); code != exit.OK {
		return a.Err.String()
	}
	var entries []struct{ ID, Value, Origin string }
	if err := json.Unmarshal(a.Out.Bytes(), &entries); err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.ID == key {
			return e.Value + " from " + e.Origin
		}
	}
	return "nothing"
}

func TestStateDirFollowsFlagThenVariableThenXDG(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		args []string
		vars map[string]string
		want string
	}{
		{"default", nil, nil, "/home/anna/.local/state/humanconnect from default"},
		{"xdg", nil, map[string]string{"XDG_STATE_HOME": "/s"}, "/s/humanconnect from default"},
		{"a relative xdg is ignored", nil, map[string]string{"XDG_STATE_HOME": "s"}, "/home/anna/.local/state/humanconnect from default"},
		{"variable", nil, map[string]string{"XDG_STATE_HOME": "/s", "HUMANCONNECT_STATE_DIR": "/v"}, "/v from env HUMANCONNECT_STATE_DIR"},
		{"flag", []string{"--state-dir", "f/../g"}, map[string]string{"HUMANCONNECT_STATE_DIR": "/v"}, here + "/g from flag"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := apptest.New(t, tt.args...)
			maps.Copy(a.Vars, tt.vars)
			if got := shown(t, a, "stateDir"); got != tt.want {
				t.Errorf("stateDir is %s, want %s", got, tt.want)
			}
		})
	}
}

// TestFlagThatWasNotGivenOverridesNothing: what a flag would be by default is not what the config says.
func TestFlagThatWasNotGivenOverridesNothing(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(file, []byte("version: 1\nclientId: file\ntoken: {ttl: 5m}\nstore: {path: state}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args   []string
		client string
		ttl    int
	}{
		{nil, "file", 300},
		{[]string{"--ttl", "1h"}, "file", 3600},
		{[]string{"--client-id", "flag", "--ttl", "10m"}, "flag", 600},
	} {
		a := apptest.New(t, append([]string{"--config", file, "token", "create", "-o", "json", "--client-user-id", "ada"}, tt.args...)...)
		a.UID, a.Executable = os.Getuid(), os.Executable
		a.Vars["HOME"] = dir
		a.Getwd = os.Getwd
		if code := cli.Run(a.App); code != exit.OK {
			t.Fatalf("%v: %d %s", tt.args, code, a.Err.String())
		}
		var made struct {
			SessionToken string `json:"session_token"`
			ExpiresIn    int    `json:"expires_in"`
		}
		if err := json.Unmarshal(a.Out.Bytes(), &made); err != nil || made.ExpiresIn != tt.ttl {
			t.Errorf("%v: %v %+v", tt.args, err, made)
		}
		a.IO.Args = []string{"--config", file, "token", "inspect", made.SessionToken}
		a.Out.Reset()
		if code := cli.Run(a.App); code != exit.OK || !strings.Contains(a.Out.String(), tt.client) {
			t.Errorf("%v: %d %s", tt.args, code, a.Out.String())
		}
	}
}

func TestEmptyOrInvalidFlagIsRefused(t *testing.T) {
	for args, want := range map[string]string{
		"--config= config show":                          "--config: is empty",
		"--state-dir= config show":                       "--state-dir: is empty",
		"--state-dir=~/x config show":                    "--state-dir: \"~/x\": ~ is not expanded here; write the path out",
		"open --plan=":                                   "--plan: is empty",
		"token create --client-user-id a --client-id=":   "--client-id: is empty",
		"token create --client-user-id a --ttl=-5s":      "--ttl: \"-5s\" is not longer than nothing",
		"token create --client-user-id a --ttl=10ms":     "--ttl: \"10ms\" is shorter than the least, 1s",
		"token create --client-user-id a --ttl=9999h":    "--ttl: \"9999h0m0s\" is longer than the most, 8760h0m0s",
		"connection list --client-user-id a --client-id": "--client-id needs a value",
	} {
		a := apptest.New(t, strings.Fields(args)...)
		if code := cli.Run(a.App); code != exit.Usage || !strings.Contains(a.Err.String(), "error: "+want+" [usage]") {
			t.Errorf("%s: %d %s", args, code, a.Err.String())
		}
	}
}

func TestInterruptedCommandEndsWithTheSignalsCode(t *testing.T) {
	a := apptest.New(t, "source", "list")
	a.Vars["HOME"], a.UID, a.Executable = t.TempDir(), os.Getuid(), os.Executable
	a.Signals.Interrupt()
	<-a.Signals.Closing().Done()
	if got := cli.Run(a.App); got != exit.Interrupted {
		t.Errorf("exit code %d, want %d", got, exit.Interrupted)
	}
	if a.Err.Len() > 0 {
		t.Errorf("somebody who sent the signal reads %q", a.Err.String())
	}
}
