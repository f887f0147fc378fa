package plugins_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/humanconnect/humanconnect/plugins"
	"github.com/humanconnect/humanconnect/sdk"
)

func TestDescriptionIsCheckedAndCleaned(t *testing.T) {
	s := newStage(t)
	got, err := s.hostOf(s.spec("provider")).Describe(t.Context(), "test")
	if err != nil {
		t.Fatal(explain(err))
	}
	want := &sdk.Description{Name: "test", Version: "1.2.3", Sources: []sdk.Source{{
		ID: "instant", Name: "Instant[2J source", Hosts: []string{"api.example.com"},
	}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWrongDescriptionIsRefused(t *testing.T) {
	for arg, says := range map[string]string{"misnamed": `its name is "other"`, "twice": "duplicate"} {
		s := newStage(t)
		_, err := s.hostOf(s.spec("provider", arg)).Describe(t.Context(), "test")
		if e := failure(t, err); e.Code() != plugins.CodeBadAnswer || !strings.Contains(e.Error(), says) {
			t.Error(explain(err))
		}
	}
}

func TestDescribeIsRepeatedOnceAfterACrash(t *testing.T) {
	s := newStage(t)
	once := filepath.Join(t.TempDir(), "once")
	if err := os.WriteFile(once, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.hostOf(s.spec("provider", "describe-crash-once="+once)).Describe(t.Context(), "test"); err != nil {
		t.Error(explain(err))
	}
	h := s.hostOf(s.spec("provider", "describe-crash"))
	_, err := h.Describe(t.Context(), "test")
	if e := failure(t, err); e.Code() != plugins.CodeCrashed || !strings.Contains(e.Error(), "exit status 9") {
		t.Error(explain(err))
	}
}

func TestCachedDescriptionStartsNoProcess(t *testing.T) {
	s := newStage(t)
	spec, cache := s.claiming("provider"), t.TempDir()
	var started atomic.Int32
	o := plugins.Options{Specs: []plugins.Spec{spec}, CacheDir: cache, Started: func(string, int) { started.Add(1) }}
	live, err := s.host(o).DescribeCached(t.Context(), "test")
	if err != nil {
		t.Fatal(explain(err))
	}
	cached, err := s.host(o).DescribeCached(t.Context(), "test")
	if err != nil {
		t.Fatal(explain(err))
	}
	if n := started.Load(); n != 1 {
		t.Errorf("%d processes were started", n)
	}
	if diff := cmp.Diff(live, cached); diff != "" {
		t.Error(diff)
	}
	// Other arguments may mean another program.
	third := s.host(plugins.Options{Specs: []plugins.Spec{s.claiming("provider", "misnamed")}, CacheDir: cache})
	if _, err := third.DescribeCached(t.Context(), "test"); err == nil {
		t.Error("the cache answers for other arguments")
	}
}

// What a provider under development offers is what it says now: its executable need not be all that it is made of.
func TestProviderWithoutAPinIsNotCached(t *testing.T) {
	s := newStage(t)
	cache := t.TempDir()
	var started atomic.Int32
	for n := range int32(2) {
		h := plugins.New(plugins.Options{
			Specs: []plugins.Spec{s.spec("provider")}, CacheDir: cache, Started: func(string, int) { started.Add(1) },
		})
		if _, known := h.Claims("test"); known {
			t.Error("its claims are known before it was asked")
		}
		if _, err := h.DescribeCached(t.Context(), "test"); err != nil || started.Load() != n+1 {
			t.Errorf("%d processes were started, %v", started.Load(), err)
		}
		if ids, known := h.Claims("test"); !known || !slices.Equal(ids, []string{"instant"}) {
			t.Errorf("it claims %q, %t", ids, known)
		}
		if err := h.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// Another version of humanconnect may have written the cache, or read it next.
func TestCacheIsWrittenAndReadAsTheFirstVersionDid(t *testing.T) {
	const first = `{"Name":"test","Version":"1.2.3","Sources":[{"ID":"instant","Name":"Instant[2J source","Group":"",` +
		`"Ways":["form"],"Fields":null,"Hosts":["api.example.com"],"Capabilities":null,"Settings":null}],"Settings":null}`
	s, cache := newStage(t), t.TempDir()
	h := s.host(plugins.Options{Specs: []plugins.Spec{s.claiming("provider", "form")}, CacheDir: cache})
	live, err := h.DescribeCached(t.Context(), "test")
	if err != nil {
		t.Fatal(explain(err))
	}
	files, _ := filepath.Glob(filepath.Join(cache, "describe-*.json"))
	if len(files) != 1 {
		t.Fatalf("the cache has %q", files)
	}
	if data, err := os.ReadFile(files[0]); err != nil || string(data) != first {
		t.Errorf("the cache has %s (%v), want %s", data, err, first)
	}
	again, err := s.host(plugins.Options{Specs: []plugins.Spec{s.claiming("provider", "form")}, CacheDir: cache}).DescribeCached(t.Context(), "test")
	if diff := cmp.Diff(live, again); diff != "" || err != nil || len(live.Sources[0].Methods) != 1 {
		t.Error(diff, err)
	}
}

// What an interpreter is given decides what it is, and its digest says nothing of that.
func TestCacheIsNotUsedForAChangedScript(t *testing.T) {
	s := newStage(t)
	script := filepath.Join(t.TempDir(), "script")
	write := func(text string) {
		if err := os.WriteFile(script, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cache := t.TempDir()
	describe := func() {
		h := plugins.New(plugins.Options{Specs: []plugins.Spec{s.claiming("provider", script)}, CacheDir: cache})
		if _, err := h.DescribeCached(t.Context(), "test"); err != nil {
			t.Error(explain(err))
		}
		if err := h.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
	for n, text := range []string{"first", "second one"} {
		write(text)
		describe()
		if files, _ := filepath.Glob(filepath.Join(cache, "describe-*.json")); len(files) != n+1 {
			t.Errorf("%q: the cache has %q", text, files)
		}
	}
}

func TestCacheIsNeverUsedForAnUnpinnedProvider(t *testing.T) {
	s := newStage(t)
	cache := t.TempDir()
	before := s.host(plugins.Options{Specs: []plugins.Spec{s.claiming("provider")}, CacheDir: cache})
	if _, err := before.DescribeCached(t.Context(), "test"); err != nil {
		t.Fatal(explain(err))
	}
	h := s.host(plugins.Options{Specs: []plugins.Spec{s.pinned("provider", "")}, CacheDir: cache})
	_, err := h.DescribeCached(t.Context(), "test")
	if e := failure(t, err); e.Code() != plugins.CodeUnpinned {
		t.Error(explain(err))
	}
	if ids, known := h.Claims("test"); !known || len(ids) != 0 {
		t.Errorf("it claims %q, %t", ids, known)
	}
}

func TestUnfinishedFilesOfKilledProcessesAreSweptFromTheCache(t *testing.T) {
	s := newStage(t)
	cache := t.TempDir()
	files := map[string]time.Duration{".describe-1.json.1": time.Hour, ".jwks-2": time.Hour, ".describe-1.json.3": 0, "other": time.Hour}
	for name, age := range files {
		path, then := filepath.Join(cache, name), time.Now().Add(-age)
		if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Chtimes(path, then, then)); err != nil {
			t.Fatal(err)
		}
	}
	h := s.host(plugins.Options{Specs: []plugins.Spec{s.claiming("provider")}, CacheDir: cache})
	if _, err := h.DescribeCached(t.Context(), "test"); err != nil {
		t.Fatal(explain(err))
	}
	for name, age := range files {
		_, err := os.Stat(filepath.Join(cache, name))
		if gone := errors.Is(err, fs.ErrNotExist); gone != (age > 0 && name != "other") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Where the state is decides whether a cache may be: nobody else makes its directory.
func TestCacheIsNotMadeWhereThereIsNoStateDirectory(t *testing.T) {
	s := newStage(t)
	state := filepath.Join(t.TempDir(), "state")
	h := s.host(plugins.Options{Specs: []plugins.Spec{s.claiming("provider")}, CacheDir: filepath.Join(state, "cache")})
	if _, err := h.DescribeCached(t.Context(), "test"); err != nil {
		t.Fatal(explain(err))
	}
	if _, err := os.Stat(state); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the state directory: %v", err)
	}
}

func TestBrokenCacheDoesNoHarm(t *testing.T) {
	s := newStage(t)
	cache := t.TempDir()
	h := s.host(plugins.Options{Specs: []plugins.Spec{s.claiming("provider")}, CacheDir: cache})
	if _, err := h.DescribeCached(t.Context(), "test"); err != nil {
		t.Fatal(explain(err))
	}
	files, _ := filepath.Glob(filepath.Join(cache, "*"))
	if len(files) == 0 {
		t.Fatal("nothing is cached")
	}
	for _, file := range files {
		if err := os.WriteFile(file, []byte(`{"Name":"test","Sources":[{"ID":"../x"}]}`), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d, err := h.DescribeCached(t.Context(), "test")
	if err != nil || d.Sources[0].ID != "instant" {
		t.Errorf("%v %v", d, err)
	}
}

// claiming is a provider that plays an act, pinned with the source that it offers.
func (s *stage) claiming(actName string, args ...string) plugins.Spec {
	s.t.Helper()
	spec := s.spec(actName, args...)
	spec.Dev, spec.SHA256, spec.Pinned, spec.Recorded = false, digest(s.t, s.self), plugins.OriginUser, plugins.OriginUser
	spec.Sources = []string{"instant"}
	return spec
}

func digest(t *testing.T, path string) string {
	t.Helper()
	d, err := plugins.Digest(path)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
