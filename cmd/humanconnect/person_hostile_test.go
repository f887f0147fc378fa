package main

import (
	"strings"
	"syscall"
	"testing"
)

// hostile are bytes that a terminal may send, or that somebody pastes, to make a parser fail.
func hostile() map[string]string {
	many := strings.Repeat("1;", 40)
	return map[string]string{
		"CSI":                     "\x1b[" + many + "1m",
		"CSI with subparameters":  "\x1b[" + strings.Repeat("1:", 40) + "1u",
		"CSI without an end":      "\x1b[" + many,
		"DCS":                     "\x1bP" + many + "1$r\x1b\\",
		"8-bit CSI":               "\x9b" + many + "1m",
		"8-bit CSI in a string":   "\x1b]0;\xe1\x9c\x9b" + many + "1m\x07",
		"long parameter":          "\x1b[" + strings.Repeat("9", 5000) + "m",
		"title of 16 KiB":         "\x1b]0;" + strings.Repeat("x", 16<<10) + "\x07",
		"truncated character":     "\xe2\x9d",
		"win32 input, surrogates": "\x1b[0;0;55357;1;0;1_\x1b[0;0;55357;1;0;1_",
	}
}

func TestHostileInputNeverEndsTheScreens(t *testing.T) {
	t.Parallel()
	for name, bytes := range hostile() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPerson(t).opens().sees("5 sources, 0 connected")
			p.presses(bytes).presses("\x1b[200~" + bytes + "\x1b[201~")
			p.presses(strings.Repeat("\x7f", 100) + "clin").sees("1 source").presses(enter).sees("User name")
			p.presses("\x1b[200~" + bytes + "\x1b[201~" + "\x15demouser" + enter)
			p.presses("password" + enter).sees("Sandbox Clinic is connected").presses(ctrlC)
			if r := p.answer(p.ends(130)); len(r.CurrentConnections) != 1 {
				t.Errorf("the response is %+v", r)
			}
			p.checkRestored()
		})
	}
}

// TestCrashRestoresTheTerminal: by these signals the Go runtime ends the program as a panic does.
func TestCrashRestoresTheTerminal(t *testing.T) {
	t.Parallel()
	for _, s := range []syscall.Signal{syscall.SIGQUIT, syscall.SIGABRT, syscall.SIGSEGV, syscall.SIGSYS} {
		for name, to := range map[string]func(p *person){
			"list": func(p *person) { p.opens().sees("5 sources") },
			"secret in lines": func(p *person) {
				p.opens("--accessible").sees(`"done":`).presses("1" + enter).sees("User name:").presses("x" + enter).sees("not shown").presses("abc")
			},
		} {
			t.Run(s.String()+", "+name, func(t *testing.T) {
				t.Parallel()
				p := newPerson(t)
				to(p)
				if err := p.command.Process.Signal(s); err != nil {
					t.Fatal(err)
				}
				p.ends(2)
				p.checkRestored()
			})
		}
	}
}
