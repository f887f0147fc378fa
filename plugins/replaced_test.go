package plugins_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/plugins"
)

// overwritten is a run whose provider is overwritten in place after it began, as cp does, by another one that plays an act, so that
// what it holds open is of no use. fresh is how a new command finds that one.
func overwritten(t *testing.T, actName string, change func(path string, fresh *plugins.Spec)) *plugins.Host {
	t.Helper()
	s := newStage(t)
	program, err := os.ReadFile(s.self)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), plugins.Prefix+"test")
	put := func(more string) string {
		if err := os.WriteFile(path, append(slices.Clone(program), more...), 0o755); err != nil {
			t.Fatal(err)
		}
		return digest(t, path)
	}
	spec := s.spec("provider")
	spec.Dev, spec.Command[0], spec.SHA256, spec.Pinned = false, path, put(""), plugins.OriginRelease
	fresh := s.spec(actName)
	fresh.Dev, fresh.Command[0], fresh.Pinned = false, path, plugins.OriginRelease
	h := s.host(plugins.Options{
		Specs: []plugins.Spec{spec}, FindAgain: func() ([]plugins.Spec, error) { return []plugins.Spec{fresh}, nil },
		Limits: plugins.Limits{Replace: 300 * time.Millisecond},
	})
	h.Hold()
	fresh.SHA256 = put("newer")
	if change != nil {
		change(path, &fresh)
	}
	return h
}

func TestOverwrittenProviderRunsByThePinOfANewCommand(t *testing.T) {
	h := overwritten(t, "provider", nil)
	for range 2 {
		if _, err := h.Describe(t.Context(), "test"); err != nil {
			t.Error(explain(err))
		}
	}
}

func TestWhatANewCommandWouldRefuseIsNotRun(t *testing.T) {
	for name, c := range map[string]struct {
		act    string
		change func(path string, fresh *plugins.Spec)
		want   problem.Code
	}{
		"files that do not fit their lock": {"provider", func(_ string, fresh *plugins.Spec) { fresh.SHA256 = digest(t, os.Args[0]) }, plugins.CodeReplaced},
		"a file that others may write": {"provider", func(path string, _ *plugins.Spec) {
			if err := os.Chmod(path, 0o777); err != nil {
				t.Fatal(err)
			}
		}, plugins.CodeReplaced},
		"a provider without a pin":        {"provider", func(_ string, fresh *plugins.Spec) { fresh.SHA256 = "" }, plugins.CodeReplaced},
		"a provider for a newer program":  {"protocol7", nil, plugins.CodeReplaced},
		"more sources than its new pin":   {"provider", func(_ string, fresh *plugins.Spec) { fresh.Sources = []string{} }, plugins.CodeClaims},
		"a provider that is not there":    {"provider", func(path string, _ *plugins.Spec) { _ = os.Remove(path) }, plugins.CodeReplaced},
		"a provider that ends at a start": {"refuses", nil, plugins.CodeNotAPlugin},
	} {
		t.Run(name, func(t *testing.T) {
			h := overwritten(t, c.act, c.change)
			_, err := h.Describe(t.Context(), "test")
			if problem.CodeOf(err) != c.want {
				t.Errorf("%s", explain(err))
			}
		})
	}
}

// TestProviderThatWasChangedBeforeARunIsNotWaitedFor: only what changes during a run may be an installation that is being replaced.
func TestProviderThatWasChangedBeforeARunIsNotWaitedFor(t *testing.T) {
	s := newStage(t)
	spec := s.spec("provider")
	spec.Dev, spec.SHA256 = false, digest(t, "/bin/sh")
	h := s.host(plugins.Options{Specs: []plugins.Spec{spec}, Limits: plugins.Limits{Replace: time.Hour}})
	h.Hold()
	if _, err := h.Describe(t.Context(), "test"); problem.CodeOf(err) != plugins.CodeChecksum {
		t.Errorf("%s", explain(err))
	}
}
