package plugins_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/plugins"
	"github.com/humanconnect/humanconnect/sdk"
)

func TestHungStepTimesOutAndItsProcessIsKilled(t *testing.T) {
	s := newStage(t)
	h := s.host(plugins.Options{
		Specs: []plugins.Spec{s.spec("provider")}, Limits: plugins.Limits{Step: 300 * time.Millisecond},
	})
	p := provider(t, h)
	began := time.Now()
	_, err := step(t, p, "hang")
	if e := failure(t, err); e.Code() != plugins.CodeTimeout || e.FailureCode() != "provider_timeout" || !e.Retryable() {
		t.Error(explain(err))
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("took %s", took)
	}
	s.nothingLeft()
	if _, err := step(t, p, "instant"); err != nil {
		t.Errorf("the next call does not get a fresh process: %s", explain(err))
	}
}

func TestHangOfOneCallDoesNotHarmTheOthers(t *testing.T) {
	s := newStage(t)
	h := s.host(plugins.Options{
		Specs:  []plugins.Spec{s.spec("provider")},
		Limits: plugins.Limits{Step: 5 * time.Second, Credential: 200 * time.Millisecond},
	})
	p := provider(t, h)
	first := report(t, p).Pid
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	other := make(chan error, 1)
	go func() {
		_, err := p.Connect(ctx, &sdk.ConnectRequest{Source: "hang", Reply: sdk.Start{}})
		other <- err
	}()
	err := p.Disconnect(t.Context(), &sdk.CredentialRequest{Source: "instant"})
	var said *sdk.Error
	if !errors.As(err, &said) || said.Code != sdk.NotSupported {
		t.Errorf("a provider without Disconnect says %v", err)
	}
	if report(t, p).Pid != first {
		t.Error("the process was given up without need")
	}
	cancel()
	if err := <-other; !errors.Is(err, context.Canceled) {
		t.Errorf("a call whose caller left says %v", err)
	}
}

// A process that is given up because a call hung still serves those that share it, and its end is no crash.
func TestRetiredProcessServesItsOtherCallsAndIsNoCrash(t *testing.T) {
	s := newStage(t)
	h := s.host(plugins.Options{
		Specs: []plugins.Spec{s.spec("provider")}, Limits: plugins.Limits{Credential: 100 * time.Millisecond},
	})
	p := provider(t, h)
	for range 4 { // three crashes would be the end
		ctx, cancel := context.WithCancel(t.Context())
		shared := make(chan error, 1)
		before := report(t, p).Pid
		go func() {
			_, err := p.Connect(ctx, &sdk.ConnectRequest{Source: "wait", Reply: sdk.Start{}})
			shared <- err
		}()
		err := p.(sdk.Checker).Check(t.Context(), &sdk.CredentialRequest{Source: "hang"})
		if e := failure(t, err); e.Code() != plugins.CodeTimeout {
			t.Error(explain(err))
		}
		if after := report(t, p).Pid; after == before {
			t.Error("a process that hangs is asked again")
		}
		cancel()
		if err := <-shared; !errors.Is(err, context.Canceled) {
			t.Errorf("the call that shared the process: %v", err)
		}
	}
	eventually(t, "only the last process is left", func() bool { return len(s.pids()) == 1 })
}

func TestCrashInAStepNamesTheExitAndTheLastLinesWithoutSecrets(t *testing.T) {
	s := newStage(t)
	log := &journal{}
	h := s.host(plugins.Options{Specs: []plugins.Spec{s.spec("provider")}, Log: log.log})
	_, err := provider(t, h).Connect(t.Context(), &sdk.ConnectRequest{
		Source: "panic", Reply: sdk.FormValues{Values: map[string]sdk.Secret{"password": "hunter2 \"quoted\""}},
	})
	e := failure(t, err)
	if e.Code() != plugins.CodeCrashed || !e.Crashed() || e.FailureCode() != "provider_crashed" {
		t.Error(explain(err))
	}
	for _, says := range []string{"in a step", "exit status 2", "panic: boom with [secret]"} {
		if !strings.Contains(explain(err), says) {
			t.Errorf("%q is not in\n%s", says, explain(err))
		}
	}
	if all := explain(err) + log.all(); strings.Contains(all, "hunter2") {
		t.Errorf("the secret got out:\n%s", all)
	}
	if !strings.Contains(log.all(), "panic: boom") {
		t.Errorf("the log misses the panic: %s", log.all())
	}
}

func TestKilledProviderIsRestartedForTheNextStep(t *testing.T) {
	s := newStage(t)
	p := provider(t, s.hostOf(s.spec("provider")))
	first := report(t, p).Pid
	s.kill(first)
	if second := report(t, p).Pid; second == first {
		t.Error("still the same process")
	}
}

