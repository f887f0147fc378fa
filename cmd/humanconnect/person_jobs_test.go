package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/exit"
)

const (
	ctrlZ = "\x1a"
	// atShell is the prompt of the shell.
	atShell = "shell waits:"
)

// shells starts a shell with job control on a terminal; commands of ours have open's flags in $OPEN.
func (p *person) shells() *person {
	p.t.Helper()
	c := p.program()
	c.Path, c.Args = "/bin/sh", []string{"sh", "-i"}
	c.Env = append(c.Env, "PS1="+atShell, "ENV=", "HC="+p.program().Path, "OUT="+p.home+"/out.json")
	return p.starts(c).sees(atShell).presses("exec >/dev/tty" + enter).sees(atShell)
}

// signals sends a signal to the program that the shell has in front.
func (p *person) signals(s syscall.Signal) {
	p.t.Helper()
	front, err := unix.IoctlGetInt(int(p.screen.Fd()), unix.TIOCGPGRP)
	if err == nil {
		err = syscall.Kill(front, s)
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

// settings are those of the terminal.
func (p *person) settings() *unix.Termios {
	p.t.Helper()
	state, err := unix.IoctlGetTermios(int(p.screen.Fd()), getTermios)
	if err != nil {
		p.t.Fatal(err)
	}
	return state
}

func TestPersonSuspendsAndContinues(t *testing.T) {
	t.Parallel()
	for name, f := range faces() {
		for how, stop := range map[string]syscall.Signal{"Ctrl-Z": 0, "kill -TSTP": syscall.SIGTSTP} {
			t.Run(name+", "+how, func(t *testing.T) {
				t.Parallel()
				p := newPerson(t).shells()
				p.presses("$HC open " + strings.Join(f.flags, " ") + " >$OUT" + enter).sees(f.ready)
				for range 2 {
					if stop == 0 {
						p.presses(ctrlZ)
					} else {
						p.signals(stop)
					}
					p.sees(atShell)
					p.checkSettings()
					p.presses("stty sane; echo 'it is' stopped"+enter).sees("it is stopped", atShell)
					p.presses("fg\n").sees(f.ready)
				}
				p.connects(f, "inst", "Sandbox Instant").sees("Sandbox Instant is connected")
				p.presses(ctrlC).sees(atShell).presses("echo code $?; exit" + enter).sees("code 130")
				if r := p.answer(p.ends(0)); len(r.CurrentConnections) != 1 {
					t.Errorf("the response is %+v", r)
				}
				p.checkRestored()
			})
		}
	}
}

func TestSecretIsNotEchoedAfterAStop(t *testing.T) {
	t.Parallel()
	p := newPerson(t).shells()
	p.presses("$HC open --accessible >$OUT" + enter).sees(`"done":`).presses("1" + enter).sees("User name:")
	p.presses("demouser" + enter).sees("not shown").presses("pass" + ctrlZ).sees(atShell)
	p.checkSettings()
	p.presses("stty sane; fg" + enter).sees("not shown").presses("word" + enter).sees("Sandbox Clinic is connected")
	if strings.Contains(string(p.all()), "word"+"\r\n") && strings.Contains(string(p.all()), ": word") {
		t.Errorf("the secret is echoed in %q", p.all())
	}
	p.presses(ctrlC).sees(atShell).presses("exit" + enter)
	p.ends(130)
}

// TestCtrlZWithoutAShellChangesNothing: nobody could continue the program.
func TestCtrlZWithoutAShellChangesNothing(t *testing.T) {
	t.Parallel()
	for name, f := range faces() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPerson(t).opens(f.flags...).sees(f.ready).presses(ctrlZ).sees(f.ready)
			p.connects(f, "inst", "Sandbox Instant").sees("Sandbox Instant is connected")
			p.finishes(f)
			p.checkRestored()
		})
	}
}

// TestStoppedSessionEndsInTheBackground: it takes no terminal that another program has in front.
func TestStoppedSessionEndsInTheBackground(t *testing.T) {
	t.Parallel()
	for name, f := range faces() {
		for how, end := range map[string]string{"TERM": "143", "HUP": "129", "time limit": "16"} {
			t.Run(name+", "+how, func(t *testing.T) {
				t.Parallel()
				flags := strings.Join(f.flags, " ")
				if how == "time limit" {
					flags += " --timeout 3s"
				}
				p := newPerson(t).shells()
				p.presses("$HC open " + flags + " >$OUT" + enter).sees(f.ready).presses(ctrlZ).sees(atShell)
				p.presses("stty -echo -icanon; bg" + enter).sees(atShell)
				if how != "time limit" {
					p.presses("kill -" + how + " %1" + enter).sees(atShell)
				}
				p.presses("wait %1; echo code $?" + enter).sees("code " + end)
				if state := p.settings(); state.Lflag&(unix.ECHO|unix.ICANON) != 0 {
					t.Errorf("the settings of the program in front are changed: %x", state.Lflag)
				}
				p.presses("exit" + enter)
				p.ends(0)
			})
		}
	}
}

// TestProgramInTheBackgroundAsksNobody: a shell has the terminal in front.
func TestProgramInTheBackgroundAsksNobody(t *testing.T) {
	t.Parallel()
	for name, command := range map[string]string{
		"timeout": `sh -c "timeout 20 $HC open"`, "job": "$HC open & wait $!", "job line by line": "$HC open --accessible & wait $!",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPerson(t).shells()
			p.presses(command+"; echo code $?; exit"+enter).sees("nothing to do [usage]", "in the background", "code "+strconv.Itoa(exit.Usage))
			p.ends(0)
			p.checkRestored()
		})
	}
}

// TestJobOfAScriptIsKilled: a script has no job control, so the program shares the terminal with it.
func TestJobOfAScriptIsKilled(t *testing.T) {
	t.Parallel()
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(s.String(), func(t *testing.T) {
			t.Parallel()
			p := newPerson(t)
			c := p.program()
			c.Path, c.Args = "/bin/sh", []string{"sh", "-c", p.program().Path + ` open & echo $! > pid; wait $!; echo code $?`}
			p.starts(c).sees("5 sources")
			text, err := os.ReadFile(filepath.Join(p.home, "pid"))
			if err != nil {
				t.Fatal(err)
			}
			pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
			if err == nil {
				err = syscall.Kill(pid, s)
			}
			if err != nil {
				t.Fatal(err)
			}
			if out := p.ends(0); !strings.Contains(string(out), "code "+strconv.Itoa(128+int(s))) {
				t.Errorf("the script prints %s", out)
			}
			p.checkRestored()
		})
	}
}
