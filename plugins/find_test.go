package plugins_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/humanconnect/humanconnect/plugins"
)

// installation is a machine with a core, a user's directory and locks.
type installation struct {
	t                        *testing.T
	core, libexec, user, cfg string
}

func newInstallation(t *testing.T) *installation {
	t.Helper()
	root := t.TempDir()
	i := &installation{
		t: t, core: filepath.Join(root, "bin"), libexec: filepath.Join(root, "libexec", "humanconnect"),
		user: filepath.Join(root, "providers"), cfg: filepath.Join(root, "config"),
	}
	for _, dir := range []string{i.core, i.libexec, i.user, i.cfg} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return i
}

func (i *installation) add(dir, name string) string {
	i.t.Helper()
	path := filepath.Join(dir, plugins.Prefix+name)
	if err := os.WriteFile(path, []byte(path), 0o755); err != nil {
		i.t.Fatal(err)
	}
	return path
}

func (i *installation) options() plugins.FindOptions {
	return plugins.FindOptions{UserDir: i.user, CoreDir: i.core, UserLock: filepath.Join(i.cfg, plugins.LockName)}
}

func (i *installation) lock(dir string, pins map[string]string) {
	i.t.Helper()
	lock := &plugins.Lock{}
	for name, digest := range pins {
		lock.Set(name, digest)
	}
	if err := plugins.WriteLock(filepath.Join(dir, plugins.LockName), lock); err != nil {
		i.t.Fatal(err)
	}
}

func (i *installation) find(o plugins.FindOptions) (map[string]plugins.Spec, string) {
	i.t.Helper()
	specs, warnings, err := plugins.Find(o)
	if err != nil {
		i.t.Fatal(explain(err))
	}
	found := map[string]plugins.Spec{}
	for _, s := range specs {
		found[s.Name] = s
	}
	var codes []string
	for _, w := range warnings {
		codes = append(codes, w.Code+" "+w.Provider)
	}
	return found, strings.Join(codes, ", ")
}

