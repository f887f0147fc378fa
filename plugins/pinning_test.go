package plugins_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/humanconnect/humanconnect/plugins"
)

// pinned is an installation with a provider for each place that a pin may have.
func pinned(t *testing.T) (i *installation, specs []plugins.Spec) {
	t.Helper()
	i = newInstallation(t)
	old := strings.Repeat("1", 64)
	for _, name := range []string{"config", "dev", "none", "release", "user"} {
		i.add(i.user, name)
	}
	i.lock(i.core, map[string]string{"release": old})
	i.lock(i.cfg, map[string]string{"user": old})
	o := i.options()
	o.Configured = []plugins.Spec{{Name: "config", SHA256: old}, {Name: "dev", Dev: true}}
	specs, _, err := plugins.Find(o)
	if err != nil {
		t.Fatal(explain(err))
	}
	return i, specs
}

func (i *installation) userLock() string { return filepath.Join(i.cfg, plugins.LockName) }

// pins are those of the user's lock, by name.
func (i *installation) pins() map[string]string {
	i.t.Helper()
	lock, err := plugins.ReadLock(i.userLock(), plugins.OriginUser)
	if err != nil {
		i.t.Fatal(explain(err))
	}
	pins := map[string]string{}
	for _, e := range lock.Providers {
		pins[e.Name] = e.SHA256
	}
	return pins
}

func (i *installation) digest(name string) string {
	i.t.Helper()
	digest, err := plugins.Digest(filepath.Join(i.user, plugins.Prefix+name))
	if err != nil {
		i.t.Fatal(err)
	}
	return digest
}

func TestUserPinsByTheFileAsItIsNow(t *testing.T) {
	for name, c := range map[string]struct{ names, want []string }{
		"those that are named":     {[]string{"user", "none"}, []string{"user", "none"}},
		"all that have no pin":     {nil, []string{"none"}},
		"one that is run unpinned": {[]string{"dev"}, []string{"dev"}},
	} {
		t.Run(name, func(t *testing.T) {
			i, specs := pinned(t)
			before := i.pins()
			made, err := plugins.PinUser(t.Context(), plugins.Options{Specs: specs}, i.userLock(), c.names)
			if err != nil {
				t.Fatal(explain(err))
			}
			var got []string
			for _, p := range made {
				got = append(got, p.Name)
				before[p.Name] = i.digest(p.Name)
				if p.SHA256 != i.digest(p.Name) {
					t.Errorf("%s is pinned as %s", p.Name, p.SHA256)
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("pinned %v", got)
			}
			for name, pin := range i.pins() {
				if before[name] != pin {
					t.Errorf("the lock has %s for %s", pin, name)
				}
				delete(before, name)
			}
			if len(before) > 0 {
				t.Errorf("the lock lacks %v", before)
			}
		})
	}
}

func TestPinThatOverridesTheUsersIsNotPinnedBeside(t *testing.T) {
	i, specs := pinned(t)
	before := i.pins()
	for name, want := range map[string]string{
		"config": string(plugins.CodeConfigPin), "release": string(plugins.CodeReleasePin), "absent": string(plugins.CodeUnknown), "../x": string(plugins.CodeUnknown),
	} {
		_, err := plugins.PinUser(t.Context(), plugins.Options{Specs: specs}, i.userLock(), []string{"none", name})
		e := failure(t, err)
		if string(e.Code()) != want {
			t.Errorf("%s: %s", name, explain(err))
		}
		if strings.Contains(explain(err), "../x") {
			t.Errorf("what is no name is repeated: %s", explain(err))
		}
		if hints := strings.Join(e.Hints(), " "); name == "config" && !strings.Contains(hints, i.digest("config")) {
			t.Errorf("the hint does not say what to write: %s", hints)
		}
	}
	if after := i.pins(); len(after) != len(before) || after["none"] != "" {
		t.Errorf("a refused call pinned %v", after)
	}
}

func TestNothingToPinWritesNoLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), plugins.LockName)
	if pins, err := plugins.PinUser(t.Context(), plugins.Options{}, path, nil); err != nil || len(pins) != 0 {
		t.Errorf("%v, %v", pins, err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("there is a lock: %v", err)
	}
}

func TestFileThatCannotBeReadIsNotPinned(t *testing.T) {
	i, specs := pinned(t)
	if err := os.Remove(filepath.Join(i.user, plugins.Prefix+"none")); err != nil {
		t.Fatal(err)
	}
	if _, err := plugins.PinUser(t.Context(), plugins.Options{Specs: specs}, i.userLock(), []string{"user", "none"}); err == nil {
		t.Error("it was pinned")
	}
	if got := i.pins()["user"]; got != strings.Repeat("1", 64) {
		t.Errorf("another one was pinned meanwhile: %s", got)
	}
}
