package plugins_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/plugins"
)

// Each change of a provider or a definition leaves a file behind; they do not add up.
func TestOldFilesOfACacheAreRemoved(t *testing.T) {
	dir := t.TempDir()
	for name, age := range map[string]time.Duration{
		"describe-old.json": 31 * 24 * time.Hour, "digest-old.json": 31 * 24 * time.Hour, ".describe-unfinished": 2 * time.Minute,
		"describe-young.json": 29 * 24 * time.Hour, ".describe-begun": 0, "keys-old.json": 365 * 24 * time.Hour,
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, time.Time{}, time.Now().Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	if err := plugins.WritePrivate(filepath.Join(dir, "describe-new.json"), []byte("{}")); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, e := range entries {
		left = append(left, e.Name())
	}
	if want := []string{".describe-begun", "describe-new.json", "describe-young.json", "keys-old.json"}; !slices.Equal(left, want) {
		t.Errorf("left are %q, want %q", left, want)
	}
}

// A module that a script imports may have changed, which its digest does not tell: a provider in development is asked each time.
func TestProviderInDevelopmentIsNotTakenFromTheCache(t *testing.T) {
	s := newStage(t)
	module := filepath.Join(t.TempDir(), "sources")
	spec := s.script(t, "#!/bin/sh\nexec "+s.self+" act:provider "+s.marker+" $(cat "+module+")")
	cache := t.TempDir()
	if err := os.Chmod(cache, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, also := range []string{"one", "two"} {
		if err := os.WriteFile(module, []byte("also="+also), 0o600); err != nil {
			t.Fatal(err)
		}
		d, err := s.host(plugins.Options{Specs: []plugins.Spec{spec}, CacheDir: cache}).DescribeCached(t.Context(), "test")
		if err != nil || d.Sources[1].ID != also {
			t.Errorf("%+v, %v", d, err)
		}
	}
	if files, _ := filepath.Glob(filepath.Join(cache, "describe-*")); len(files) > 0 {
		t.Errorf("cached: %q", files)
	}
}
