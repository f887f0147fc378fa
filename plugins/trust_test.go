package plugins_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/humanconnect/humanconnect/plugins"
)

func TestUntrustedExecutablesAreNotRun(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, spec *plugins.Spec){
		"writable file": func(t *testing.T, spec *plugins.Spec) { chmod(t, spec.Path(), 0o777) },
		"writable directory": func(t *testing.T, spec *plugins.Spec) {
			chmod(t, filepath.Dir(spec.Path()), 0o777)
		},
		"sticky directory": func(t *testing.T, spec *plugins.Spec) {
			chmod(t, filepath.Dir(spec.Path()), 0o777|fs.ModeSticky)
		},
		"writable directory above": func(t *testing.T, spec *plugins.Spec) {
			chmod(t, filepath.Dir(filepath.Dir(spec.Path())), 0o777)
		},
		"link out of a writable directory": func(t *testing.T, spec *plugins.Spec) {
			dir := t.TempDir()
			link := filepath.Join(dir, "link")
			if err := os.Symlink(spec.Path(), link); err != nil {
				t.Fatal(err)
			}
			chmod(t, dir, 0o777)
			spec.Command[0] = link
		},
		"link to a writable file": func(t *testing.T, spec *plugins.Spec) {
			chmod(t, spec.Path(), 0o777)
			link := filepath.Join(t.TempDir(), "link")
			if err := os.Symlink(spec.Path(), link); err != nil {
				t.Fatal(err)
			}
			spec.Command[0] = link
		},
		"directory": func(_ *testing.T, spec *plugins.Spec) { spec.Command[0] = filepath.Dir(spec.Path()) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			spec := s.file(t, "#!/bin/sh\n", 0o755)
			spoil(t, &spec)
			_, err := s.hostOf(spec).Provider(t.Context(), "test", "instant")
			if e := failure(t, err); e.Code() != plugins.CodeUntrustedFile {
				t.Error(explain(err))
			}
		})
	}
}

func TestLinkToATrustedFileIsRun(t *testing.T) {
	s := newStage(t)
	link := filepath.Join(t.TempDir(), plugins.Prefix+"test")
	if err := os.Symlink(s.self, link); err != nil {
		t.Fatal(err)
	}
	spec := s.pinned("provider", digest(t, s.self))
	spec.Command[0] = link
	provider(t, s.hostOf(spec))
}

// A remembered digest may only stand for the very bytes that it was made of.
func TestCachedDigestNeverOutlivesAWrite(t *testing.T) {
	path, cache := filepath.Join(t.TempDir(), "file"), t.TempDir()
	later := func() time.Time { return time.Now().Add(time.Hour) }
	rapid.Check(t, func(r *rapid.T) {
		content := rapid.SliceOfN(rapid.Byte(), 0, 8).Draw(r, "content")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		// The clock of the file system ticks slower than this loop: only what is settled may be remembered.
		now := time.Now
		if rapid.Bool().Draw(r, "old modification time") {
			if err := os.Chtimes(path, time.Unix(1, 0), time.Unix(1, 0)); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			got, err := plugins.DigestOf(path, cache, now)
			if want := digest(t, path); err != nil || got != want {
				t.Fatalf("%s %v, want %s", got, err, want)
			}
		}
	})
	if kept, _ := filepath.Glob(filepath.Join(cache, "digest-*")); len(kept) != 0 {
		t.Fatalf("a digest is remembered that is not settled: %q", kept)
	}
	want := digest(t, path)
	if got, err := plugins.DigestOf(path, cache, later); err != nil || got != want {
		t.Fatalf("%s %v", got, err)
	}
	if kept, _ := filepath.Glob(filepath.Join(cache, "digest-*")); len(kept) != 1 {
		t.Fatalf("a settled digest is not remembered: %q", kept)
	}
	if err := os.WriteFile(path, []byte("changed!"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := plugins.DigestOf(path, cache, later); err != nil || got != digest(t, path) {
		t.Errorf("the old digest stands for the new bytes: %s %v", got, err)
	}
}

func TestCacheThatOthersCanWriteIsNotTrusted(t *testing.T) {
	path, cache := filepath.Join(t.TempDir(), "file"), t.TempDir()
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	later := func() time.Time { return time.Now().Add(time.Hour) }
	if _, err := plugins.DigestOf(path, cache, later); err != nil {
		t.Fatal(err)
	}
	kept, _ := filepath.Glob(filepath.Join(cache, "digest-*"))
	if len(kept) != 1 {
		t.Fatalf("kept %q", kept)
	}
	data, err := os.ReadFile(kept[0])
	if err != nil {
		t.Fatal(err)
	}
	forged := strings.Replace(string(data), digest(t, path), strings.Repeat("f", 64), 1)
	if err := os.WriteFile(kept[0], []byte(forged), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, _ := plugins.DigestOf(path, cache, later); got != strings.Repeat("f", 64) {
		t.Error("the cache is not read at all")
	}
	chmod(t, cache, 0o777)
	if got, _ := plugins.DigestOf(path, cache, later); got != digest(t, path) {
		t.Error("a cache that everybody can write is believed")
	}
}

func chmod(t *testing.T, path string, mode fs.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}
