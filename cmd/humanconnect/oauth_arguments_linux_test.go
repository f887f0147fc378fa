package main

import (
	"bytes"
	"net/url"
	"slices"
	"strconv"
	"testing"
	"time"
)

// watch reads the arguments of a program's child processes, and of theirs, as often as it can.
type watch struct {
	// seen has the arguments and environments of each process: a process may change them by what it executes.
	seen map[int][][]byte
	// met is closed when the program, its provider and its browser have been seen, the browser with its link.
	met  chan struct{}
	stop chan struct{}
	over chan struct{}
}

func watches(t *testing.T, root int) *watch {
	w := &watch{seen: make(map[int][][]byte), met: make(chan struct{}), stop: make(chan struct{}), over: make(chan struct{})}
	family := map[int]bool{root: true}
	go func() {
		defer close(w.over)
		for met := false; ; {
			for again := true; again; {
				again = false
				for pid, parent := range parents(t) {
					if family[parent] && !family[pid] {
						family[pid], again = true, true
					}
				}
			}
			for pid := range family {
				w.look(pid, "cmdline")
				if pid != root { // what the program itself was given is the caller's
					w.look(pid, "environ")
				}
			}
			if !met && len(w.seen) >= 3 && w.sawLink() {
				close(w.met)
				met = true
			}
			select {
			case <-w.stop:
				return
			case <-time.After(time.Millisecond):
			}
		}
	}()
	return w
}

func (w *watch) look(pid int, file string) {
	text := proc(pid, file)
	known := slices.ContainsFunc(w.seen[pid], func(b []byte) bool { return bytes.Equal(b, text) })
	if len(text) > 0 && !known {
		w.seen[pid] = append(w.seen[pid], text)
	}
}

func (w *watch) sawLink() bool {
	for _, texts := range w.seen {
		if slices.ContainsFunc(texts, func(b []byte) bool { return bytes.Contains(b, []byte("/go/")) }) {
			return true
		}
	}
	return false
}

// ends returns what was seen.
func (w *watch) ends() (texts [][]byte) {
	close(w.stop)
	<-w.over
	for _, seen := range w.seen {
		texts = append(texts, seen...)
	}
	return texts
}

// TestArgumentsNameNeitherSourceNorState: other users of the machine see the arguments of every process.
func TestArgumentsNameNeitherSourceNorState(t *testing.T) {
	t.Parallel()
	p := newAuthorizedPlace(t)
	p.write("plan.yaml", "actions: [{connect: sandbox-tracker}]")
	// A browser that is a shell, which runs another program: both stay until the person has been there.
	p.write("browse", `sh keep "$1" "$2" && until [ -f been ]; do sleep 0.1; done && sh -c 'exit 0' "$2"`)
	o := p.opens(p.token("ada"), "sh browse link", "--plan", "plan.yaml")
	w := watches(t, o.cmd.Process.Pid)
	o.link = p.dir + "/link"
	authorize := o.browserAt()
	redirect := p.consents(authorize, "slow")
	page := p.comesBack(redirect)
	select {
	case <-w.met:
	case <-time.After(storyLimit):
		t.Error("the program, its provider and its browser were not seen: nothing would have been")
	}
	p.write("been", "")
	if got := <-page; got.title != "Sandbox Tracker is connected" {
		t.Errorf("the page says %d %q", got.status, got.title)
	}
	o.succeeds(1)
	never := []string{"sandbox-tracker", p.server, "authorize"}
	for name, values := range queryOf(t, authorize) {
		if name == "state" || name == "nonce" || name == "code_challenge" {
			never = append(never, values...)
		}
	}
	never = append(never, queryOf(t, redirect)["code"]...)
	if len(never) != 7 {
		t.Fatalf("looks for %d texts", len(never))
	}
	for _, text := range w.ends() {
		for _, secret := range never {
			if bytes.Contains(text, []byte(secret)) || bytes.Contains(text, []byte(url.QueryEscape(secret))) {
				t.Errorf("%s is told by %s", strconv.Quote(secret), bytes.ReplaceAll(text, []byte{0}, []byte{' '}))
			}
		}
	}
}
