package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/exit"
)

// The sandbox's server rotates refresh tokens, and ends the grant of one that is used again: so each of these tests shows a
// second refresh as a connection that is dead.

// issuer lets the first access token live as long as the test says, and later ones for an hour.
type issuer struct {
	http.Handler
	first int
	// lost: the next refresh is done, and its response never sent.
	lost atomic.Bool
	// opaque: the next refresh is refused with 400 and no word of why. bare: refreshes give no refresh token.
	opaque, bare atomic.Bool
	// short: the access tokens of refreshes live as long as the first.
	short atomic.Bool
}

func (i *issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/oauth/token" {
		i.Handler.ServeHTTP(w, r)
		return
	}
	_ = r.ParseForm()
	refresh := r.Form.Get("grant_type") == "refresh_token"
	if refresh && i.opaque.Swap(false) {
		http.Error(w, "Bad Request: token "+r.Form.Get("refresh_token"), http.StatusBadRequest)
		return
	}
	kept := httptest.NewRecorder()
	i.Handler.ServeHTTP(kept, r)
	if refresh && i.lost.Swap(false) {
		<-r.Context().Done()
		return
	}
	var members map[string]any
	body := kept.Body.Bytes()
	if json.Unmarshal(body, &members) == nil {
		if !refresh {
			members["expires_in"] = i.first
		} else if i.bare.Load() {
			members["expires_in"] = i.first
			delete(members, "refresh_token")
		} else if i.short.Load() {
			members["expires_in"] = i.first
		}
		body, _ = json.Marshal(members)
	}
	for name, values := range kept.Header() {
		w.Header()[name] = values
	}
	w.Header().Del("Content-Length")
	w.WriteHeader(kept.Code)
	_, _ = w.Write(body)
}

// connected is a place with a connection whose access token lives for so many seconds.
func connected(t *testing.T, seconds int, fault string) (p *authorizedPlace, i *issuer, con string) {
	t.Helper()
	p = newAuthorizedPlace(t)
	i = &issuer{Handler: p.authority, first: seconds}
	p.authority = i
	o := p.opens(p.token("ada"), leftAlone, "--connect", "sandbox-tracker")
	<-p.comesBack(p.consents(o.browserAt(), fault))
	con = string(o.succeeds(1).SessionResults.ConnectedSources[0].ConnectionID)
	p.exchanges.Store(0)
	return p, i, con
}

// asked is a run of connection token.
type asked struct {
	cmd      *exec.Cmd
	out, err bytes.Buffer
}

func (p *authorizedPlace) asks(args ...string) *asked {
	a := &asked{cmd: p.command("", append([]string{"connection"}, args...)...)}
	a.cmd.Stdout, a.cmd.Stderr = &a.out, &a.err
	return a
}

// ends runs it to its end and wants an exit code.
func (a *asked) ends(t *testing.T, code int) string {
	t.Helper()
	err := a.cmd.Run()
	if got := a.cmd.ProcessState.ExitCode(); got != code {
		t.Fatalf("exit code %d, want %d: %v\n%s%s", got, code, err, a.out.String(), a.err.String())
	}
	return strings.TrimSpace(a.out.String())
}

// state is the state of a connection, and its reason.
func (p *authorizedPlace) state(con string) (state, reason string) {
	p.t.Helper()
	var row struct{ State, Reason string }
	if err := json.Unmarshal([]byte(p.asks("show", con, "-o", "json").ends(p.t, exit.OK)), &row); err != nil {
		p.t.Fatal(err)
	}
	return row.State, row.Reason
}

func TestHundredProcessesThatWantATokenRefreshItOnce(t *testing.T) {
	t.Parallel()
	p, _, con := connected(t, 1, "none")
	waitUntil(t, func() bool { return p.expired(con) })
	tokens := make([]string, 100)
	var work sync.WaitGroup
	room := make(chan struct{}, 4)
	for n := range tokens {
		work.Go(func() {
			room <- struct{}{}
			defer func() { <-room }()
			a := p.asks("token", con)
			if err := a.cmd.Run(); err != nil {
				t.Errorf("run %d: %v\n%s", n, err, a.err.String())
			}
			tokens[n] = strings.TrimSpace(a.out.String())
		})
	}
	work.Wait()
	for n, token := range tokens {
		if token == "" || token != tokens[0] {
			t.Errorf("run %d got another token than the first", n)
		}
	}
	if got := p.exchanges.Load(); got != 1 {
		t.Errorf("%d refreshes", got)
	}
	p.asks("check", con).ends(t, exit.OK)
}