// Nothing was asked of a provider that was killed before its handshake, so that starting it again repeats nothing.
func TestProviderKilledAtItsStartIsRestartedOnce(t *testing.T) {
	for deaths, works := range map[int]bool{1: true, 2: false} {
		s := newStage(t)
		dir := t.TempDir()
		for n := range deaths {
			write(t, filepath.Join(dir, fmt.Sprint(n)), "")
		}
		_, err := s.hostOf(s.spec("dies", dir)).Provider(t.Context(), "test")
		if works && err != nil {
			t.Errorf("killed %d times: %s", deaths, explain(err))
		}
		if !works && failure(t, err).Code() != plugins.CodeCrashed {
			t.Errorf("killed %d times: %s", deaths, explain(err))
		}
		if left, _ := os.ReadDir(dir); len(left) != 0 {
			t.Errorf("killed %d times: it was started %d times too few", deaths, len(left))
		}
	}
}

func TestProviderIsNotStartedAfterItsThirdCrash(t *testing.T) {
	s := newStage(t)
	h := s.hostOf(s.spec("provider"))
	p := provider(t, h)
	for range 2 {
		_, err := step(t, p, "exit")
		if e := failure(t, err); !e.Crashed() || !e.Retryable() {
			t.Error(explain(err))
		}
	}
	_, err := step(t, p, "exit")
	if e := failure(t, err); e.Code() != plugins.CodeCrashed || e.Retryable() {
		t.Error(explain(err))
	}
	_, err = h.Provider(t.Context(), "test")
	if e := failure(t, err); e.Code() != plugins.CodeCrashed || e.Crashed() || e.Retryable() ||
		!strings.Contains(explain(err), "exit status 7") {
		t.Error(explain(err))
	}
	s.nothingLeft()
}

func TestTooLargeMessageIsAnErrorAndDoesNoHarm(t *testing.T) {
	s := newStage(t)
	p := provider(t, s.hostOf(s.spec("provider")))
	first := report(t, p).Pid
	_, err := step(t, p, "huge")
	if e := failure(t, err); e.Code() != plugins.CodeBadAnswer || e.FailureCode() != "source_error" || e.Crashed() {
		t.Error(explain(err))
	}
	_, err = p.Connect(t.Context(), &sdk.ConnectRequest{Source: "instant", Reply: sdk.FormValues{
		Values: map[string]sdk.Secret{"text": sdk.Secret(strings.Repeat("x", sdk.MaxMessage))},
	}})
	if e := failure(t, err); e.Code() != plugins.CodeBadAnswer || !strings.Contains(e.Error(), "limit of 4 MiB") {
		t.Error(explain(err))
	}
	if report(t, p).Pid != first {
		t.Error("the process did not survive")
	}
}

// A process that we end is none that crashed, for whomever it served then.
func TestCallsOfAStoppedProviderAreNoCrashes(t *testing.T) {
	for _, source := range []string{"wait", "hang", "instant"} {
		t.Run(source, func(t *testing.T) {
			s := newStage(t)
			h := s.hostOf(s.spec("provider"))
			p := provider(t, h)
			failed := make(chan error, 8)
			for range cap(failed) {
				go func() {
					for {
						_, err := p.Connect(context.Background(), &sdk.ConnectRequest{Source: source, Reply: sdk.Start{}})
						if err != nil {
							failed <- err
							return
						}
					}
				}()
			}
			report(t, p)
			if err := h.Close(t.Context()); err != nil {
				t.Error(err)
			}
			for range cap(failed) {
				if err := <-failed; !errors.Is(err, plugins.ErrClosed) && failure(t, err).Code() != plugins.CodeUnavailable {
					t.Error(explain(err))
				}
			}
		})
	}
}

func TestEndlessLineOnStdoutDoesNotBlockTheProvider(t *testing.T) {
	s := newStage(t)
	log := &journal{}
	h := s.host(plugins.Options{Specs: []plugins.Spec{s.spec("provider")}, Log: log.log})
	p := provider(t, h)
	for range 3 {
		if text, err := step(t, p, "flood"); err != nil || text != "<nil>" {
			t.Fatalf("%q %v", text, err)
		}
	}
}

func TestGrandchildrenEndWithTheProvider(t *testing.T) {
	for name, end := range map[string]func(*stage, *plugins.Host, sdk.Provider){
		"closed": func(s *stage, h *plugins.Host, _ sdk.Provider) {
			if err := h.Close(context.Background()); err != nil {
				s.t.Error(err)
			}
		},
		"killed": func(s *stage, _ *plugins.Host, p sdk.Provider) { s.kill(report(s.t, p).Pid) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			h := s.hostOf(s.spec("provider"))
			p := provider(t, h)
			if text, err := step(t, p, "grandchild"); err != nil || text != "<nil>" {
				t.Fatalf("%q %v", text, err)
			}
			eventually(t, "the grandchild runs", func() bool { return len(s.pids()) == 2 })
			end(s, h, p)
			s.nothingLeft()
		})
	}
}

