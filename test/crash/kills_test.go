//go:build linux

package crash_test

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// workers is how many sessions run at once on the one state.
const workers = 4

// journals is a config with a hook for everything and one for closes, with a journal for each session, and with where the
// authorization server of the tracker is.
func journals(server string) string {
	return `version: 1
sources:
  - id: sandbox-tracker
    settings: { server: "` + server + `" }
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

// authority runs the authorization server of the tracker for as long as the test, and returns its address.
func authority(t *testing.T) string {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	server := exec.CommandContext(ctx, binary("humanconnect-sandbox"), "--listen", "127.0.0.1:0")
	server.Env = []string{}
	out, err := server.StdoutPipe()
	if err := errors.Join(err, server.Start()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = server.Wait() // killed
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

// everywhere is from how many sessions on kills hit everywhere, whatever the seed.
const everywhere = 100

func TestKillsLoseNothingAndInventNothing(t *testing.T) {
	sessions := flag.Lookup(flagSessions).Value.(flag.Getter).Get().(int)
	seed := flag.Lookup(flagSeed).Value.(flag.Getter).Get().(uint64)
	if seed == 0 {
		seed = rand.Uint64()
	}
	h := newHome(t, journals(authority(t)))
	trials := playAll(t, h, sessions, seed)
	sum := verify(t, h, trials)
	nothingLeft(t, h, trials)
	if missed := sum.missed(); sessions >= everywhere && len(missed) > 0 {
		t.Errorf("no kill hit %s", strings.Join(missed, ", nor "))
	}
	if t.Failed() {
		t.Logf("replay with -%s=%d -%s=%d; what is left lies in %s", flagSessions, sessions, flagSeed, seed, h.dir)
	}
}

// playAll plays sessions, some at a time, until so many have been killed.
func playAll(t *testing.T, h *home, sessions int, seed uint64) (all []*trial) {
	t.Helper()
	var killed atomic.Int64
	p := &pace{takes: make(map[string]time.Duration)}
	next := make(chan *trial)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for s := range next {
				if s.play(); len(s.kills) > 0 {
					killed.Add(1)
				}
			}
		})
	}
	for killed.Load() < int64(sessions) && len(all) < 2*sessions+workers {
		random := rand.New(rand.NewPCG(seed, uint64(len(all))))
		all = append(all, newTrial(t, h, len(all), choose(random), random, p))
		next <- all[len(all)-1]
	}
	close(next)
	wg.Wait()
	if killed.Load() < int64(sessions) {
		t.Errorf("%d sessions of %d were killed, want %d", killed.Load(), len(all), sessions)
	}
	return all
}

const (
	// maxCommits is more than one run makes.
	maxCommits = 200
	// enough is how many runs in a row come to their ends when no run makes more commits: on a busy machine, two may look
	// like one.
	enough = 3
)

// A run that is the only one to write is killed after its first commit, another one after its second, and so on: each change
// is in one commit with all that belongs to it.
func TestKillsBetweenCommitsLeaveNothingHalfDone(t *testing.T) {
	t.Parallel()
	h := newHome(t, journals(authority(t)))
	p, random := &pace{takes: make(map[string]time.Duration)}, rand.New(rand.NewPCG(1, 1))
	var all []*trial
	for whole := 0; whole < enough && len(all) < maxCommits; whole++ {
		s := newTrial(t, h, len(all), busy(), random, p)
		all = append(all, s)
		if s.playToCommit(len(all)) {
			whole = -1
		}
	}
	if sum := verify(t, h, all); sum.kills < len(busy().actions) {
		t.Errorf("only %d kills", sum.kills)
	}
	nothingLeft(t, h, all)
}

// nothingLeft looks at what the sessions left behind: doctor, sockets, temporary files, files of dead processes.
func nothingLeft(t *testing.T, h *home, trials []*trial) {
	last := h.place(t, "last")
	last.run(t, trials[len(trials)-1].args...) // a run of open sweeps what dead ones left
	r := last.run(t, "doctor")
	if r.code != 0 {
		t.Errorf("doctor ends with %d:\n%s%s", r.code, r.out, r.err)
	}
	t.Logf("doctor:\n%s", r.out)
	for _, s := range trials {
		if sizeOf(s.place.runtime()) > 0 { // whoever starts a provider sweeps, and the last run may have started none
			s.place.want(t, 0, "provider", "show", "sandbox")
		}
		for _, dir := range []string{s.place.runtime(), s.place.temp()} {
			if sizeOf(dir) > 0 {
				t.Errorf("session %d (%s) left %s", s.number, s.script.name, tree(dir))
			}
		}
	}
	left, err := os.ReadDir(filepath.Join(h.state(), "run"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	for _, f := range left {
		if filepath.Ext(f.Name()) != ".queue" { // a queue stays: it belongs to no process
			t.Errorf("a file of a dead process: %s", f.Name())
		}
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
