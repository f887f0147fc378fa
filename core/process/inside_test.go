package process

import (
	"errors"
	"io/fs"
	"os"
	"testing"

	"github.com/gofrs/flock"

	"github.com/humanconnect/humanconnect/core/id"
)

func TestAProcessThatRegistersGivesWayToASweepThatHoldsItsFile(t *testing.T) {
	dir, self := t.TempDir(), id.New[id.Process]()
	if err := os.WriteFile(newFileOf(dir, self), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	sweeping, held, err := probe(newFileOf(dir, self))
	if err != nil || !held {
		t.Fatal(held, err)
	}
	defer sweeping.Close()
	p, err := claim(dir, self, flock.New(newFileOf(dir, self), flock.SetFlag(os.O_RDWR)))
	if p != nil || err != nil {
		t.Fatalf("registered as %v, %v", p, err)
	}
	for _, file := range []string{newFileOf(dir, self), fileOf(dir, self)} {
		if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is there: %v", file, err)
		}
	}
}
