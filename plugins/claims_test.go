package plugins_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/plugins"
)

func TestDescriptionWithMoreThanThePinIsRefusedUntilItIsPinnedAgain(t *testing.T) {
	for name, c := range map[string]struct {
		pinned, recorded plugins.Origin
		hint             string
	}{
		"user":                      {plugins.OriginUser, plugins.OriginUser, "humanconnect provider lock test"},
		"config":                    {plugins.OriginConfig, plugins.OriginUser, "humanconnect provider lock test"},
		"release":                   {plugins.OriginRelease, plugins.OriginRelease, "humanconnect provider lock --dir /opt/bin"},
		"release of an older build": {plugins.OriginRelease, plugins.OriginUser, "humanconnect provider lock test"},
	} {
		t.Run(name, func(t *testing.T) {
			s, cache := newStage(t), t.TempDir()
			spec := s.claiming("provider", "also=more")
			spec.Sources = []string{"instant", "more", "never"}
			wide := s.host(plugins.Options{Specs: []plugins.Spec{spec}, CacheDir: cache})
			if _, err := wide.DescribeCached(t.Context(), "test"); err != nil {
				t.Fatalf("one with fewer is refused: %s", explain(err))
			}
			spec.Sources, spec.Pinned, spec.Recorded, spec.Lock = []string{"instant"}, c.pinned, c.recorded, "/opt/bin/"+plugins.LockName
			h := s.host(plugins.Options{Specs: []plugins.Spec{spec}, CacheDir: cache})
			_, errLive := h.Describe(t.Context(), "test")
			_, errCached := h.DescribeCached(t.Context(), "test")
			for _, err := range []error{errLive, errCached} {
				e := failure(t, err)
				if e.Code() != plugins.CodeClaims || !slices.Equal(e.Facts(), []string{"not in the pin: more"}) || !strings.Contains(strings.Join(e.Hints(), "\n"), c.hint) {
					t.Error(explain(err))
				}
			}
			if ids, known := h.Claims("test"); !known || !slices.Equal(ids, []string{"instant"}) {
				t.Errorf("it claims %q, %t", ids, known)
			}
		})
	}
}

// old is an installation whose pins were written without sources: of the user's lock, and of another place.
func old(t *testing.T, s *stage, pinned plugins.Origin) (*installation, plugins.Spec) {
	t.Helper()
	i, spec := newInstallation(t), s.claiming("provider")
	spec.Sources, spec.Recorded, spec.Pinned = nil, "", pinned
	if pinned == plugins.OriginUser {
		i.lock(i.cfg, map[string]string{"test": spec.SHA256})
	}
	return i, spec
}

// recorded are the sources in the user's lock, nil if there are none.
func (i *installation) recorded(name, digest string) []string {
	i.t.Helper()
	lock, err := plugins.ReadLock(i.userLock(), plugins.OriginUser)
	if err != nil {
		i.t.Fatal(explain(err))
	}
	return lock.Recorded(name, digest)
}

func TestPinWithoutSourcesIsCompletedOnce(t *testing.T) {
	for _, pinned := range []plugins.Origin{plugins.OriginUser, plugins.OriginRelease, plugins.OriginConfig} {
		t.Run(string(pinned), func(t *testing.T) {
			s := newStage(t)
			i, spec := old(t, s, pinned)
			h := s.host(plugins.Options{Specs: []plugins.Spec{spec}, UserLock: i.userLock(), CacheDir: t.TempDir()})
			if _, known := h.Claims("test"); known {
				t.Error("its claims are known before it was asked")
			}
			if _, err := h.DescribeCached(t.Context(), "test"); err != nil {
				t.Fatal(explain(err))
			}
			if ids, known := h.Claims("test"); !known || !slices.Equal(ids, []string{"instant"}) {
				t.Errorf("it claims %q, %t", ids, known)
			}
			if got := i.recorded("test", spec.SHA256); !slices.Equal(got, []string{"instant"}) {
				t.Errorf("recorded: %q", got)
			}
			if got := i.pins()["test"]; got != "" != (pinned == plugins.OriginUser) {
				t.Errorf("what completes a pin elsewhere became one: %q", got)
			}
			// From now on it is a part of the pin, also for a process that has found the lock before.
			spec.Command = append(spec.Command, "also=more")
			late := s.host(plugins.Options{Specs: []plugins.Spec{spec}, UserLock: i.userLock()})
			_, err := late.Describe(t.Context(), "test")
			if e := failure(t, err); e.Code() != plugins.CodeClaims {
				t.Error(explain(err))
			}
			if got := i.recorded("test", spec.SHA256); !slices.Equal(got, []string{"instant"}) {
				t.Errorf("recorded again: %q", got)
			}
		})
	}
}

