package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestStrayRedirectsChangeNothing sends redirects without a pending authorization to a waiting open, before and after the one redirect
// that it waits for.
func TestStrayRedirectsChangeNothing(t *testing.T) {
	t.Parallel()
	p := newAuthorizedPlace(t)
	// The second attempt keeps open there, once the first one has its redirect.
	o := p.opens(p.token("ada"), leftAlone, "--connect", "sandbox-tracker", "--connect", "sandbox-tracker")
	redirect := p.consents(o.browserAt(), "none")
	callback, _, _ := strings.Cut(redirect, "?")
	state := queryOf(t, redirect).Get("state")
	strays := map[string]string{
		"another state":        with(redirect, "state", "x"),
		"no state":             with(redirect, "state", ""),
		"an error, no state":   callback + "?error=access_denied&iss=" + url.QueryEscape(p.server),
		"an error, a state":    callback + "?error=access_denied&state=" + state[1:],
		"half a state":         with(redirect, "state", state[:len(state)-1]),
		"nothing":              callback,
		"an empty state":       callback + "?code=c&state=",
		"the state in capital": with(redirect, "state", strings.ToUpper(state)),
	}
	for name, stray := range strays {
		if v := p.visits(stray); v.title != "No pending authorization" {
			t.Errorf("%s: the page says %d %q", name, v.status, v.title)
		}
	}
	if v, err := p.request(http.MethodGet, redirect+"&more="+strings.Repeat("x", 10<<20), nil); err == nil && v.status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("10 MiB: the page says %d %q", v.status, v.title)
	}
	if got := p.exchanges.Load(); got != 0 {
		t.Fatalf("a stray redirect was taken: %d codes were exchanged", got)
	}

	// Twice at once, then once more.
	once, twice := p.comesBack(redirect), p.comesBack(redirect)
	titles := []string{(<-once).title, (<-twice).title}
	if titles[0] != "Sandbox Tracker is connected" {
		titles[0], titles[1] = titles[1], titles[0]
	}
	if titles[0] != "Sandbox Tracker is connected" || titles[1] != "No pending authorization" {
		t.Errorf("the pages say %q", titles)
	}
	second := o.browserAt()
	if v := p.visits(redirect); v.title != "No pending authorization" {
		t.Errorf("a replay: the page says %d %q", v.status, v.title)
	}
	if v := p.visits(p.consents(second, "none")); v.title != "Sandbox Tracker is connected" {
		t.Errorf("the second attempt: the page says %d %q", v.status, v.title)
	}
	r := o.succeeds(1) // one account
	if got := p.exchanges.Load(); got != 2 || len(r.CurrentConnections) != 1 {
		t.Errorf("%d codes were exchanged for %d connections", got, len(r.CurrentConnections))
	}
}

// TestRedirectOfAnotherAttemptReachesThatOne: only the state counts, not the process that listens.
func TestRedirectOfAnotherAttemptReachesThatOne(t *testing.T) {
	t.Parallel()
	p := newAuthorizedPlace(t)
	ada := p.opens(p.token("ada"), leftAlone, "--connect", "sandbox-tracker")
	bob := p.opens(p.token("bob"), leftAlone, "--connect", "sandbox-tracker")
	hers := p.consents(ada.browserAt(), "none")
	his := p.consents(bob.browserAt(), "none")
	atHers, _, _ := strings.Cut(hers, "?")
	_, query, _ := strings.Cut(his, "?")
	if v := p.visits(atHers + "?" + query); v.title != "Sandbox Tracker is connected" {
		t.Errorf("the page says %d %q", v.status, v.title)
	}
	if r := bob.succeeds(1); *r.ClientUserID != "bob" {
		t.Errorf("the response is %+v", r)
	}
	select {
	case <-ada.done:
		t.Fatalf("her attempt was ended by his redirect: %s", ada.said.String())
	default:
	}
	if v := p.visits(atHers + "?" + query); v.title != "No pending authorization" {
		t.Errorf("his again: the page says %d %q", v.status, v.title)
	}
	if v := p.visits(hers); v.title != "Sandbox Tracker is connected" {
		t.Errorf("hers: the page says %d %q", v.status, v.title)
	}
	if r := ada.succeeds(1); *r.ClientUserID != "ada" || len(r.CurrentConnections) != 1 {
		t.Errorf("the response is %+v", r)
	}
}