func TestProviderSeesOnlyTheAllowedEnvironment(t *testing.T) {
	s := newStage(t)
	h := s.host(plugins.Options{Specs: []plugins.Spec{s.spec("provider")}, Environ: []string{
		"PATH=/usr/bin:/bin", "LANG=de_AT.UTF-8", "LC_TIME=C", "TZ=UTC", "SSL_CERT_FILE=/c", "SSL_CERT_DIR=/d",
		"HTTPS_PROXY=http://user:planted@proxy:3128", "http_proxy=user:planted@proxy:3128", "No_Proxy=planted",
		"NO_PROXY=localhost", "HTTP_PROXY=http://a:planted%zz@b", "HOME=/planted", "TMPDIR=/planted",
		"HUMANCONNECT_SESSION_TOKEN=planted", "AWS_SECRET=planted", "SSH_AUTH_SOCK=/planted", "LD_PRELOAD=planted",
	}})
	saw := report(t, provider(t, h))
	var names []string
	for _, entry := range saw.Env {
		name, value, _ := strings.Cut(entry, "=")
		names = append(names, name)
		if strings.Contains(value, "planted") {
			t.Errorf("%s leaks", name)
		}
		if name == "HTTPS_PROXY" && value != "http://proxy:3128" || name == "http_proxy" && value != "proxy:3128" {
			t.Errorf("%s=%s", name, value)
		}
		if name == "TMPDIR" && value != saw.Dir {
			t.Errorf("TMPDIR is %s, the directory %s", value, saw.Dir)
		}
	}
	slices.Sort(names)
	want := []string{
		"HTTPS_PROXY", "HUMANCONNECT_LIFELINE", "HUMANCONNECT_PROVIDER", "LANG", "LC_TIME", "NO_PROXY", "PATH",
		"PLUGIN_MAX_PORT", "PLUGIN_MIN_PORT", "PLUGIN_PROTOCOL_VERSIONS", "PLUGIN_UNIX_SOCKET_DIR", "SSL_CERT_DIR",
		"SSL_CERT_FILE", "TMPDIR", "TZ", "http_proxy",
	}
	if !slices.Equal(names, want) {
		t.Errorf("the provider sees\n%q, want\n%q", names, want)
	}
	if saw.Group != saw.Pid {
		t.Error("the provider is not the leader of a group of its own")
	}
}

func TestManyCallersShareOneProcess(t *testing.T) {
	s := newStage(t)
	h := s.hostOf(s.spec("provider"))
	h.Warm("test", "nobody")
	pids := make([]int, 10)
	var all sync.WaitGroup
	for i := range pids {
		all.Go(func() { pids[i] = report(t, provider(t, h)).Pid })
	}
	all.Wait()
	if distinct := slices.Compact(slices.Clone(pids)); len(distinct) != 1 || len(s.pids()) != 1 {
		t.Errorf("processes: %v, running: %v", pids, s.pids())
	}
}

// TestStartLimitDoesNotRunWhileAStartWaitsToBeAdmitted: nor does it run before.
func TestStartLimitDoesNotRunWhileAStartWaitsToBeAdmitted(t *testing.T) {
	s := newStage(t)
	const limit = 5 * time.Second // a start takes some of it on a slow machine
	var admitted, started atomic.Bool
	h := s.host(plugins.Options{
		Specs: []plugins.Spec{s.spec("provider")}, Limits: plugins.Limits{Start: limit},
		Admit: func(ctx context.Context) (func(), error) {
			if _, limited := ctx.Deadline(); limited || len(s.pids()) > 0 {
				t.Error("the start has begun")
			}
			admitted.Store(true)
			return func() { started.Store(true) }, nil
		},
	})
	provider(t, h)
	if !admitted.Load() || !started.Load() {
		t.Errorf("admitted: %t, started: %t", admitted.Load(), started.Load())
	}
}

func TestCancelledStartReturnsAtOnceAndLeavesNothing(t *testing.T) {
	s := newStage(t)
	h := s.hostOf(s.spec("hangs"))
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error, 1)
	go func() {
		_, err := h.Provider(ctx, "test")
		failed <- err
	}()
	eventually(t, "the process runs", func() bool { return len(s.pids()) == 1 })
	began := time.Now()
	cancel()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if took := time.Since(began); took > 200*time.Millisecond {
		t.Errorf("took %s", took)
	}
	s.nothingLeft()
}

