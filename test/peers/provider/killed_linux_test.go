package provider_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// waitingRun is a run of open that has come to where the provider waits: between two of its steps.
type waitingRun struct {
	*exec.Cmd
	out   io.Reader
	debug *bufio.Scanner
}

func startWaiting(i installation) *waitingRun {
	i.t.Helper()
	ctx, cancel := context.WithTimeout(i.t.Context(), limit)
	i.t.Cleanup(cancel)
	s := &waitingRun{Cmd: i.command(ctx, connects("ada@notebook.example", "424242")...)}
	out, err := s.StdoutPipe()
	said, err2 := s.StderrPipe()
	if err := errors.Join(err, err2, s.Start()); err != nil {
		i.t.Fatal(err)
	}
	s.out, s.debug = out, bufio.NewScanner(said)
	for s.debug.Scan() {
		// At the second one the first is in the store, and a poll may be repeated, whatever comes when.
		if strings.Contains(s.debug.Text(), "reply=TimePassed step=Wait") {
			return s
		}
	}
	i.t.Fatalf("it never waited: %v", s.Wait())
	return nil
}

// finish waits for the end of the run and returns what it printed.
func (s *waitingRun) finish() (string, error) {
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		for s.debug.Scan() { // a full pipe would hold it up
		}
	}()
	out, err := io.ReadAll(s.out)
	<-drained
	return string(out), errors.Join(err, s.Wait())
}

// providers are the processes that run the provider of an installation. The host leaves the file open that they execute.
func providers(t *testing.T, i installation) (pids []int) {
	t.Helper()
	file, err := filepath.EvalSymlinks(filepath.Join(i.home, ".local/share/humanconnect/providers", notebook))
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if at, _ := os.Readlink(filepath.Join("/proc", entry.Name(), "fd/3")); at == file {
			pids = append(pids, pid)
		}
	}
	return pids
}

// gone waits until no process of the provider is left.
func gone(t *testing.T, i installation) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	over := time.After(limit)
	for len(providers(t, i)) > 0 {
		select {
		case <-tick.C:
		case <-over:
			t.Fatalf("it still runs: %v", providers(t, i))
		}
	}
}

func TestKilledBetweenTwoStepsAProviderInNodeGoesOn(t *testing.T) {
	i := install(t)
	i.token()
	s := startWaiting(i)
	running := providers(t, i)
	if len(running) != 1 {
		t.Fatalf("%v run", running)
	}
	if err := syscall.Kill(running[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	out, err := s.finish()
	if r := decode(t, out); err != nil || r.Status != "SUCCESS" || len(r.CurrentConnections) != 1 || len(r.Failures) > 0 {
		t.Errorf("%v: %+v", err, r)
	}
	gone(t, i)
}

func TestProviderInNodeDoesNotSurviveAKilledCoreWhoseSessionGoesOn(t *testing.T) {
	i := install(t)
	i.token()
	s := startWaiting(i)
	if len(providers(t, i)) != 1 {
		t.Fatal("it does not run")
	}
	if err := s.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	gone(t, i)
	if _, err := s.finish(); err == nil {
		t.Error("it was not killed")
	}
	said, code := i.run(connects("ada@notebook.example", "424242")...)
	if r := decode(t, said); code != 0 || r.Status != "SUCCESS" || len(r.CurrentConnections) != 1 {
		t.Errorf("%d: %+v", code, r)
	}
	gone(t, i)
}
