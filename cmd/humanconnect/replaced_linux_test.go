package main

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/exit"
	"github.com/humanconnect/humanconnect/core/event"
)

// upgrade is an installation, and a newer one that takes its place while a command runs.
type upgrade struct {
	*authorizedPlace
	// installed is where it runs, and newer has other files of the same names, with their own lock.
	installed, newer string
}

func newUpgrade(t *testing.T) *upgrade {
	t.Helper()
	p := newAuthorizedPlace(t)
	u := &upgrade{authorizedPlace: p, installed: filepath.Join(p.dir, "opt", "bin"), newer: filepath.Join(p.dir, "next", "bin")}
	for _, dir := range []string{u.installed, u.newer} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	files, err := os.ReadDir(binDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if file.Type().IsRegular() {
			u.copies(filepath.Join(binDir(), file.Name()), filepath.Join(u.installed, file.Name()), "")
			u.copies(filepath.Join(binDir(), file.Name()), filepath.Join(u.newer, file.Name()), "another build")
		}
	}
	p.bin = u.installed
	_ = os.Remove(filepath.Join(u.newer, "providers.lock.json"))
	u.runs(exec.Command(filepath.Join(u.newer, "humanconnect"), "provider", "lock", "--dir", u.newer))
	return u
}

// copies copies a file over what is there, as cp does, with some bytes behind it: a program is another one by that, and does the same.
func (u *upgrade) copies(from, to, more string) {
	u.t.Helper()
	data, err := os.ReadFile(from)
	if err == nil {
		if strings.HasSuffix(from, ".json") {
			more = ""
		}
		err = os.WriteFile(to, append(data, more...), 0o755)
	}
	if err != nil {
		u.t.Fatal(err)
	}
}

func (u *upgrade) runs(c *exec.Cmd) {
	u.t.Helper()
	c.Env = u.command("").Env
	if out, err := c.CombinedOutput(); err != nil {
		u.t.Fatalf("%v: %s", err, out)
	}
}

func (u *upgrade) renames(from, to string) {
	u.t.Helper()
	if err := os.Rename(from, to); err != nil {
		u.t.Fatal(err)
	}
}

// names are the files of the newer installation; those of programs that run are refused by cp.
func (u *upgrade) names(pattern string) []string {
	u.t.Helper()
	found, err := fs.Glob(os.DirFS(u.newer), pattern)
	if err != nil || len(found) == 0 {
		u.t.Fatalf("no %s: %v", pattern, err)
	}
	return found
}

// killsProviders kills every provider of a run, so that it has to start them again.
func (o *opening) killsProviders() {
	o.p.t.Helper()
	o.provider()
	for pid, parent := range parents(o.p.t) {
		if parent == o.cmd.Process.Pid && strings.Contains(string(proc(pid, "cmdline")), "humanconnect-provider-") {
			_ = syscall.Kill(pid, syscall.SIGKILL)
			gone(o.p.t, pid)
		}
	}
}

func TestRunGoesOnWhileItsInstallationIsReplaced(t *testing.T) {
	t.Parallel()
	for name, replace := range map[string]func(*upgrade){
		"by a directory": func(u *upgrade) {
			u.renames(filepath.Dir(u.installed), filepath.Dir(u.installed)+".old")
			u.renames(filepath.Dir(u.newer), filepath.Dir(u.installed))
			if err := os.RemoveAll(filepath.Dir(u.installed) + ".old"); err != nil {
				u.t.Fatal(err)
			}
		},
		"file by file": func(u *upgrade) {
			for _, file := range u.names("*") {
				u.renames(filepath.Join(u.newer, file), filepath.Join(u.installed, file))
			}
		},
		"its providers alone, without their lock": func(u *upgrade) {
			for _, file := range u.names("humanconnect-*") {
				u.renames(filepath.Join(u.newer, file), filepath.Join(u.installed, file))
			}
		},
		"by nothing": func(u *upgrade) {
			if err := os.RemoveAll(u.installed); err != nil {
				u.t.Fatal(err)
			}
		},
		"in place": func(u *upgrade) {
			for _, file := range append(u.names("humanconnect-*"), "providers.lock.json") {
				u.copies(filepath.Join(u.newer, file), filepath.Join(u.installed, file), "")
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := newUpgrade(t)
			u.opens(u.token("ada"), "", "--connect", "sandbox-instant").succeeds(1)
			plan := u.write("plan.yaml", "actions:\n  - connect: sandbox-tracker\n  - disconnect: sandbox-instant\n  - connect: sandbox-instant\n")
			o := u.opens(u.token("ada"), leftAlone, "--plan", plan)
			redirect := u.consents(o.browserAt(), "none")
			o.killsProviders() // cp cannot overwrite a program that runs
			replace(u)
			if page := <-u.comesBack(redirect); page.title != "Sandbox Tracker is connected" {
				t.Errorf("the page says %d %q", page.status, page.title)
			}
			o.succeeds(2)
			if said := o.said.String(); said != "" {
				t.Errorf("it says %q", said)
			}
		})
	}
}

// TestSameCommandGoesOnWhenAnInstallationIsHalfReplaced: files that do not fit each other end a run, and not its attempt.
func TestSameCommandGoesOnWhenAnInstallationIsHalfReplaced(t *testing.T) {
	t.Parallel()
	u := newUpgrade(t)
	token := u.token("ada")
	args := []string{"--connect", "sandbox-tracker"}
	o := u.opens(token, leftAlone, args...)
	redirect := u.consents(o.browserAt(), "none")
	o.killsProviders()
	for _, file := range u.names("humanconnect-provider-*") {
		u.copies(filepath.Join(u.newer, file), filepath.Join(u.installed, file), "")
	}
	<-u.comesBack(redirect)
	<-o.done
	if code := o.cmd.ProcessState.ExitCode(); code != exit.Network || o.out.Len() > 0 {
		t.Errorf("exit code %d: %s", code, o.out.String())
	}
	for _, want := range []string{"[provider_replaced]", "was replaced while this command runs", "run the same command again"} {
		if !strings.Contains(o.said.String(), want) {
			t.Errorf("it does not say %q: %s", want, o.said.String())
		}
	}
	u.copies(filepath.Join(u.newer, "providers.lock.json"), filepath.Join(u.installed, "providers.lock.json"), "")
	again := u.opens(token, "false", args...)
	if r := again.succeeds(1); r.Status != event.Success {
		t.Errorf("the response is %+v", r)
	}
	if got := u.exchanges.Load(); got != 1 {
		t.Errorf("%d codes were exchanged", got)
	}
}
