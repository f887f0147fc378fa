package exit

import (
	"errors"
	"fmt"
	"testing"

	"github.com/humanconnect/humanconnect/core/connection"
	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/session"
	"github.com/humanconnect/humanconnect/internal/problem"
)

// stopped is an error of a signal.
type stopped int

func (s stopped) Error() string { return "stopped" }
func (s stopped) ExitCode() int { return int(s) }

func TestEachCutHasAnExitCode(t *testing.T) {
	for cut, want := range map[session.Cut]int{
		session.CutNone: OK, session.CutTimeLimit: Timeout, session.CutInterrupt: Interrupted, session.CutTerminate: Terminated, session.CutHangup: Hangup,
	} {
		if got := OfCut(cut); got != want {
			t.Errorf("%q: %d", cut, got)
		}
	}
}

// TestSessionEndsWithTheCodeOfHighestRank: a signal of this call, of the session, then token, time limit, failures, hook.
func TestSessionEndsWithTheCodeOfHighestRank(t *testing.T) {
	const none, late, interrupted, terminated = session.CutNone, session.CutTimeLimit, session.CutInterrupt, session.CutTerminate
	good, bad := event.Success, event.TokenExpired
	for _, c := range []struct {
		name       string
		final      session.Final
		unaccepted bool
		own        session.Cut
		want       int
	}{
		{"all well", session.Final{Status: good}, false, none, OK},
		{"a hook", session.Final{Status: good}, true, none, Hook},
		{"failures", session.Final{Status: good, Failed: true}, true, none, Failures},
		{"a time limit", session.Final{Status: good, Failed: true, Cut: late}, true, none, Timeout},
		{"a time limit of this call", session.Final{Status: good, Failed: true}, true, late, Timeout},
		{"a token", session.Final{Status: bad, Failed: true, Cut: late}, true, none, Token},
		{"a signal", session.Final{Status: bad, Failed: true, Cut: interrupted}, true, none, Interrupted},
		{"a signal of this call", session.Final{Status: bad, Failed: true, Cut: late}, true, terminated, Terminated},
		{"two signals", session.Final{Status: good, Cut: interrupted}, false, terminated, Terminated},
		{"another script", session.Final{Status: good, OtherScript: true}, false, none, Failures},
		{"another script, whose session was cut", session.Final{Status: bad, Cut: interrupted, OtherScript: true}, false, none, Failures},
		{"another script, and this call is cut", session.Final{Status: good, OtherScript: true}, false, interrupted, Interrupted},
		{"another script, and a hook", session.Final{Status: good, OtherScript: true}, true, none, Failures},
	} {
		if got := OfSession(&c.final, c.unaccepted, c.own); got != c.want {
			t.Errorf("%s: %d, not %d", c.name, got, c.want)
		}
	}
}

func TestRefreshesEndWithTheWorstOutcome(t *testing.T) {
	for _, c := range []struct {
		outcomes []connection.Outcome
		want     int
	}{
		{nil, OK},
		{[]connection.Outcome{connection.OutcomeRefreshed, connection.OutcomeElsewhere}, OK},
		{[]connection.Outcome{connection.OutcomeFailed, connection.OutcomeRefreshed}, Network},
		{[]connection.Outcome{connection.OutcomeFailed, connection.OutcomeNeedsReconnect, connection.OutcomeFailed}, Refused},
		{[]connection.Outcome{connection.OutcomeNeedsReconnect, connection.OutcomeCut, connection.OutcomeFailed}, Timeout},
	} {
		var results []connection.DueResult
		for _, o := range c.outcomes {
			results = append(results, connection.DueResult{Outcome: o})
		}
		if got := OfRefreshes(results); got != c.want {
			t.Errorf("%v: %d", c.outcomes, got)
		}
	}
}

func TestSignalOutranksAnErrorThatIsStillReported(t *testing.T) {
	usage := problem.New(problem.CodeUsage, "wrong")
	err := Outranked(Interrupted, fmt.Errorf("doing: %w", usage))
	if Of(err) != Interrupted || !errors.Is(err, error(usage)) || ProblemOf(err) != usage {
		t.Errorf("%d, %v", Of(err), err)
	}
	for _, code := range []int{OK, Failures, Timeout} { // no signals
		if err := Outranked(code, usage); Of(err) != Usage {
			t.Errorf("%d outranks: %d", code, Of(err))
		}
	}
	if err := Outranked(Hangup, usage); Of(err) != Hangup {
		t.Errorf("a hangup: %d", Of(err))
	}
	if Outranked(Interrupted, nil) != nil {
		t.Error("an error was made of none")
	}
	if got := Of(fmt.Errorf("doing: %w", stopped(Terminated))); got != Terminated {
		t.Errorf("an error of a signal: %d", got)
	}
}
