package main

import (
	"regexp"
	"strings"
	"testing"
)

// newBrowsingPerson sits in front of the program at a place with an authorization server.
func newBrowsingPerson(t *testing.T) (*person, *authorizedPlace) {
	t.Helper()
	place := newAuthorizedPlace(t)
	place.write("fails", "until [ -s fail ]; do sleep 0.1; done; exit 3")
	return &person{t: t, home: place.dir, token: place.token("ada")}, place
}

// browses starts open with a browser.
func (p *person) browses(place *authorizedPlace, browser string, flags ...string) {
	p.t.Helper()
	c := place.command(browser, append([]string{"open", "--token", "@" + p.token}, flags...)...)
	c.Env = append(c.Env, "TERM=xterm-256color")
	p.starts(c)
}

var sentTo = regexp.MustCompile(`http://[^\s\x07\x1b]*authorize[^\s\x07\x1b]*`)

// address waits until the program has shown where the person is sent.
func (p *person) address() string {
	p.t.Helper()
	waitUntil(p.t, func() bool { return sentTo.Match(p.all()) })
	return string(sentTo.Find(p.all()))
}

// face is one of the two ways in which a person is asked; it says ready when something can be chosen.
type face struct {
	flags []string
	ready string
}

func faces() map[string]face {
	return map[string]face{
		"screens": {ready: "0 connected"},
		"lines":   {flags: []string{"--accessible"}, ready: `"done":`},
	}
}

// finishes ends a session in a face.
func (p *person) finishes(f face) []byte {
	p.t.Helper()
	if f.flags != nil {
		p.presses("done" + enter)
		return p.ends(0)
	}
	p.presses(esc).sees("Are you done?").presses(enter)
	return p.ends(0)
}

// connects chooses the source that a word finds.
func (p *person) connects(f face, word, title string) *person {
	p.t.Helper()
	if f.flags == nil {
		return p.presses(word).sees("1 source").presses(enter)
	}
	return p.presses(word+enter).sees("1 "+title, f.ready).presses("1" + enter)
}

func TestPersonPastesTheRedirectOnScreensAndLines(t *testing.T) {
	t.Parallel()
	browsers := map[string]struct {
		browser string
		flags   []string
		message string
	}{
		"no browser":                  {flags: []string{"--no-browser"}, message: "authorize"},
		"browser that is not there":   {browser: "no-such-browser", message: "no-such-browser: executable file not found"},
		"browser that fails later on": {browser: "sh fails", message: "sh: exit status 3"},
		"browser that stays away":     {browser: "sh keep link", message: "authorize"},
	}
	for name, f := range faces() {
		for what, b := range browsers {
			t.Run(name+", "+what, func(t *testing.T) {
				t.Parallel()
				p, place := newBrowsingPerson(t)
				p.browses(place, b.browser, append(b.flags, f.flags...)...)
				p.sees(f.ready).connects(f, "tracker", "Sandbox Tracker")
				redirect := place.consents(p.address(), "none")
				place.write("fail", "now")
				p.sees(b.message).presses("nonsense" + enter).sees("This text contains no redirect URL")
				p.presses("http://127.0.0.1:1/callback?code=x" + enter).sees("This URL has no state")
				p.presses(with(redirect, "state", "x") + enter).sees("No pending authorization matches this URL")
				p.presses("'" + strings.TrimPrefix(strings.ReplaceAll(redirect, "&", "&amp;"), "http://") + "'" + enter)
				p.sees("Sandbox Tracker is connected").presses(ctrlC)
				if r := p.answer(p.ends(130)); len(r.SessionResults.ConnectedSources) != 1 || len(r.Failures) != 0 {
					t.Errorf("the response is %+v", r)
				}
			})
		}
	}
}

func TestRedirectIsAsGoodAsAPaste(t *testing.T) {
	t.Parallel()
	for name, f := range faces() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, place := newBrowsingPerson(t)
			p.browses(place, "sh keep link", f.flags...)
			p.sees(f.ready).connects(f, "tracker", "Sandbox Tracker")
			redirect := place.consents(p.address(), "none")
			p.presses("half an addr").sees("half an addr") // before what it is typed for goes away
			<-place.comesBack(redirect)
			p.sees("Sandbox Tracker is connected")
			if r := p.answer(p.finishes(f)); len(r.SessionResults.ConnectedSources) != 1 {
				t.Errorf("the response is %+v", r)
			}
		})
	}
}

func TestPersonResumesWaitingForTheBrowser(t *testing.T) {
	t.Parallel()
	for name, f := range faces() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, place := newBrowsingPerson(t)
			p.browses(place, "", append(f.flags, "--no-browser")...)
			p.sees(f.ready).connects(f, "tracker", "Sandbox Tracker")
			address := p.address()
			p.dies()
			p.browses(place, "", append(f.flags, "--no-browser")...)
			p.sees("Continue with Sandbox Tracker?")
			if f.flags == nil {
				p.presses(enter)
			} else {
				p.presses("yes" + enter)
			}
			if again := p.address(); again != address {
				t.Errorf("the address is %s now, and was %s", again, address)
			}
			redirect := place.consents(address, "none")
			place.listens(redirect)
			<-place.comesBack(redirect)
			p.sees("Sandbox Tracker is connected").presses(ctrlC)
			if r := p.answer(p.ends(130)); len(r.SessionResults.ConnectedSources) != 1 || len(r.Failures) != 0 {
				t.Errorf("the response is %+v", r)
			}
		})
	}
}
