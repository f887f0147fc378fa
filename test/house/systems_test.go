package house_test

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// systems are those that humanconnect runs on, besides that of this machine: one machine of each.
func systems() []string { return []string{"linux/arm64", "darwin/arm64", "freebsd/amd64"} }

// buildFor builds packages for another system, and returns what is said.
func buildFor(t *testing.T, system string, packages ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	name, arch, _ := strings.Cut(system, "/")
	c := exec.CommandContext(ctx, "go", append([]string{"build", "-o", os.DevNull}, packages...)...)
	c.Dir, c.Env = root, append(os.Environ(), "GOOS="+name, "GOARCH="+arch, "CGO_ENABLED=0")
	said, err := c.CombinedOutput()
	return string(said), err
}

// TestBuildForWindowsSaysThatItDoesNotRunThere and says nothing else, such as what of Unix is missing.
func TestBuildForWindowsSaysThatItDoesNotRunThere(t *testing.T) {
	t.Parallel()
	said, err := buildFor(t, "windows/amd64", "./cmd/humanconnect")
	if err == nil || strings.Count(said, "undefined:") != 1 || !strings.Contains(said, "humanconnect_does_not_run_on_windows") {
		t.Errorf("%v\n%s", err, said)
	}
}

// TestStoreBuildsOnEverySystem: it has the calls that differ most between systems. make check builds everything for each of them.
func TestStoreBuildsOnEverySystem(t *testing.T) {
	t.Parallel()
	makefile := read(t, "Makefile")
	if want := "SYSTEMS := " + strings.Join(systems(), " ") + "\n"; !strings.Contains(makefile, want) {
		t.Errorf("make check does not build for all of %v", systems())
	}
	for _, system := range systems() {
		if said, err := buildFor(t, system, "./core/store/sqlite", "./internal/child", "./cmd/humanconnect/internal/tty"); err != nil {
			t.Errorf("%s: %v\n%s", system, err, said)
		}
	}
}