func TestFirstPlaceOfDiscoveryWins(t *testing.T) {
	i := newInstallation(t)
	user, core := i.add(i.user, "b"), i.add(i.core, "c")
	libexec := i.add(i.libexec, "d")
	for _, dir := range []string{i.user, i.core, i.libexec} {
		i.add(dir, "a")
	}
	i.add(i.core, "b")
	i.add(i.libexec, "c")
	for _, no := range []string{"Upper", "a_b", "x.bak", ""} {
		i.add(i.user, no)
	}
	if err := os.Mkdir(filepath.Join(i.user, plugins.Prefix+"dir"), 0o755); err != nil {
		t.Fatal(err)
	}
	o := i.options()
	o.Configured = []plugins.Spec{{Name: "a", Command: []string{"/opt/a", "-x"}}}
	got, _ := i.find(o)
	want := map[string]plugins.Spec{
		"a": {Name: "a", Command: []string{"/opt/a", "-x"}, Origin: plugins.OriginConfig},
		"b": {Name: "b", Command: []string{user}, Origin: plugins.OriginUser},
		"c": {Name: "c", Command: []string{core}, Origin: plugins.OriginRelease},
		"d": {Name: "d", Command: []string{libexec}, Origin: plugins.OriginRelease},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestPathAndWorkingDirectoryAreNeverSearched(t *testing.T) {
	i := newInstallation(t)
	i.add(i.core, "a")
	t.Chdir(i.core)
	t.Setenv("PATH", i.core)
	got, _ := i.find(plugins.FindOptions{UserDir: ".", CoreDir: "."})
	if len(got) != 0 {
		t.Errorf("found %v", got)
	}
	_, _, err := plugins.Find(plugins.FindOptions{
		Configured: []plugins.Spec{{Name: "a", Command: []string{plugins.Prefix + "a"}}},
	})
	if e := failure(t, err); e.Code() != plugins.CodeUntrustedFile {
		t.Error(explain(err))
	}
}

func TestPinsComeFromConfigThenReleaseThenUser(t *testing.T) {
	one, two, three := strings.Repeat("1", 64), strings.Repeat("2", 64), strings.Repeat("3", 64)
	i := newInstallation(t)
	for _, name := range []string{"config", "release", "user", "none"} {
		i.add(i.user, name)
	}
	i.lock(i.core, map[string]string{"config": two, "release": two})
	i.lock(i.cfg, map[string]string{"config": two, "release": three, "user": three})
	o := i.options()
	o.Configured = []plugins.Spec{{Name: "config", SHA256: one}, {Name: "none", Dev: true}, {Name: "absent"}}
	got, warned := i.find(o)
	for name, want := range map[string]plugins.Spec{
		"config":  {SHA256: one, Pinned: plugins.OriginConfig},
		"release": {SHA256: two, Pinned: plugins.OriginRelease},
		"user":    {SHA256: three, Pinned: plugins.OriginUser},
		"none":    {Dev: true},
	} {
		if s := got[name]; s.SHA256 != want.SHA256 || s.Pinned != want.Pinned || s.Dev != want.Dev {
			t.Errorf("%s: %+v", name, s)
		}
	}
	if want := "provider_lock_ignored release, provider_dev none, provider_missing absent"; warned != want {
		t.Errorf("warnings %q, want %q", warned, want)
	}
}

func TestBadLockIsRefused(t *testing.T) {
	good := strings.Repeat("a", 64)
	for name, text := range map[string]string{
		"empty":       ``,
		"version":     `{"version":2,"providers":[]}`,
		"unknown key": `{"version":1,"providers":[],"more":1}`,
		"twice":       `{"version":1,"providers":[{"name":"a","sha256":"` + good + `"},{"name":"a","sha256":"` + good + `"}]}`,
		"digest":      `{"version":1,"providers":[{"name":"a","sha256":"AA"}]}`,
		"name":        `{"version":1,"providers":[{"name":"../a","sha256":"` + good + `"}]}`,
		"two":         `{"version":1,"providers":[]}{}`,
		"source":      `{"version":1,"providers":[{"name":"a","sha256":"` + good + `","sources":["../x"]}]}`,
		"same source": `{"version":1,"providers":[{"name":"a","sha256":"` + good + `","sources":["x","x"]}]}`,
		"claim":       `{"version":1,"providers":[],"claims":[{"name":"a","sha256":"` + good + `","sources":["../x"]}]}`,
	} {
		if _, err := plugins.ParseLock([]byte(text)); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	path := filepath.Join(t.TempDir(), plugins.LockName)
	if _, err := plugins.ReadLock(path, plugins.OriginUser); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing lock is %v", err)
	}
	if err := os.WriteFile(path, []byte(`{"version":1,"providers":[]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	_, err := plugins.ReadLock(path, plugins.OriginUser)
	if e := failure(t, err); e.Code() != plugins.CodeUntrustedFile {
		t.Error(explain(err))
	}
}

func TestLockDirectoryPinsEveryProviderInIt(t *testing.T) {
	i := newInstallation(t)
	a := i.add(i.core, "a")
	i.add(i.core, "b")
	if err := os.WriteFile(filepath.Join(i.core, "humanconnect"), nil, 0o755); err != nil {
		t.Fatal(err)
	}
	lock, pins, err := plugins.LockDirectory(t.Context(), plugins.Options{}, i.core)
	if err != nil {
		t.Fatal(err)
	}
	if len(lock.Providers) != 2 || lock.Pin("a") != digest(t, a) || len(pins) != 2 {
		t.Errorf("%+v", lock)
	}
	path := filepath.Join(i.core, plugins.LockName)
	if err := plugins.WriteLock(path, lock); err != nil {
		t.Fatal(err)
	}
	again, err := plugins.ReadLock(path, plugins.OriginRelease)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(lock, again); diff != "" {
		t.Error(diff)
	}
	if !again.Remove("a") || again.Remove("a") || again.Pin("a") != "" {
		t.Error("remove")
	}
}
