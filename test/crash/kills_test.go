//go:build linux

package crash_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// workers is how many sessions run at once on the one state.
const workers = 4

// journals is the config of TestKills: a hook for everything and one for closes, with a journal for each session.
func journals() string {
	return `version: 1
hooks:
  - name: all
    on: [onConnectSource, onDisconnectSource, onClose]
    shell: '` + quoted(journal(`"all-$HUMANCONNECT_SESSION_ID"`)) + `'
  - name: closes
    on: [onClose]
    command: [sh, -c, '` + quoted(journal(`"closes-$HUMANCONNECT_SESSION_ID"`)) + `']
`
}

// quoted is a text for between the single quotes of YAML.
func quoted(s string) string {
	var out []byte
	for _, b := range []byte(s) {
		if b == '\'' {
			out = append(out, '\'')
		}
		out = append(out, b)
	}
	return string(out)
}

func TestKillsLoseNothingAndInventNothing(t *testing.T) {
	sessions := flag.Lookup(flagSessions).Value.(flag.Getter).Get().(int)
	seed := flag.Lookup(flagSeed).Value.(flag.Getter).Get().(uint64)
	if seed == 0 {
		seed = rand.Uint64()
	}
	h := newHome(t, journals())
	sittings := playAll(t, h, sessions, seed)
	verify(t, h, sittings)
	nothingLeft(t, h, sittings)
	if t.Failed() {
		t.Logf("replay with -%s=%d -%s=%d; what is left lies in %s", flagSessions, sessions, flagSeed, seed, h.dir)
	}
}

// playAll plays all sessions, some at a time.
func playAll(t *testing.T, h *home, sessions int, seed uint64) []*sitting {
	all := make([]*sitting, sessions)
	p := &pace{takes: make(map[string]time.Duration)}
	for i := range all {
		all[i] = newSitting(t, h, i, rand.New(rand.NewPCG(seed, uint64(i))), p)
	}
	next := make(chan *sitting)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for s := range next {
				s.play()
			}
		})
	}
	for _, s := range all {
		next <- s
	}
	close(next)
	wg.Wait()
	return all
}

// nothingLeft looks at what the sessions left behind: doctor, sockets, temporary files, files of dead processes.
func nothingLeft(t *testing.T, h *home, sittings []*sitting) {
	last := h.place(t, "last")
	last.run(t, sittings[len(sittings)-1].args...) // a run of open sweeps what dead ones left
	r := last.run(t, "doctor")
	if r.code != 0 {
		t.Errorf("doctor ends with %d:\n%s%s", r.code, r.out, r.err)
	}
	t.Logf("doctor:\n%s", r.out)
	for _, s := range sittings {
		if sizeOf(s.place.runtime()) > 0 { // whoever starts a provider sweeps, and the last run may have started none
			s.place.want(t, 0, "provider", "show", "sandbox")
		}
		for _, dir := range []string{s.place.runtime(), s.place.temp()} {
			if sizeOf(dir) > 0 {
				t.Errorf("session %d (%s) left %s", s.number, s.script.name, tree(dir))
			}
		}
	}
	if run := filepath.Join(h.state(), "run"); sizeOf(run) > 0 {
		t.Errorf("files of dead processes: %s", tree(run))
	}
}

func tree(dir string) string {
	var out string
	_ = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		out += fmt.Sprintf("\n  %s", path)
		return err
	})
	return out
}
