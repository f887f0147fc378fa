package plugins_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/humanconnect/humanconnect/plugins"
)

// A core that is killed between the making of its directory and that of the lock in it leaves the one without the other.
func TestUnfinishedDirectoryOfAKilledCoreIsSwept(t *testing.T) {
	s := newStage(t)
	base := shortDir(t)
	begun, foreign := filepath.Join(base, "hc-abcdefgh"), filepath.Join(base, "hc-zyxwvuts")
	for _, dir := range []string{begun, foreign} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(foreign, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	host := s.host(plugins.Options{Specs: []plugins.Spec{s.spec("provider")}, RuntimeDir: base})
	provider(t, host)
	if err := host.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(begun); !os.IsNotExist(err) {
		t.Errorf("the directory that was only begun: %v, want it gone", err)
	}
	if _, err := os.Stat(filepath.Join(foreign, "file")); err != nil {
		t.Errorf("a directory without our lock: %v, want it left alone", err)
	}
}
