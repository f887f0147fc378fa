package main

import (
	"strings"
	"testing"

	"github.com/humanconnect/humanconnect/core/event"
)

// dies is what happens to a program when its machine does.
func (p *person) dies() {
	p.t.Helper()
	if err := p.command.Process.Kill(); err != nil {
		p.t.Fatal(err)
	}
	p.ends(-1)
}

func TestPersonResumesAnUnfinishedAttempt(t *testing.T) {
	t.Parallel()
	p := newPerson(t).opens()
	p.sees("5 sources").presses("family" + enter).sees("User name").presses("demouser" + enter + "password" + enter).sees("Robin")
	p.dies()
	p.opens().sees("Continue with Sandbox Family?").presses(enter).sees("Robin").presses(enter).sees("Sandbox Family is connected")
	p.presses("clin" + enter).sees("Password").presses("code" + enter + "password" + enter).sees("SAND-BOX1")
	p.dies()
	p.opens("--accessible").sees("Continue with Sandbox Clinic?", "yes or no").presses("yes" + enter).sees("SAND-BOX1").presses(ctrlD)
	p.sees("Sandbox Family, connected as Alex (demouser), in this session", `"done":`).presses("done" + enter)
	r := p.answer(p.ends(0))
	if r.Status != event.Success || len(r.SessionResults.ConnectedSources) != 1 || len(r.Failures) != 0 {
		t.Errorf("the response is %+v", r)
	}
}

func TestPersonCancelsAnUnfinishedAttempt(t *testing.T) {
	t.Parallel()
	for name, face := range map[string]struct {
		flags []string
		no    string
		list  string
	}{
		"screens": {no: esc, list: "5 sources, 0 connected"},
		"lines":   {flags: []string{"--accessible"}, no: ctrlD, list: `"done":`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPerson(t).opens()
			p.sees("5 sources").presses("clin" + enter).sees("Password")
			p.dies()
			p.opens(face.flags...).sees("Continue with Sandbox Clinic?").presses(face.no).sees(face.list)
			p.dies()
			p.opens(face.flags...).sees(face.list).presses(ctrlC)
			if r := p.answer(p.ends(130)); len(r.Failures) != 0 {
				t.Errorf("what was left is a failure: %+v", r.Failures)
			}
		})
	}
}

func TestPersonIsToldThatTheSessionIsClosed(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{"screens": nil, "script": {"--connect", "sandbox-instant"}, "no prompts": {"--no-input"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPerson(t)
			first := p.program("open", "--connect", "sandbox-instant")
			if said, err := first.CombinedOutput(); err != nil || strings.Contains(string(said), "already closed") {
				t.Fatalf("%v\n%s", err, said)
			}
			p.opens(args...)
			p.answer(p.ends(0))
			p.read.Wait()
			if !p.shows([]string{"already closed", "humanconnect token create"}) {
				t.Errorf("the terminal shows %s", p.all())
			}
		})
	}
}
