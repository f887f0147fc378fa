package plugins_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/plugins"
	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/host"
)

// of returns the provider for one of its sources.
func of(t *testing.T, h *plugins.Host, source string) sdk.Provider {
	t.Helper()
	p, err := h.Provider(t.Context(), "test", source)
	if err != nil {
		t.Fatal(explain(err))
	}
	return p
}

// tells makes a step with a secret of the source, and returns the process and all that it was sent so far.
func tells(t *testing.T, h *plugins.Host, source string) (pid int, sent []string) {
	t.Helper()
	step, err := of(t, h, source).Connect(t.Context(), &sdk.ConnectRequest{
		Source: source, Settings: sdk.Settings{Secrets: map[string]sdk.Secret{"client_secret": sdk.Secret("secret of " + source)}},
		Reply: sdk.FormValues{Values: map[string]sdk.Secret{"password": sdk.Secret("password of " + source)}},
	})
	if err != nil {
		t.Fatal(explain(err))
	}
	if err := json.Unmarshal(host.ResumeOf(step), &sent); err != nil {
		t.Fatal(err)
	}
	if pid, err = strconv.Atoi(step.(sdk.Wait).Text); err != nil {
		t.Fatal(err)
	}
	return pid, sent
}

func TestEachSourceHasAProcessOfItsOwnThatIsSentItsSecretsAlone(t *testing.T) {
	s := newStage(t)
	h := s.hostOf(s.spec("provider"))
	sources := []string{"tells-a", "tells-b", "tells-c"}
	pids := map[int]bool{}
	for range 2 {
		for _, source := range sources {
			if _, err := h.DescribeSource(t.Context(), "test", &sdk.DescribeRequest{Source: source}); err != nil {
				t.Fatal(explain(err))
			}
			pid, sent := tells(t, h, source)
			pids[pid] = true
			all := strings.Join(sent, "\n")
			if !strings.Contains(all, "secret of "+source) || !strings.Contains(all, "password of "+source) {
				t.Errorf("%s lacks its own secrets: %s", source, all)
			}
			for _, other := range sources {
				if other != source && strings.Contains(all, other) {
					t.Errorf("%s was sent what is for %s: %s", source, other, all)
				}
			}
			if !strings.Contains(sent[0], "DescribeRequest") {
				t.Errorf("before it described itself, %s was sent %s", source, sent[0])
			}
		}
	}
	if len(pids) != 3 || len(s.pids()) != 3 {
		t.Errorf("%d processes served three sources, %d run", len(pids), len(s.pids()))
	}
}

func TestProcessThatOnlyDescribesEndsWithIt(t *testing.T) {
	s := newStage(t)
	h := s.hostOf(s.spec("provider"))
	for range 5 { // each end is wanted, and no crash
		if _, err := h.Describe(t.Context(), "test"); err != nil {
			t.Fatal(explain(err))
		}
		s.nothingLeft()
	}
}

func TestSourceIsDescribedAlone(t *testing.T) {
	s := newStage(t)
	spec := s.claiming("provider", "also=more")
	spec.Sources = []string{"instant", "more"}
	h := s.hostOf(spec)
	for source, want := range map[string][]string{"instant": {"instant"}, "more": {"more"}, "absent": nil} {
		d, err := h.DescribeSource(t.Context(), "test", &sdk.DescribeRequest{Source: source})
		if err != nil {
			t.Fatal(explain(err))
		}
		var got []string
		for _, s := range d.Sources {
			got = append(got, s.ID)
		}
		if !slices.Equal(got, want) {
			t.Errorf("of %s it describes %q", source, got)
		}
	}
	spec.Sources = []string{"instant"}
	_, err := s.hostOf(spec).DescribeSource(t.Context(), "test", &sdk.DescribeRequest{Source: "instant"})
	if e := failure(t, err); e.Code() != plugins.CodeClaims {
		t.Error(explain(err))
	}
}

func TestCrashesAreCountedForEachSource(t *testing.T) {
	s := newStage(t)
	h := s.hostOf(s.spec("provider"))
	for range 3 {
		if _, err := step(t, of(t, h, "exit"), "exit"); failure(t, err).Code() != plugins.CodeCrashed {
			t.Fatal(explain(err))
		}
	}
	if _, err := h.Provider(t.Context(), "test", "exit"); err == nil || !strings.Contains(err.Error(), "crashed 3 times") {
		t.Errorf("it is started again: %v", err)
	}
	if _, err := step(t, of(t, h, "instant"), "instant"); err != nil {
		t.Errorf("another source does not start: %s", explain(err))
	}
}

