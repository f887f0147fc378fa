package plugins_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/plugins"
	"github.com/humanconnect/humanconnect/sdk"
)

func TestLimitsAreAsDocumented(t *testing.T) {
	want := plugins.Limits{Start: 10 * time.Second, Describe: 5 * time.Second, Step: time.Minute, Credential: 30 * time.Second, Idle: 5 * time.Minute, Replace: 3 * time.Second}
	if got := plugins.DefaultLimits(); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestEachKindOfCallKeepsToItsLimit(t *testing.T) {
	s := newStage(t)
	// What is limited by another kind would take a minute.
	long := plugins.Limits{Start: time.Minute, Describe: time.Minute, Step: time.Minute, Credential: time.Minute}
	grant := &sdk.CredentialRequest{Source: "hang"}
	describe, step, held := long, long, long
	describe.Describe, step.Step, held.Credential = 200*time.Millisecond, 200*time.Millisecond, 200*time.Millisecond
	for name, c := range map[string]struct {
		limits plugins.Limits
		call   func(sdk.Provider) error
	}{
		"describe":   {describe, func(p sdk.Provider) error { _, err := p.Describe(t.Context()); return err }},
		"disconnect": {held, func(p sdk.Provider) error { return p.Disconnect(t.Context(), grant) }},
		"check":      {held, func(p sdk.Provider) error { return p.(sdk.Checker).Check(t.Context(), grant) }},
		"refresh":    {held, func(p sdk.Provider) error { _, err := p.(sdk.Refresher).Refresh(t.Context(), grant); return err }},
		"step": {step, func(p sdk.Provider) error {
			_, err := p.Connect(t.Context(), &sdk.ConnectRequest{Source: "hang", Reply: sdk.Start{}})
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			h := s.in(t).host(plugins.Options{Specs: []plugins.Spec{s.spec("provider", "describe-hang")}, Limits: c.limits})
			p := provider(t, h)
			err := inTime(t, func() error { return c.call(p) })
			if e := failure(t, err); e.Code() != plugins.CodeTimeout || !strings.Contains(e.Error(), "within 200ms in a "+name) && name != "describe" {
				t.Error(explain(err))
			}
		})
	}
}

func TestNothingIsStartedBeforeItIsNeededAndThenAllAtOnce(t *testing.T) {
	s := newStage(t)
	a, b := filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b")
	one, other := s.spec("pair", a, b), s.spec("pair", b, a)
	other.Name = "other"
	h := s.host(plugins.Options{Specs: []plugins.Spec{one, other}})
	if got := h.Names(); !slices.Equal(got, []string{"test", "other"}) || len(s.pids()) != 0 {
		t.Errorf("%q, with %d processes", got, len(s.pids()))
	}
	for _, name := range h.Names() {
		h.Warm(name, "instant")
	}
	for _, name := range h.Names() {
		if _, err := h.Provider(t.Context(), name, "instant"); err != nil {
			t.Error(explain(err))
		}
	}
}

// The file that is opened is hashed and executed, whatever stands at its path by then.
func TestWhatRunsIsTheFileThatWasChecked(t *testing.T) {
	s := newStage(t)
	spec := s.file(t, "", 0o700)
	data, err := os.ReadFile(s.self)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(spec.Path(), data, 0o700); err != nil { //nolint:gosec // it is executed
		t.Fatal(err)
	}
	// So that it takes a while to read: what follows an executable's sections does not matter.
	if err := os.Truncate(spec.Path(), 256<<20); err != nil {
		t.Fatal(err)
	}
	spec = plugins.Spec{Name: "test", SHA256: digest(t, spec.Path()), Command: append(spec.Command, s.spec("provider").Command[1:]...)}
	evil, ran := s.file(t, "", 0o700), filepath.Join(t.TempDir(), "ran")
	write(t, evil.Path(), "#!/bin/sh\ntouch "+ran+"\n")
	h := s.hostOf(spec)
	started := make(chan error, 1)
	go func() { _, err := h.Provider(t.Context(), "test", "instant"); started <- err }()
	eventually(t, "the file is opened", func() bool { return isOpen(spec.Path()) })
	if err := os.Rename(evil.Path(), spec.Path()); err != nil {
		t.Fatal(err)
	}
	if err := <-started; err != nil {
		t.Error(explain(err))
	}
	if _, err := os.Stat(ran); err == nil {
		t.Error("the file that was put in its place ran")
	}
}

// isOpen says whether this process has a file open.
func isOpen(path string) bool {
	links, _ := filepath.Glob("/proc/self/fd/*")
	return slices.ContainsFunc(links, func(link string) bool {
		target, err := os.Readlink(link)
		return err == nil && target == path
	})
}

func TestSocketsAreInAPrivateDirectory(t *testing.T) {
	s := newStage(t)
	dir := shortDir(t)
	h := s.host(plugins.Options{Specs: []plugins.Spec{s.spec("provider")}, RuntimeDir: dir})
	provider(t, h)
	sockets := 0
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err == nil && entry.IsDir() && info.Mode().Perm() != 0o700 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		if entry.Type()&fs.ModeSocket != 0 {
			sockets++
		}
		return err
	})
	if err != nil || sockets != 1 {
		t.Errorf("%d sockets, %v", sockets, err)
	}
}

