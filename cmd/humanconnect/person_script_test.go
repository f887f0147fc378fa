package main

import (
	"bytes"
	"slices"
	"testing"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/exit"
)

func TestPersonIsAskedForTheAnswersThatAScriptLacks(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"none": nil, "a user name": {"--answer", "sandbox-clinic.username=demouser"}, "--ui terminal": {"--ui", "terminal"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPerson(t).opens(append([]string{"--connect", "sandbox-instant", "--connect", "sandbox-clinic"}, args...)...)
			if name != "a user name" {
				p.sees("Sandbox Clinic", "User name:").presses("demouser" + enter)
			}
			p.sees("not shown").presses("sesame"+enter).sees("the password is wrong", "User name:").presses("demouser" + enter)
			p.sees("not shown").presses("password"+enter).sees("Sandbox Instant is connected", "Sandbox Clinic is connected")
			if r := p.answer(p.ends(0)); len(r.SessionResults.ConnectedSources) != 2 || len(r.Failures) != 0 {
				t.Errorf("the response is %+v", r)
			}
			p.checkRestored()
			again := p.opens("--connect", "sandbox-instant", "--connect", "sandbox-clinic")
			if r := again.answer(again.ends(0)); len(r.SessionResults.ConnectedSources) != 2 {
				t.Errorf("the same command again: %+v", r)
			}
		})
	}
}

func TestPersonWhoDoesNotAnswerAScriptFailsTheSourceAlone(t *testing.T) {
	t.Parallel()
	p := newPerson(t).opens("--connect", "sandbox-instant", "--connect", "sandbox-clinic").sees("User name:").presses(ctrlD)
	r := p.answer(p.ends(exit.Failures))
	if len(r.SessionResults.ConnectedSources) != 1 || len(r.Failures) != 1 || r.Failures[0].Code != "input_required" {
		t.Errorf("the response is %+v", r)
	}
	p.checkRestored()
}

func TestScriptAsksNothingWhereNobodyIsToAsk(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{"--no-input": {"--no-input"}, "--ui none": {"--ui", "none"}, "CI": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPerson(t)
			c := p.program(append([]string{"open", "--connect", "sandbox-clinic"}, args...)...)
			if name == "CI" {
				c.Env = append(c.Env, "CI=true")
			}
			p.starts(c).ends(exit.Usage)
			p.read.Wait()
			if !p.shows([]string{"no answer to sandbox-clinic.username", "--answer"}) {
				t.Errorf("the terminal shows %s", p.all())
			}
		})
	}
}

func TestScriptAtATerminalGoesStraightToTheBrowserOfASource(t *testing.T) {
	t.Parallel()
	p, place := newBrowsingPerson(t)
	p.browses(place, "", "--connect", "sandbox-tracker", "--connect", "sandbox-clinic")
	form := func() {
		p.sees("User name:").presses("demouser" + enter).sees("not shown").presses("password" + enter)
	}
	browser := func() {
		redirect := place.consents(p.address(), "none")
		p.sees("paste its full URL").presses(redirect + enter)
	}
	// One is asked at a time, the one first whose source was the first to ask.
	waitUntil(t, func() bool { return sentTo.Match(p.all()) || bytes.Contains(p.all(), []byte("User name:")) })
	steps := []func(){form, browser}
	if sentTo.Match(p.all()) {
		slices.Reverse(steps)
	}
	for _, step := range steps {
		step()
	}
	if r := p.answer(p.ends(0)); len(r.SessionResults.ConnectedSources) != 2 {
		t.Errorf("the response is %+v", r)
	}
}
