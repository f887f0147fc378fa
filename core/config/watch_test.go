package config_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/core/config"
	"github.com/humanconnect/humanconnect/internal/problem"
)

func TestEachChangeOfTheConfigFileIsNoticedOnce(t *testing.T) {
	path := write(t, "version: 1\nclientId: one\n")
	hour := time.Now().Add(-time.Hour)
	touch := func(at time.Time) error { return os.Chtimes(path, at, at) }
	if err := touch(hour); err != nil {
		t.Fatal(err)
	}
	w := config.NewWatch(options(path))
	for _, c := range []struct {
		name string
		make func() error
		want bool
	}{
		{"nothing", func() error { return nil }, false},
		{"a text of another size", func() error {
			return errors.Join(os.WriteFile(path, []byte("version: 1\nclientId: three\n"), 0o600), touch(hour))
		}, true},
		{"a later time", func() error { return touch(hour.Add(time.Second)) }, true},
		{"an earlier time", func() error { return touch(hour) }, true},
		{"another file of the same size and time", func() error {
			other := filepath.Join(filepath.Dir(path), "other")
			err := os.WriteFile(other, []byte("version: 1\nclientId: seven\n"), 0o600)
			return errors.Join(err, os.Chtimes(other, hour, hour), os.Rename(other, path))
		}, true},
		{"it is gone", func() error { return os.Remove(path) }, true},
		{"it is still gone", func() error { return nil }, false},
		{"it is back", func() error { return os.WriteFile(path, []byte("version: 1\n"), 0o600) }, true},
	} {
		if err := c.make(); err != nil {
			t.Fatal(err)
		}
		if got := w.Changed(); got != c.want {
			t.Errorf("%s: changed: %t", c.name, got)
		}
		if w.Changed() {
			t.Errorf("%s: noticed twice", c.name)
		}
	}
}

func TestConfigFileThatHasGoneIsNotAConfigWithoutOne(t *testing.T) {
	home := t.TempDir()
	dir := filepath.Join(home, ".config", "humanconnect")
	path := filepath.Join(dir, "config.yaml")
	if err := errors.Join(os.MkdirAll(dir, 0o700), os.WriteFile(path, []byte("version: 1\nclientId: one\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	w := config.NewWatch(config.Options{Home: home, UID: os.Getuid()})
	if c, err := w.Load(); err != nil || c.ClientID != "one" {
		t.Fatalf("%+v, %v", c, err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Load(); problem.CodeOf(err) != config.CodeNotFound || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if err := os.WriteFile(path, []byte("version: 1\nclientID: wrong\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Load(); problem.CodeOf(err) != config.CodeInvalid {
		t.Errorf("a wrong file: %v", err)
	}
}
