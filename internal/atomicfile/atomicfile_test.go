package atomicfile_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/humanconnect/humanconnect/internal/atomicfile"
)

func TestFileIsReplacedWholeWithItsModeAndNothingBesideIt(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	for _, text := range []string{"a long first one", "short"} {
		before, _ := os.Open(path)
		if err := atomicfile.Replace(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if err != nil || string(got) != text {
			t.Errorf("%q, %v", got, err)
		}
		if before != nil { // a reader of the old one keeps it
			old := make([]byte, 100)
			if n, _ := before.Read(old); string(old[:n]) != "a long first one" {
				t.Errorf("the old content became %q", old[:n])
			}
			_ = before.Close()
		}
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != 0o644 {
			t.Errorf("%v, %v", info, err)
		}
	}
	if err := atomicfile.Replace(filepath.Join(dir, "none", "file"), nil, 0o600); err == nil {
		t.Error("a directory that is not there is made")
	}
	if err := os.Mkdir(path+".d", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := atomicfile.Replace(path+".d", nil, 0o600); err == nil {
		t.Error("a directory is replaced")
	}
	if left, err := filepath.Glob(filepath.Join(dir, ".*")); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}
