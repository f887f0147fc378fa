package main

import (
	"bytes"
	"testing"

	"golang.org/x/sys/unix"
)

// checkRestored checks that a terminal is as a shell wants it: lines, an echo, signals, and nothing that the screens
// switched on.
func (p *person) checkRestored() {
	p.t.Helper()
	p.read.Wait()
	p.checkSettings()
}

// checkSettings checks what checkRestored does while a program has the terminal.
func (p *person) checkSettings() {
	p.t.Helper()
	state := p.settings()
	const wanted = unix.ICANON | unix.ECHO | unix.ISIG
	if state.Lflag&wanted != wanted || state.Oflag&unix.OPOST == 0 {
		p.t.Errorf("the terminal is left raw: %x %x", state.Lflag, state.Oflag)
	}
	for _, pair := range [][2]string{{toScreens, fromScreens}, {hideCursor, showCursor}, {pasteOn, pasteOff}} {
		on, off := bytes.LastIndex(p.all(), []byte(pair[0])), bytes.LastIndex(p.all(), []byte(pair[1]))
		if on > off {
			p.t.Errorf("the terminal is left with %q", pair[0])
		}
	}
}

func TestSecondCtrlCRestoresTheTerminal(t *testing.T) {
	t.Parallel()
	for name, to := range map[string]func(p *person){
		"list": func(p *person) { p.opens().sees("5 sources") },
		"secret": func(p *person) {
			p.opens().sees("5 sources").presses("fam" + enter).sees("Password").presses("x" + enter + "abc")
		},
		"code": func(p *person) {
			p.opens().sees("5 sources").presses("clin" + enter).sees("Password").presses("code" + enter + "password" + enter).sees("SAND-BOX1")
		},
		"lines": func(p *person) { p.opens("--accessible").sees(`"done":`) },
		"secret in lines": func(p *person) {
			p.opens("--accessible").sees(`"done":`).presses("1" + enter).sees("User name:").presses("x" + enter).sees("not shown").presses("abc")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for range 3 {
				p := newPerson(t)
				to(p)
				p.presses(ctrlC + ctrlC)
				p.ends(130)
				p.checkRestored()
			}
		})
	}
}
