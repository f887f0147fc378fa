package programs

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// built returns a directory of the programs.
func built(t *testing.T, kind Kind) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "bin")
	if err := Build(dir, kind); err != nil {
		t.Fatal(err)
	}
	return dir
}

// version returns what humanconnect says of itself.
func version(t *testing.T, dir string) string {
	t.Helper()
	said, err := exec.CommandContext(t.Context(), filepath.Join(dir, "humanconnect"), "version").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	return string(said)
}

func TestPackagesThatBuildAtOnceGetThePrograms(t *testing.T) {
	t.Parallel()
	for range 2 {
		for _, kind := range []Kind{Tested, Released} {
			t.Run(string(kind), func(t *testing.T) {
				t.Parallel()
				dir := built(t, kind)
				if says := version(t, dir); strings.Contains(says, "1.2.3-test") != (kind == Tested) {
					t.Errorf("%s says %s", kind, says)
				}
				for _, name := range []string{"humanconnect-provider-sandbox", "humanconnect-sandbox", "other/twin", "other/receiver"} {
					if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm()&0o111 == 0 {
						t.Errorf("%s cannot be run: %v", name, err)
					}
				}
				listed, err := exec.CommandContext(t.Context(), filepath.Join(dir, "humanconnect"), "provider", "list").CombinedOutput()
				if err != nil || !strings.Contains(string(listed), "sandbox") {
					t.Errorf("the providers: %v\n%s", err, listed)
				}
			})
		}
	}
}

// One test that damages a program does not damage it for others.
func TestWhatATestDoesToAProgramStaysWithIt(t *testing.T) {
	t.Parallel()
	dir := built(t, Released)
	if err := os.WriteFile(filepath.Join(dir, "humanconnect"), []byte("#!/bin/sh\necho damaged\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if says := version(t, built(t, Released)); strings.Contains(says, "damaged") {
		t.Errorf("the next one says %s", says)
	}
}