// TestPinIsCompletedByTheProviderAndNotByTheCache: what is cached may be older than the question whose a source is.
func TestPinIsCompletedByTheProviderAndNotByTheCache(t *testing.T) {
	s, cache := newStage(t), t.TempDir()
	h := s.host(plugins.Options{Specs: []plugins.Spec{s.claiming("provider")}, CacheDir: cache})
	if _, err := h.DescribeCached(t.Context(), "test"); err != nil {
		t.Fatal(explain(err))
	}
	files, _ := filepath.Glob(filepath.Join(cache, "describe-*.json"))
	if err := os.WriteFile(files[0], []byte(`{"Name":"test","Sources":[{"ID":"forged"}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	_, spec := old(t, s, plugins.OriginConfig)
	second := s.host(plugins.Options{Specs: []plugins.Spec{spec}, CacheDir: cache})
	d, err := second.DescribeCached(t.Context(), "test")
	if err != nil || d.Sources[0].ID != "instant" {
		t.Errorf("%+v, %v", d, err)
	}
	if ids, _ := second.Claims("test"); !slices.Equal(ids, []string{"instant"}) {
		t.Errorf("it claims %q", ids)
	}
}

func TestLockThatCannotBeWrittenIsCompletedByEachCommand(t *testing.T) {
	s := newStage(t)
	_, spec := old(t, s, plugins.OriginRelease)
	blocked := filepath.Join(t.TempDir(), "file")
	write(t, blocked, "")
	h := s.host(plugins.Options{Specs: []plugins.Spec{spec}, UserLock: filepath.Join(blocked, plugins.LockName)})
	if _, err := h.Describe(t.Context(), "test"); err != nil {
		t.Error(explain(err))
	}
	if ids, known := h.Claims("test"); !known || !slices.Equal(ids, []string{"instant"}) {
		t.Errorf("it claims %q, %t", ids, known)
	}
}

// A listing says what is wrong with a provider that did not answer when it was pinned.
func TestProviderPinnedWithoutAnySourceIsAskedByAListing(t *testing.T) {
	s, cache := newStage(t), t.TempDir()
	spec := s.claiming("provider")
	if _, err := s.host(plugins.Options{Specs: []plugins.Spec{spec}, CacheDir: cache}).DescribeCached(t.Context(), "test"); err != nil {
		t.Fatal(explain(err))
	}
	for act, want := range map[string]problem.Code{"provider": plugins.CodeClaims, "refuses": plugins.CodeNotAPlugin} {
		spec := s.claiming(act)
		spec.Sources = []string{}
		h := s.host(plugins.Options{Specs: []plugins.Spec{spec}, CacheDir: cache})
		if ids, known := h.Claims("test"); !known || len(ids) != 0 {
			t.Errorf("it claims %q, %t", ids, known)
		}
		_, err := h.DescribeCached(t.Context(), "test")
		if e := failure(t, err); e.Code() != want {
			t.Error(explain(err))
		}
	}
}

func TestPinningRecordsTheSources(t *testing.T) {
	s := newStage(t)
	for name, c := range map[string]struct {
		act     string
		pinned  plugins.Origin
		sha256  string // "" for that of the file
		names   []string
		made    bool
		sources []string
		pin     bool
	}{
		"of the user's lock":               {act: "provider", names: []string{"test"}, made: true, sources: []string{"instant"}, pin: true},
		"of all without them":              {act: "provider", pinned: plugins.OriginUser, made: true, sources: []string{"instant"}, pin: true},
		"not of a file that has changed":   {act: "provider", pinned: plugins.OriginUser, sha256: strings.Repeat("1", 64)},
		"beside a pin of the config":       {act: "provider", pinned: plugins.OriginConfig, names: []string{"test"}, made: true, sources: []string{"instant"}},
		"beside a pin of an older release": {act: "provider", pinned: plugins.OriginRelease, names: []string{"test"}, made: true, sources: []string{"instant"}},
		"of one that does not start":       {act: "refuses", names: []string{"test"}, made: true, sources: []string{}, pin: true},
	} {
		t.Run(name, func(t *testing.T) {
			i, spec := newInstallation(t), s.claiming(c.act)
			spec.Sources, spec.Recorded, spec.Pinned = nil, "", c.pinned
			if c.sha256 != "" {
				spec.SHA256 = c.sha256
			}
			i.lock(i.cfg, nil)
			pins, err := plugins.PinUser(t.Context(), plugins.Options{Specs: []plugins.Spec{spec}}, i.userLock(), c.names)
			if err != nil {
				t.Fatal(explain(err))
			}
			if made := len(pins) == 1; made != c.made || made && (pins[0].Problem != nil) != (c.act == "refuses") {
				t.Fatalf("%+v", pins)
			}
			if diff := cmp.Diff(c.sources, i.recorded("test", digest(t, s.self))); diff != "" {
				t.Error(diff)
			}
			if got := i.pins()["test"]; got != "" != c.pin {
				t.Errorf("the pin is %q", got)
			}
		})
	}
}

func TestLockOfADirectoryHasTheSourcesOfWhatRuns(t *testing.T) {
	s, i := newStage(t), newInstallation(t)
	for name, act := range map[string]string{"test": "provider", "broken": "refuses"} {
		write(t, i.add(i.core, name), fmt.Sprintf("#!/bin/sh\nexec %s %s%s %s\n", s.self, actPrefix, act, s.marker))
	}
	lock, pins, err := plugins.LockDirectory(t.Context(), plugins.Options{}, i.core)
	if err != nil {
		t.Fatal(explain(err))
	}
	for _, e := range lock.Providers {
		if want := e.Name == "test"; (e.Sources != nil) != want || want && !slices.Equal(e.Sources, []string{"instant"}) {
			t.Errorf("%+v", e)
		}
	}
	for _, p := range pins {
		if (p.Problem == nil) != (p.Name == "test") {
			t.Errorf("%s: %v", p.Name, p.Problem)
		}
	}
}

func TestLockWithoutSourcesIsReadAndTellsThemFromNone(t *testing.T) {
	digest := strings.Repeat("a", 64)
	lock, err := plugins.ParseLock([]byte(`{"version":1,"providers":[{"name":"old","sha256":"` + digest +
		`"},{"name":"none","sha256":"` + digest + `","sources":[]},{"name":"one","sha256":"` + digest + `","sources":["x"]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]string{"old": nil, "none": {}, "one": {"x"}} {
		if diff := cmp.Diff(want, lock.Recorded(name, digest)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if got := lock.Recorded("one", strings.Repeat("b", 64)); got != nil {
		t.Errorf("another executable has %q", got)
	}
	path := filepath.Join(t.TempDir(), plugins.LockName)
	if err := plugins.WriteLock(path, lock); err != nil {
		t.Fatal(err)
	}
	again, err := plugins.ReadLock(path, plugins.OriginUser)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(lock, again); diff != "" {
		t.Error(diff)
	}
}

func TestClaimsOfAPinAreFoundWhereTheyAreRecorded(t *testing.T) {
	i := newInstallation(t)
	digest := strings.Repeat("a", 64)
	for _, name := range []string{"config", "release", "older", "user", "bare", "dev"} {
		i.add(i.user, name)
	}
	release, user := &plugins.Lock{}, &plugins.Lock{}
	for _, name := range []string{"release", "older"} {
		release.Set(name, digest)
	}
	release.Record("release", digest, []string{"of-release"})
	for _, name := range []string{"user", "bare"} {
		user.Set(name, digest)
	}
	for _, name := range []string{"config", "release", "older", "user", "dev"} {
		user.Record(name, digest, []string{"of-user"})
	}
	for dir, lock := range map[string]*plugins.Lock{i.core: release, i.cfg: user} {
		if err := plugins.WriteLock(filepath.Join(dir, plugins.LockName), lock); err != nil {
			t.Fatal(err)
		}
	}
	o := i.options()
	o.Configured = []plugins.Spec{{Name: "config", SHA256: digest}, {Name: "dev", Dev: true}}
	found, _ := i.find(o)
	for name, want := range map[string]struct {
		sources  []string
		recorded plugins.Origin
	}{
		"config": {[]string{"of-user"}, plugins.OriginUser}, "release": {[]string{"of-release"}, plugins.OriginRelease},
		"older": {[]string{"of-user"}, plugins.OriginUser}, "user": {[]string{"of-user"}, plugins.OriginUser}, "bare": {}, "dev": {},
	} {
		if s := found[name]; !slices.Equal(s.Sources, want.sources) || s.Recorded != want.recorded {
			t.Errorf("%s: %q in the lock of %q", name, s.Sources, s.Recorded)
		}
	}
	o.Configured[0].SHA256 = strings.Repeat("b", 64)
	if found, _ = i.find(o); found["config"].Sources != nil {
		t.Errorf("another executable claims %q", found["config"].Sources)
	}
}