// expired says whether the access token of a connection has expired, by our clock.
func (p *authorizedPlace) expired(con string) bool {
	var row struct{ ExpiresAt time.Time }
	_ = json.Unmarshal([]byte(p.asks("show", con, "-o", "json").ends(p.t, exit.OK)), &row)
	return time.Now().After(row.ExpiresAt)
}

// While the owner of a refresh lives, stopped or not, nobody refreshes beside it. A token that is valid still is given out.
func TestStoppedOwnerOfARefreshIsWaitedForAndNeverDoubled(t *testing.T) {
	t.Parallel()
	p, _, con := connected(t, 1, "none")
	waitUntil(t, func() bool { return p.expired(con) })
	held := p.holds()
	owner := p.asks("token", con)
	if err := owner.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	request := p.waitsFor(held)
	stop := func(s syscall.Signal) {
		if err := owner.cmd.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
	}
	stop(syscall.SIGSTOP)
	p.letsGo(request)
	began := time.Now()
	waiter := p.asks("token", con)
	waiter.ends(t, exit.InUse)
	if took := time.Since(began); took < 30*time.Second || !strings.Contains(waiter.err.String(), "refresh_in_progress") {
		t.Errorf("after %s: %s", took, waiter.err.String())
	}
	if got := p.exchanges.Load(); got != 1 {
		t.Errorf("%d refreshes while the owner lives", got)
	}
	stop(syscall.SIGCONT) // longer after its call than a call may take: it may have heard the response, or not
	_ = owner.cmd.Wait()
	p.neverActiveAndDead(t, con)
}

// neverActiveAndDead wants a connection that works, or that says that it needs to be reconnected.
func (p *authorizedPlace) neverActiveAndDead(t *testing.T, con string) {
	t.Helper()
	a := p.asks("check", con)
	_ = a.cmd.Run()
	state, reason := p.state(con)
	switch code := a.cmd.ProcessState.ExitCode(); {
	case code == exit.OK && state == "active":
	case code == exit.Refused && state == "needs_reconnect" && reason == "refresh_interrupted":
	default:
		t.Errorf("check ends with %d, and the connection is %s %s\n%s", code, state, reason, a.err.String())
	}
}

func TestTokenThatIsStillValidIsGivenOutBesideAStoppedOwner(t *testing.T) {
	t.Parallel()
	p, _, con := connected(t, 3600, "none")
	first := p.asks("token", con).ends(t, exit.OK)
	held := p.holds()
	owner := p.asks("token", con, "--min-valid", "59m30s")
	waitUntil(t, func() bool { return p.leftOf(con) < 59*time.Minute+30*time.Second })
	if err := owner.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	request := p.waitsFor(held)
	_ = owner.cmd.Process.Signal(syscall.SIGSTOP)
	if got := p.asks("token", con, "--min-valid", "59m30s").ends(t, exit.OK); got != first {
		t.Error("it printed another token than the stored one")
	}
	p.letsGo(request)
	_ = owner.cmd.Process.Signal(syscall.SIGCONT)
	if err := owner.cmd.Wait(); err != nil || p.exchanges.Load() != 1 {
		t.Errorf("%v, %d refreshes\n%s", err, p.exchanges.Load(), owner.err.String())
	}
}

func (p *authorizedPlace) leftOf(con string) time.Duration {
	var row struct{ ExpiresAt time.Time }
	_ = json.Unmarshal([]byte(p.asks("show", con, "-o", "json").ends(p.t, exit.OK)), &row)
	return time.Until(row.ExpiresAt)
}

// After kill -9 in a refresh the next call tries once: with a refresh token that still works, or one that the source has
// replaced without our knowing. The connection is never active and dead.
func TestKilledOwnerOfARefreshLeavesATokenOrAReconnect(t *testing.T) {
	t.Parallel()
	for name, reached := range map[string]bool{"before the source replaced it": false, "after the source replaced it": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, i, con := connected(t, 1, "none")
			p.write("hooks.yaml", "version: 1\nclientId: demo\nsources: [{id: sandbox-tracker, settings: {server: \""+p.server+"\"}}]\n"+
				"hooks: [{name: told, on: [onNeedsReconnect], shell: cat >> told}]\n")
			waitUntil(t, func() bool { return p.expired(con) })
			held := p.holds()
			owner := p.asks("token", con)
			if err := owner.cmd.Start(); err != nil {
				t.Fatal(err)
			}
			request := p.waitsFor(held)
			if reached {
				i.lost.Store(true)
				p.letsGo(request)
				waitUntil(t, func() bool { return !i.lost.Load() })
			}
			_ = owner.cmd.Process.Kill()
			_ = owner.cmd.Wait()
			if !reached {
				p.mu.Lock()
				p.held = nil
				p.mu.Unlock()
			}
			p.settles(t, con, reached)
		})
	}
}

