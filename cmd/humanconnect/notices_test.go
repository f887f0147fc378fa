package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/exit"
)

func TestNoticesNeitherCorruptTheScreensNorGetLost(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]struct {
		keys string
		said string
	}{
		"close":        {ctrlC, "humanconnect: the session is closed"},
		"stop at once": {ctrlC + ctrlC, "level=DEBUG"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPerson(t).opens("--debug", "--on-connect-source", "echo the hook speaks; exit 1")
			p.sees("5 sources").presses("inst" + enter).sees("1 connected").presses(end.keys)
			p.ends(130)
			p.read.Wait()
			before, rest, _ := bytes.Cut(p.all(), []byte(toScreens))
			i := bytes.LastIndex(rest, []byte(fromScreens))
			if i < 0 {
				t.Fatal("the screens are not left")
			}
			drawn, after := rest[:i], rest[i:]
			for _, notice := range []string{"level=DEBUG", "hook"} {
				if bytes.Contains(drawn, []byte(notice)) {
					t.Errorf("the screens are torn by %q", notice)
				}
			}
			if !bytes.Contains(before, []byte("level=DEBUG")) || !bytes.Contains(after, []byte("provider answered")) || !bytes.Contains(after, []byte(end.said)) {
				t.Errorf("after the screens is said only\n%s", after)
			}
		})
	}
}

func TestSecondCtrlCLeavesNoLineBehind(t *testing.T) {
	t.Parallel()
	p := newPerson(t)
	p.opens("--connect", "sandbox-clinic", "--answer", "sandbox-clinic.username=hang", "--answer", "sandbox-clinic.password=password")
	p.sees("connecting sandbox-clinic …").presses(ctrlC).sees("^C").presses(ctrlC)
	p.ends(exit.Interrupted)
	p.read.Wait()
	if left := string(p.all()); !strings.Contains(left, "^C^C\r\x1b[K") || strings.LastIndex(left, "…") > strings.LastIndex(left, "\x1b[K") {
		t.Errorf("left on the terminal is %q", left)
	}
}