// TestLogNamesASourceByItsNumber: which sources a person uses is health data.
func TestLogNamesASourceByItsNumber(t *testing.T) {
	s := newStage(t)
	var mu sync.Mutex
	var lines []string
	note := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		lines = append(lines, fmt.Sprintf(format, args...))
	}
	h := s.host(plugins.Options{
		Specs: []plugins.Spec{s.spec("provider")}, Log: func(process, _ string) { note("line %s", process) },
		Started: func(process string, pid int) { note("start %s %t", process, slices.Contains(s.pids(), pid)) },
	})
	for _, source := range []string{"prints", "stderr", "prints"} {
		if _, err := step(t, of(t, h, source), source); err != nil {
			t.Fatal(explain(err))
		}
	}
	if _, err := h.Describe(t.Context(), "test"); err != nil {
		t.Fatal(explain(err))
	}
	if err := h.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	slices.Sort(lines)
	want := []string{"line test", "line test#1", "line test#2", "start test true", "start test#1 true", "start test#2 true"}
	if got := slices.Compact(lines); !slices.Equal(got, want) {
		t.Errorf("the log has %q, want %q", got, want)
	}
	if one, two := h.Label("test", "prints"), h.Label("test", "stderr"); one != "test#1" || two != "test#2" {
		t.Errorf("%s, %s", one, two)
	}
}

func TestProcessThatIsIdleLongestMakesRoom(t *testing.T) {
	s := newStage(t)
	h := s.host(plugins.Options{Specs: []plugins.Spec{s.spec("provider")}, Processes: 2})
	first, _ := tells(t, h, "tells-a")
	second, _ := tells(t, h, "tells-b")
	if again, _ := tells(t, h, "tells-a"); again != first {
		t.Fatal("it was started again though there was room")
	}
	tells(t, h, "tells-c")
	if got := s.pids(); len(got) != 2 || !slices.Contains(got, first) || slices.Contains(got, second) {
		t.Errorf("%d and %d ran, now %v", first, second, got)
	}
	// One that made room has not crashed: it is started as often as it is needed.
	for n := range 12 {
		if tells(t, h, "tells-"+string(rune('a'+n%4))); len(s.pids()) > 2 {
			t.Errorf("%d processes", len(s.pids()))
		}
	}
}

func TestStartWaitsWhileAllProcessesAreBusy(t *testing.T) {
	s := newStage(t)
	h := s.host(plugins.Options{Specs: []plugins.Spec{s.spec("provider")}, Processes: 1})
	busy, end := context.WithCancel(t.Context())
	p := of(t, h, "wait")
	ended := make(chan error, 1)
	go func() {
		_, err := p.Connect(busy, &sdk.ConnectRequest{Source: "wait", Reply: sdk.Start{}})
		ended <- err
	}()
	eventually(t, "the call has begun", func() bool { return h.Busy() == 1 })
	why := errors.New("the person went away")
	short, cancel := context.WithTimeoutCause(t.Context(), 100*time.Millisecond, why)
	defer cancel()
	if _, err := h.Provider(short, "test", "instant"); !errors.Is(err, why) {
		t.Errorf("a start beside a busy process: %v", err)
	}
	if len(s.pids()) != 1 {
		t.Errorf("%d processes", len(s.pids()))
	}
	started := make(chan error, 1)
	go func() { _, err := h.Provider(t.Context(), "test", "instant"); started <- err }()
	end()
	<-ended
	if err := inTime(t, func() error { return <-started }); err != nil {
		t.Error(explain(err))
	}
	if len(s.pids()) != 1 {
		t.Errorf("%d processes", len(s.pids()))
	}
}

func TestManySourcesAtOnceGetAlongWithLittleRoom(t *testing.T) {
	s := newStage(t)
	h := s.host(plugins.Options{Specs: []plugins.Spec{s.spec("provider")}, Processes: 2})
	var all sync.WaitGroup
	for n := range 6 {
		all.Go(func() {
			for range 3 {
				p, err := h.Provider(t.Context(), "test", fmt.Sprint("tells-", n))
				if err == nil {
					_, err = p.Connect(t.Context(), &sdk.ConnectRequest{Source: fmt.Sprint("tells-", n), Reply: sdk.Start{}})
				}
				if err != nil {
					t.Error(explain(err))
				}
			}
		})
	}
	all.Wait()
	if len(s.pids()) > 2 {
		t.Errorf("%d processes", len(s.pids()))
	}
}

func TestIdleProcessIsStoppedAndStartedAgainWhenItIsNeeded(t *testing.T) {
	s := newStage(t)
	h := s.host(plugins.Options{Specs: []plugins.Spec{s.spec("provider")}, Limits: plugins.Limits{Idle: 200 * time.Millisecond}})
	for range 4 { // no end of these is a crash
		tells(t, h, "tells-a")
		s.nothingLeft()
	}
	// A call that takes longer is no idleness.
	busy, end := context.WithTimeout(t.Context(), time.Second)
	defer end()
	_, err := of(t, h, "wait").Connect(busy, &sdk.ConnectRequest{Source: "wait", Reply: sdk.Start{}})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a call was cut: %v", err)
	}
}
