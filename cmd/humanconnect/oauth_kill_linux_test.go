package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/humanconnect/humanconnect/core/failure"
)

// What kill -9 does to an attempt in a browser, at each place where it stands:
//
//	browser opened ─▶ consent ─▶ redirect ─▶ exchange ─▶ connected
//	        core or provider killed      core or provider killed

func TestCoreKilledBeforeTheRedirectLeavesItToTheNext(t *testing.T) {
	t.Parallel()
	p := newAuthorizedPlace(t)
	token := p.token("ada")
	first := p.opens(token, leftAlone, "--connect", "sandbox-tracker")
	redirect := p.consents(first.browserAt(), "none")
	first.killed()
	if _, ok := <-p.comesBack(redirect); ok {
		t.Fatal("the redirect was accepted while no process was running")
	}
	second := p.opens(token, leftAlone, "--connect", "sandbox-tracker")
	p.listens(redirect)
	if page := <-p.comesBack(redirect); page.title != "Sandbox Tracker is connected" {
		t.Errorf("the page says %d %q", page.status, page.title)
	}
	second.succeeds(1)
	if got := p.exchanges.Load(); got != 1 {
		t.Errorf("%d codes were exchanged", got)
	}
}

func TestProviderKilledBeforeTheRedirectIsRestarted(t *testing.T) {
	t.Parallel()
	p := newAuthorizedPlace(t)
	o := p.opens(p.token("ada"), leftAlone, "--connect", "sandbox-tracker")
	redirect := p.consents(o.browserAt(), "none")
	o.killsProvider()
	if page := <-p.comesBack(redirect); page.title != "Sandbox Tracker is connected" {
		t.Errorf("the page says %d %q", page.status, page.title)
	}
	o.succeeds(1)
	if said := o.said.String(); said != "" {
		t.Errorf("it says %q", said)
	}
}

func TestProviderKilledInTheExchangeInterruptsTheAttempt(t *testing.T) {
	t.Parallel()
	p := newAuthorizedPlace(t)
	o := p.opens(p.token("ada"), leftAlone, "--connect", "sandbox-tracker")
	redirect := p.consents(o.browserAt(), "none")
	held := p.holds()
	page := p.comesBack(redirect)
	waiting := p.waitsFor(held)
	o.killsProvider()
	if page := <-page; page.title != "Sandbox Tracker was not connected" {
		t.Errorf("the page says %d %q", page.status, page.title)
	}
	interrupted(t, o)
	p.letsGo(waiting)
	p.opens(p.token("ada"), "humanconnect-sandbox consent", "--connect", "sandbox-tracker").succeeds(1)
}

func TestCoreKilledInTheExchangeInterruptsTheAttempt(t *testing.T) {
	t.Parallel()
	p := newAuthorizedPlace(t)
	token := p.token("ada")
	first := p.opens(token, leftAlone, "--connect", "sandbox-tracker")
	redirect := p.consents(first.browserAt(), "none")
	held := p.holds()
	page := p.comesBack(redirect)
	waiting := p.waitsFor(held)
	provider := first.provider()
	first.killed()
	if got, ok := <-page; ok {
		t.Errorf("the page says %d %q", got.status, got.title)
	}
	gone(t, provider)
	p.letsGo(waiting)
	second := p.opens(token, leftAlone, "--connect", "sandbox-tracker")
	interrupted(t, second)
	if _, err := os.Stat(second.link); err == nil {
		t.Error("the browser was opened for an attempt that is over")
	}
	p.opens(p.token("ada"), "humanconnect-sandbox consent", "--connect", "sandbox-tracker").succeeds(1)
}

func TestCoreKilledWhileACodeIsShownShowsItAgain(t *testing.T) {
	t.Parallel()
	p := newAuthorizedPlace(t)
	token := p.token("ada")
	first := p.opens(token, "", "--connect", "sandbox-scale")
	page := first.device()
	first.killed()
	second := p.opens(token, "", "--connect", "sandbox-scale")
	if again := second.device(); again != page {
		t.Errorf("the code is to be typed at %s, then at %s", page, again)
	}
	p.consents(page, "none")
	second.succeeds(1)
}

func interrupted(t *testing.T, o *opening) {
	t.Helper()
	if f := o.fails(); f.Code != string(failure.AttemptInterrupted) || !f.Retryable {
		t.Errorf("the failure is %+v", f)
	}
}

// provider waits for the process of the sandbox provider and returns its id.
func (o *opening) provider() int {
	o.p.t.Helper()
	found := 0
	waitUntil(o.p.t, func() bool {
		for pid, parent := range parents(o.p.t) {
			if parent == o.cmd.Process.Pid && bytes.Contains(proc(pid, "cmdline"), []byte("humanconnect-provider-sandbox")) {
				found = pid
			}
		}
		return found != 0
	})
	return found
}

func (o *opening) killsProvider() {
	o.p.t.Helper()
	pid := o.provider()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		o.p.t.Fatal(err)
	}
	gone(o.p.t, pid)
}

func gone(t *testing.T, pid int) {
	t.Helper()
	waitUntil(t, func() bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) })
}

// parents has the parent of every process.
func parents(t *testing.T) map[int]int {
	t.Helper()
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[int]int, len(dirs))
	for _, dir := range dirs {
		pid, _ := strconv.Atoi(filepath.Base(dir)) // digits
		stat := string(proc(pid, "stat"))
		// pid (any name) state parent …
		fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
		if len(fields) < 2 {
			continue // it has ended
		}
		if parent, err := strconv.Atoi(fields[1]); err == nil {
			found[pid] = parent
		}
	}
	return found
}

// proc reads a file of a process; nothing if it has ended.
func proc(pid int, file string) []byte {
	text, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), file))
	return text
}
