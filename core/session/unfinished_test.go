package session_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/core/session"
	"github.com/humanconnect/humanconnect/internal/problem"
)

// TestResponseNamesWhatWasNotFinished: a script is cut while its first connect hangs, and its other actions wait for that.
func TestResponseNamesWhatWasNotFinished(t *testing.T) {
	for cut, why := range map[session.Cut]string{
		session.CutTimeLimit: "the time limit passed", session.CutTerminate: "the call was interrupted", session.CutInterrupt: "the call was interrupted",
	} {
		t.Run(string(cut), func(t *testing.T) {
			w := newWorld(t)
			tok := w.token("u1", time.Hour)
			w.place.next(alpha, play{Account: "ann", Hangs: true})
			script := session.Script{Actions: []session.Action{connectTo(alpha), disconnectFrom(beta), connectTo(beta)}}
			fe := w.frontEnd()
			s := fe.open(tok, script.Actions...)
			ctx, stop := context.WithCancelCause(t.Context())
			defer stop(nil)
			var final *session.Final
			done := fe.begin(func() (err error) {
				final, err = s.Drive(ctx, func(ctx context.Context) error { return s.Run(ctx, script, session.Person{}) })
				return err
			})
			w.waitForTimers(1)
			stop(cutBy(cut))
			w.waitForGrace()
			w.clock.Advance(5 * time.Second)
			if err := done(); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range w.response(final.Response).Failures {
				got = append(got, strings.Join([]string{f.Action, f.Source.ID, f.Source.Name, f.Code, f.Message}, "|"))
				if !f.Retryable {
					t.Errorf("%s is not retryable", f.Source.ID)
				}
			}
			want := []string{
				"connect|" + alpha + "|" + nameOf(alpha) + "|attempt_interrupted|" + why + " before the action was finished",
				"disconnect|" + beta + "|" + nameOf(beta) + "|attempt_interrupted|" + why + " before the action began",
				"connect|" + beta + "|" + nameOf(beta) + "|attempt_interrupted|" + why + " before the action began",
			}
			if !slices.Equal(got, want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			w.check()
		})
	}
}

// TestTokenThatEndsNamesWhatWasNotFinished: also the end of the token leaves no action without an outcome.
func TestTokenThatEndsNamesWhatWasNotFinished(t *testing.T) {
	w := newWorld(t)
	w.place.next(alpha, play{Account: "ann", Hangs: true})
	script := session.Script{Actions: []session.Action{connectTo(alpha)}}
	fe := w.frontEnd()
	s := fe.open(w.token("u1", time.Second), script.Actions...)
	var final *session.Final
	done := fe.begin(func() (err error) {
		final, err = s.Drive(t.Context(), func(ctx context.Context) error { return s.Run(ctx, script, session.Person{}) })
		return err
	})
	w.waitForTimers(1)
	w.clock.Advance(time.Second)
	w.waitForGrace()
	w.clock.Advance(5 * time.Second)
	if err := done(); err != nil {
		t.Fatal(err)
	}
	f := w.response(final.Response).Failures
	if len(f) != 1 || f[0].Code != "attempt_interrupted" || f[0].Message != "the session token came to its end before the action was finished" {
		t.Errorf("failures: %+v", f)
	}
	w.check()
}

func TestAllProblemsOfAScriptAreToldAtOnce(t *testing.T) {
	w := newWorld(t)
	_, err := w.frontEnd().try(session.OpenRequest{Token: w.token("u1", time.Hour), Script: session.Script{Actions: []session.Action{
		connectTo("nowhere"), connectTo(alpha), connectTo("elsewhere"), disconnectFrom("con_01m82qs3pgf5n9dxc2xefj987a"),
	}}})
	var p *problem.Problem
	if !errors.As(err, &p) || p.Code() != "source_unknown" {
		t.Fatalf("got %v", err)
	}
	facts := strings.Join(p.Facts(), "\n")
	for _, want := range []string{"nowhere [source_unknown]", "elsewhere [source_unknown]", "con_01m82qs3pgf5n9dxc2xefj987a [connection_not_found]"} {
		if !strings.Contains(facts, want) {
			t.Errorf("%q is not in\n%s", want, facts)
		}
	}
}

// TestScriptThatIsCutBeforeItBeganNamesAllOfIt: the time may be over with the opening.
func TestScriptThatIsCutBeforeItBeganNamesAllOfIt(t *testing.T) {
	w := newWorld(t)
	script := session.Script{Actions: []session.Action{connectTo(alpha), connectTo(beta)}}
	s := w.frontEnd().open(w.token("u1", time.Hour), script.Actions...)
	ctx, stop := context.WithCancelCause(t.Context())
	stop(cutBy(session.CutTimeLimit))
	final, err := s.Drive(ctx, func(ctx context.Context) error { return s.Run(ctx, script, session.Person{}) })
	if err != nil {
		t.Fatal(err)
	}
	if f := w.response(final.Response).Failures; len(f) != 2 || f[0].Message != "the time limit passed before the action began" {
		t.Errorf("failures: %+v", f)
	}
	w.check()
}
