package process

import (
	"errors"
	"io/fs"
	"os"
	"testing"
	"time"

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

// A child that a killed process was just starting holds its lock until it executes its program.
func TestPatientTakesNoProcessForAliveWhoseLockIsAboutToBeFree(t *testing.T) {
	state := t.TempDir()
	p, err := Register(state)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	killed := id.New[id.Process]()
	child := flock.New(fileOf(p.dir, killed), flock.SetFlag(os.O_CREATE|os.O_RDWR))
	if held, err := child.TryLock(); err != nil || !held {
		t.Fatal(held, err)
	}
	if alive, err := (Confirming{p}).Alive(killed); err != nil || !alive {
		t.Fatalf("one that goes on holding its lock: %v, %v", alive, err)
	}
	time.AfterFunc(10*time.Millisecond, func() { _ = child.Close() })
	if alive, err := (Confirming{p}).Alive(killed); err != nil || alive {
		t.Errorf("one whose lock became free: %v, %v", alive, err)
	}
	if alive, err := (Confirming{p}).Alive(p.self); err != nil || !alive {
		t.Errorf("itself: %v, %v", alive, err)
	}
}
