package plugins

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/humanconnect/humanconnect/internal/problem"
)

// TestSocketsLieInThePlaceThatCanBeUsed: a volume of mode 0777 at TMPDIR will do, since the directory inside is private.
func TestSocketsLieInThePlaceThatCanBeUsed(t *testing.T) {
	short, err := os.MkdirTemp("/tmp", "hct") //nolint:usetesting // a path that is short enough for a socket
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(short) }()
	open := filepath.Join(short, "t")
	if err := os.Mkdir(open, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(open, 0o777); err != nil {
		t.Fatal(err)
	}
	long := filepath.Join(short, strings.Repeat("x", maxRunDir))
	for name, c := range map[string]struct{ runtimeDir, tmpDir, want string }{
		"temporary":                       {"", open, open},
		"the runtime directory is open":   {open, "", "/tmp"},
		"the runtime directory is absent": {filepath.Join(short, "none"), open, open},
		"too long":                        {"", long, "/tmp"},
		"relative":                        {"", "t", "/tmp"},
		"none":                            {"", "", "/tmp"},
	} {
		d, err := openRunDir(c.runtimeDir, c.tmpDir)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if info, err := os.Stat(d.path); err != nil || filepath.Dir(d.path) != c.want || info.Mode().Perm() != 0o700 {
			t.Errorf("%s: %s, %v, %v", name, d.path, info, err)
		}
		if err := d.remove(); err != nil {
			t.Error(err)
		}
	}
}

func TestEachPlaceForSocketsThatCannotBeUsedIsNamed(t *testing.T) {
	_, err := openRunDirIn("/proc/none-a", "/proc/none-b", "/proc/none-c")
	if problem.CodeOf(err) != CodeRunDir {
		t.Fatal(err)
	}
	for _, base := range []string{"/proc/none-a: ", "/proc/none-b: ", "/proc/none-c: "} {
		if !strings.Contains(err.Error(), base) {
			t.Errorf("%v does not name %s", err, base)
		}
	}
}