func TestStandardErrorIsReadToItsEndAndItsLogIsLimited(t *testing.T) {
	s := newStage(t)
	log, now := &journal{}, time.Now()
	h := s.host(plugins.Options{
		Specs: []plugins.Spec{s.spec("provider")}, Log: log.log, Now: func() time.Time { return now },
	})
	if text, err := step(t, provider(t, h), "stderr"); err != nil || text != "<nil>" {
		t.Fatalf("%q %v", text, err)
	}
	if err := h.Close(t.Context()); err != nil {
		t.Error(err)
	}
	lines := strings.Split(log.all(), "\n")
	if len(lines) != 201 || !strings.HasSuffix(lines[200], " lines dropped") {
		t.Errorf("%d lines, the last %.100q; want 200 and how many were dropped", len(lines), lines[len(lines)-1])
	}
}

// A Go server sends what it prints over the connection.
func TestWhatAServerPrintsIsLogged(t *testing.T) {
	s := newStage(t)
	log := &journal{}
	h := s.host(plugins.Options{Specs: []plugins.Spec{s.spec("provider")}, Log: log.log})
	if _, err := step(t, provider(t, h), "prints"); err != nil {
		t.Fatal(explain(err))
	}
	eventually(t, "both are in the log", func() bool {
		return strings.Contains(log.all(), "printed by the provider") && strings.Contains(log.all(), "complained by the provider")
	})
}

func TestFailedStartsLeaveNoDescriptorAndNoDirectory(t *testing.T) {
	s := newStage(t)
	dir := shortDir(t)
	count := func() int { links, _ := filepath.Glob("/proc/self/fd/*"); return len(links) }
	before := 0
	for name, spec := range map[string]plugins.Spec{
		"refuses": s.spec("refuses"), "prints": s.spec("prints"), "line": s.spec("line", "x"), "missing": s.command("/nowhere/x"),
		"text": s.file(t, "hello", 0o755),
	} {
		for range 3 {
			h := plugins.New(plugins.Options{Specs: []plugins.Spec{spec}, RuntimeDir: dir})
			if _, err := h.Provider(t.Context(), "test", "instant"); err == nil {
				t.Errorf("%s: it started", name)
			}
			if left, _ := filepath.Glob(filepath.Join(dir, "hc-*", "[0-9]*")); len(left) != 0 {
				t.Errorf("%s: left %q", name, left)
			}
			if err := h.Close(t.Context()); err != nil {
				t.Error(err)
			}
			if before == 0 {
				before = count()
			}
		}
	}
	eventually(t, fmt.Sprintf("%d descriptors are open", before), func() bool { return count() <= before })
}
