package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

func TestNoticesAreHeldBackAndSaidInTheirOrder(t *testing.T) {
	var out bytes.Buffer
	n := &notices{w: &out}
	n.hold()
	_, _ = n.Write([]byte("one\n"))
	n.show("working")
	_, _ = n.Write([]byte("two\n"))
	if out.Len() > 0 {
		t.Errorf("%q is written while it is held back", out.String())
	}
	n.release()
	n.release()
	_, _ = n.Write([]byte("three\n"))
	if want := "one\ntwo\n" + eraseLine + "working" + eraseLine + "three\nworking"; out.String() != want {
		t.Errorf("%q is written, want %q", out.String(), want)
	}
}

func TestNoticesThatAreHeldBackHaveABound(t *testing.T) {
	var out bytes.Buffer
	n := &notices{w: &out}
	n.hold()
	for i := range 2 * maxKept / 10 {
		_, _ = fmt.Fprintf(n, "%09d\n", i)
	}
	n.release()
	first, rest, _ := strings.Cut(out.String(), "\n")
	if len(rest) > maxKept || len(rest) < maxKept-10 || len(rest)%10 != 0 || !strings.HasSuffix(rest, fmt.Sprintf("%09d\n", 2*maxKept/10-1)) {
		t.Errorf("%d bytes are kept, from %.10q to %q", len(rest), rest, rest[max(len(rest)-10, 0):])
	}
	if want := fmt.Sprintf("the first %d bytes", 2*maxKept/10*10-len(rest)); !strings.Contains(first, want) {
		t.Errorf("of the rest is said %q, want %q", first, want)
	}
}

func TestNothingTearsTheScreensAndNothingIsLost(t *testing.T) {
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
	p.ends(exitInterrupted)
	p.read.Wait()
	if left := string(p.all()); !strings.HasSuffix(left, eraseLine) {
		t.Errorf("left on the terminal is %q", left)
	}
}