// A refusal without a reason says nothing of the grant, and the body that came with it is shown nowhere.
func TestRefusalWithoutAReasonEndsNoConnection(t *testing.T) {
	t.Parallel()
	p, i, con := connected(t, 1, "none")
	waitUntil(t, func() bool { return p.expired(con) })
	i.opaque.Store(true)
	a := p.asks("--debug", "token", con)
	a.ends(t, exit.Refused)
	if said := a.err.String(); !strings.Contains(said, "source_error") || strings.Contains(said, "Bad Request") {
		t.Errorf("it says %s", said)
	}
	if state, _ := p.state(con); state != "active" {
		t.Errorf("the connection is %s", state)
	}
	p.asks("check", con).ends(t, exit.OK)
	p.asks("token", con).ends(t, exit.OK)
}

// A server that gives no new refresh token means that the old one is kept (RFC 6749 §6).
func TestRefreshTokenIsKeptWhereNoneIsGiven(t *testing.T) {
	t.Parallel()
	p, i, con := connected(t, 1, "no_rotation")
	i.bare.Store(true)
	seen := make(map[string]bool)
	for range 3 {
		waitUntil(t, func() bool { return p.expired(con) })
		seen[p.asks("token", con).ends(t, exit.OK)] = true
	}
	if len(seen) != 3 || p.exchanges.Load() != 3 {
		t.Errorf("%d tokens of %d refreshes", len(seen), p.exchanges.Load())
	}
}

// A kill hits anywhere in a refresh: before the claim, in the call, before or after the commit.
func TestKillAtAnyMomentOfARefreshLeavesATokenOrAReconnect(t *testing.T) {
	t.Parallel()
	p, i, con := connected(t, 1, "none")
	i.short.Store(true)
	refreshed, reconnected := 0, 0
	for trial := range 24 {
		waitUntil(t, func() bool { return p.expired(con) })
		victim := p.asks("token", con)
		if err := victim.cmd.Start(); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Duration(trial) * 8 * time.Millisecond)
		_ = victim.cmd.Process.Kill()
		_ = victim.cmd.Wait()
		a := p.asks("token", con)
		_ = a.cmd.Run()
		switch code := a.cmd.ProcessState.ExitCode(); {
		case code == exit.OK && strings.TrimSpace(a.out.String()) != "":
			refreshed++
		case code == exit.Refused && strings.Contains(a.err.String(), "refresh_interrupted"):
			o := p.opens(p.token("ada"), leftAlone, "--connect", con)
			<-p.comesBack(p.consents(o.browserAt(), "none"))
			o.succeeds(1)
			reconnected++
		default:
			t.Fatalf("trial %d: exit code %d\n%s", trial, code, a.err.String())
		}
		if state, reason := p.state(con); state != "active" || reason != "" {
			t.Fatalf("trial %d: %s, %s", trial, state, reason)
		}
	}
	if refreshed == 0 {
		t.Errorf("%d refreshed, %d reconnected", refreshed, reconnected)
	}
}

// settles asks for a token until there is one, or the connection needs to be reconnected.
func (p *authorizedPlace) settles(t *testing.T, con string, reached bool) {
	t.Helper()
	if !reached {
		p.asks("token", con).ends(t, exit.OK)
		p.asks("check", con).ends(t, exit.OK)
		return
	}
	for range 2 {
		a := p.asks("--config", "hooks.yaml", "token", con)
		a.ends(t, exit.Refused)
		if !strings.Contains(a.err.String(), "refresh_interrupted") {
			t.Errorf("it says %s", a.err.String())
		}
	}
	if state, reason := p.state(con); state != "needs_reconnect" || reason != "refresh_interrupted" {
		t.Errorf("%s, %s", state, reason)
	}
	told := readDocumentIn(t, p.dir, "told")
	if n := strings.Count(told, `"type":"connection.needs_reconnect"`); n != 1 || !strings.Contains(told, `"status":null`) || !strings.Contains(told, con) {
		t.Errorf("hooks were told %d times: %s", n, told)
	}
}

func readDocumentIn(t *testing.T, dir, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
