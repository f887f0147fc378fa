//go:build linux

package crash_test

import (
	"syscall"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/core/store"
)

// open is the command that opens a session at one source.
func open(token, source, user string) []string {
	args := append([]string{"open", "--token", token, "--connect", source}, login(source, user)...)
	if source == family {
		args = append(args, "--answer", family+".member=robin")
	}
	return args
}

func responseOf(t testing.TB, r result) response {
	t.Helper()
	var doc response
	decode(t, r.out, &doc)
	return doc
}

func wantConnected(t testing.TB, r result, source string) {
	t.Helper()
	r.want(t, 0)
	doc := responseOf(t, r)
	if len(doc.SessionResults.Connected) != 1 || doc.SessionResults.Connected[0].ID != source {
		t.Errorf("connected are %v, want %s", doc.SessionResults.Connected, source)
	}
}

func TestProviderKilledBetweenTwoStepsCostsNothing(t *testing.T) {
	t.Parallel()
	h := newHome(t, "")
	p := h.place(t, "p")
	run := p.start(t, open(p.token(t, "user", "token"), family, "wait")...)
	first := h.awaitAttempt(t, "the first wait", waits)
	if p.signal(syscall.SIGKILL) == 0 {
		t.Fatal("there is no provider to kill")
	}
	h.awaitAttempt(t, "the second wait", func(a store.Attempt) bool { return waits(a) && a.DueAt.After(first.DueAt) })
	if p.signal(syscall.SIGKILL) == 0 {
		t.Fatal("there is no other provider to kill")
	}
	wantConnected(t, run.end(), family)
}

func TestPollThatAKilledProviderHadIsRepeated(t *testing.T) {
	t.Parallel()
	h := newHome(t, "")
	p := h.place(t, "p")
	run := p.start(t, open(p.token(t, "user", "token"), clinic, "wait")...)
	first := h.awaitAttempt(t, "the first wait", waits)
	if p.signal(syscall.SIGSTOP) == 0 {
		t.Fatal("there is no provider to stop")
	}
	within(t, stepLimit, "the poll is due", func() bool { return time.Since(first.DueAt) > 500*time.Millisecond })
	if run.ended() {
		t.Fatal("a poll was answered by a stopped process")
	}
	p.signal(syscall.SIGKILL)
	wantConnected(t, run.end(), clinic)
}

func TestProviderKilledAtItsStartIsStartedAgain(t *testing.T) {
	t.Parallel()
	h := newHome(t, "")
	p := h.place(t, "p")
	run := p.start(t, "open", "--token", p.token(t, "user", "token"), "--connect", instant)
	within(t, stepLimit, "a provider is started", func() bool { return p.signal(syscall.SIGKILL) > 0 || run.ended() })
	wantConnected(t, run.end(), instant)
}

func TestProviderKilledInsideAStepInterruptsAScript(t *testing.T) {
	t.Parallel()
	h := newHome(t, "")
	p := h.place(t, "p")
	run := p.start(t, open(p.token(t, "user", "token"), clinic, "slow")...)
	h.awaitAttempt(t, "the provider works on the form", begun)
	within(t, stepLimit, "a provider is there", func() bool { return p.signal(syscall.SIGKILL) > 0 })
	r := run.end()
	r.want(t, 3)
	doc := responseOf(t, r)
	if len(doc.Failures) != 1 || doc.Failures[0].Code != "attempt_interrupted" || !doc.Failures[0].Retryable {
		t.Errorf("failures are %+v, want one attempt_interrupted that a retry may help", doc.Failures)
	}
	wantConnected(t, p.run(t, open(p.token(t, "user", "token2"), clinic, "demouser")...), clinic)
}

func TestCoreKilledInsideAStepDoesNotRepeatTheForm(t *testing.T) {
	t.Parallel()
	h := newHome(t, "")
	p := h.place(t, "p")
	args := open(p.token(t, "user", "token"), clinic, "slow")
	run := p.start(t, args...)
	h.awaitAttempt(t, "the provider works on the form", begun)
	run.signal(syscall.SIGKILL)
	<-run.done
	if left := p.survivors(survival); len(left) > 0 {
		t.Errorf("%d processes outlive the core: %q", len(left), left[0].argv)
	}
	r := p.run(t, args...)
	r.want(t, 3)
	if doc := responseOf(t, r); len(doc.Failures) != 1 || doc.Failures[0].Code != "attempt_interrupted" {
		t.Errorf("failures are %+v, want attempt_interrupted", doc.Failures)
	}
}

func TestWildProviderLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	for _, user := range []string{"grandchild", "stdout"} {
		t.Run(user, func(t *testing.T) {
			t.Parallel()
			h := newHome(t, "")
			p := h.place(t, "p")
			wantConnected(t, p.run(t, open(p.token(t, "user", "token"), clinic, user)...), clinic)
			if left := p.survivors(survival); len(left) > 0 {
				t.Errorf("%d processes outlive the session: %q", len(left), left[0].argv)
			}
			for _, dir := range []string{p.runtime(), p.temp()} {
				if sizeOf(dir) > 0 {
					t.Errorf("left behind: %s", tree(dir))
				}
			}
		})
	}
}
