//go:build linux

package crash_test

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
)

// each runs something for 0 … n-1 at once.
func each(n int, do func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { do(i) })
	}
	wg.Wait()
}

func TestProcessesAtOnceMakeTheStateAndOpenTheirSessions(t *testing.T) {
	t.Parallel()
	const users = 24
	h := newHome(t, "")
	places := make([]*place, users)
	for i := range places {
		places[i] = h.place(t, fmt.Sprint("p", i))
		places[i].user(t, fmt.Sprint("user-", i))
	}
	each(users, func(i int) {
		p := places[i]
		made, err := p.try("token", "create", "--client-user-id", "@"+p.file("user"))
		if err != nil || made.code != 0 {
			t.Errorf("token create: %v, exit code %d: %s", err, made.code, made.err)
			return
		}
		if err := os.WriteFile(p.file("token"), []byte(made.out), 0o600); err != nil {
			t.Error(err)
			return
		}
		r, err := p.try("open", "--token", "@"+p.file("token"), "--connect", instant)
		if err != nil || r.code != 0 {
			t.Errorf("open: %v, exit code %d: %s", err, r.code, r.err)
		}
	})
	w := readWorld(t, h)
	if len(w.sessions) != users || len(w.events) != users {
		t.Errorf("%d users have sessions, and %d sessions have events; want %d", len(w.sessions), len(w.events), users)
	}
}

func TestOneUserConnectsOneSourceFromEightProcesses(t *testing.T) {
	t.Parallel()
	const processes = 8
	h := newHome(t, "")
	places, tokens := make([]*place, processes), make([]string, processes)
	for i := range places {
		places[i] = h.place(t, fmt.Sprint("p", i))
		tokens[i] = places[i].token(t, "user", "token")
	}
	results := make([]result, processes)
	each(processes, func(i int) {
		var err error
		if results[i], err = places[i].try("open", "--token", tokens[i], "--connect", instant); err != nil {
			t.Error(err)
		}
	})
	ids := map[string]bool{}
	for _, r := range results {
		wantConnected(t, r, instant)
		ids[responseOf(t, r).SessionResults.Connected[0].ConnectionID] = true
	}
	var listed []linked
	places[0].read(t, &listed, "connection", "list", "--client-id", "crash", "--client-user-id", "user")
	if len(ids) != 1 || len(listed) != 1 {
		t.Errorf("connections %v, listed %v; want one", ids, listed)
	}
	w := readWorld(t, h)
	for ses, events := range w.events {
		if len(events) != 2 || events[0].Type != "source.connected" || events[1].Type != "session.closed" {
			t.Errorf("events of session %s are %+v", ses, events)
		}
	}
	if len(w.events) != processes {
		t.Errorf("%d sessions have events, want %d", len(w.events), processes)
	}
}

func TestSessionHasOneFrontEnd(t *testing.T) {
	t.Parallel()
	h := newHome(t, "")
	p := h.place(t, "p")
	args := open(p.token(t, "user", "token"), clinic, "wait")
	first := p.start(t, args...)
	h.awaitAttempt(t, "the first wait", waits)
	refused := p.want(t, 13, args...)
	if refused.out != "" || !strings.Contains(refused.err, "[session_in_use]") {
		t.Errorf("the second prints %q and says %q", refused.out, refused.err)
	}
	wantConnected(t, p.run(t, append(args, "--take-over")...), clinic)
	ousted := first.end()
	ousted.want(t, 13)
	if ousted.out != "" || !strings.Contains(ousted.err, "[taken_over]") {
		t.Errorf("the ousted one prints %q and says %q", ousted.out, ousted.err)
	}
}