// The start belongs to all who wait for it: one who leaves takes nothing away from the others.
func TestStartContinuesForTheRemainingCallers(t *testing.T) {
	s := newStage(t)
	h := s.hostOf(s.spec("provider"))
	ctx, cancel := context.WithCancel(t.Context())
	left := make(chan error, 1)
	stayed := make(chan error, 1)
	go func() { _, err := h.Provider(t.Context(), "test"); stayed <- err }()
	go func() { _, err := h.Provider(ctx, "test"); left <- err }()
	cancel()
	if err := <-stayed; err != nil {
		t.Error(err)
	}
	if err := <-left; err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestCloseEndsHangingStartsAndCallsInTime(t *testing.T) {
	s := newStage(t)
	hanging, calling := s.hostOf(s.spec("hangs")), s.hostOf(s.spec("provider"))
	hanging.Warm("test")
	p := provider(t, calling)
	failed := make(chan error, 1)
	go func() {
		_, err := p.Connect(context.Background(), &sdk.ConnectRequest{Source: "hang", Reply: sdk.Start{}})
		failed <- err
	}()
	eventually(t, "both run", func() bool { return len(s.pids()) == 2 })
	began := time.Now()
	for _, h := range []*plugins.Host{hanging, calling} {
		if err := h.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("took %s", took)
	}
	if err := <-failed; err == nil {
		t.Error("a call of a closed host succeeded")
	}
	if _, err := calling.Provider(t.Context(), "test"); !errors.Is(err, plugins.ErrClosed) {
		t.Errorf("a closed host starts a provider: %v", err)
	}
}

func TestStoppedProviderIsKilledWhenItDoesNotEnd(t *testing.T) {
	s := newStage(t)
	h := s.hostOf(s.spec("provider"))
	pid := report(t, provider(t, h)).Pid
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := h.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("took %s", took)
	}
	s.nothingLeft()
}

func TestTextOfErrorsIsCleanedAndStaysReadable(t *testing.T) {
	s := newStage(t)
	p := provider(t, s.hostOf(s.spec("provider")))
	if _, err := p.Describe(t.Context()); err != nil {
		t.Fatal(explain(err))
	}
	for _, typed := range []sdk.Secret{"wrong", "api.example.com"} { // the second is a host of the description
		_, err := p.Connect(t.Context(), &sdk.ConnectRequest{
			Source: "refusal", Reply: sdk.FormValues{Values: map[string]sdk.Secret{"password": typed}},
		})
		var said *sdk.Error
		if !errors.As(err, &said) || said.Code != sdk.AccessDenied || said.Message != "no [1mentry for "+typed.Reveal() {
			t.Errorf("%v", err)
		}
	}
}

// Nothing is left of a sentence with a secret in it: core then has the sentence of the code.
func TestSentenceWithASecretIsNotUsed(t *testing.T) {
	s := newStage(t)
	log := &journal{}
	p := provider(t, s.host(plugins.Options{Specs: []plugins.Spec{s.spec("provider")}, Log: log.log}))
	values := sdk.FormValues{Values: map[string]sdk.Secret{"password": "correct horse"}}
	_, err := p.Connect(t.Context(), &sdk.ConnectRequest{Source: "refusal", Reply: values})
	var said *sdk.Error
	if !errors.As(err, &said) || said.Code != sdk.AccessDenied || said.Message != "" {
		t.Errorf("%v", err)
	}
	_, err = p.Connect(t.Context(), &sdk.ConnectRequest{Source: "status", Reply: values})
	if e := failure(t, err); e.Code() != plugins.CodeBadAnswer || !strings.HasSuffix(e.Error(), "failed in a step (Internal)") {
		t.Error(explain(err))
	}
	if lines := log.all(); strings.Contains(lines, "horse") || strings.Count(lines, "it holds a secret") != 2 {
		t.Errorf("logged: %s", lines)
	}
}

func TestNothingStaysInTheRuntimeDirectory(t *testing.T) {
	s := newStage(t)
	dir := shortDir(t)
	h := s.host(plugins.Options{Specs: []plugins.Spec{s.spec("provider")}, RuntimeDir: dir})
	provider(t, h)
	if got, _ := filepath.Glob(filepath.Join(dir, "hc-*", "*")); len(got) != 2 {
		t.Errorf("in use: %q", got)
	}
	if err := h.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if got, _ := filepath.Glob(filepath.Join(dir, "*")); len(got) != 0 {
		t.Errorf("left: %q", got)
	}
}

func (s *stage) kill(pid int) {
	s.t.Helper()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		s.t.Fatal(err)
	}
	eventually(s.t, "the process is gone", func() bool { return syscall.Kill(pid, 0) != nil })
}
