package replay_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/humanconnect/humanconnect/core/replay"
	"github.com/humanconnect/humanconnect/sdk"
)

func newState(t *testing.T) (dir, file string) {
	t.Helper()
	dir = t.TempDir()
	return dir, filepath.Join(dir, "cache", "closed")
}

func TestTokensThatWereAddedAreKnownAndOthersAreNot(t *testing.T) {
	dir, _ := newState(t)
	known := replay.In(dir)
	if known.Has("one") {
		t.Error("one is known before it was added")
	}
	known.Add("one")
	if again := replay.In(dir); !again.Has("one") || again.Has("two") || again.Has("") {
		t.Errorf("one %t, another %t, none %t", again.Has("one"), again.Has("two"), again.Has(""))
	}
}

func TestTheFileDoesNotGrowAndKeepsTheLatest(t *testing.T) {
	dir, file := newState(t)
	known := replay.In(dir)
	for n := range 10_000 {
		token := sdk.Secret(fmt.Sprint("token-", n))
		if known.Add(token); !known.Has(token) {
			t.Fatalf("%d is not known", n)
		}
	}
	if info, err := os.Stat(file); err != nil || info.Size() > 32<<10 || info.Mode() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}

func TestNothingIsKnownOfWhatCannotBeReadOrWritten(t *testing.T) {
	for name, spoil := range map[string]func(dir, file string) error{
		"no state":           func(dir, _ string) error { return os.Remove(dir) },
		"a directory":        func(_, file string) error { return os.MkdirAll(file, 0o700) },
		"a file for a cache": func(dir, _ string) error { return os.WriteFile(filepath.Join(dir, "cache"), nil, 0o600) },
	} {
		dir, file := newState(t)
		if err := spoil(dir, file); err != nil {
			t.Fatal(err)
		}
		known := replay.In(dir)
		if known.Add("one"); known.Has("one") {
			t.Errorf("%s: it is known", name)
		}
	}
}
