package main

import (
	"slices"
	"testing"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/exit"
	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/providers/sandbox/server/authority"
)

// outcome is what comes of a fault of the consent page. The zero value: it connects.
type outcome struct {
	code      problem.Code
	retryable bool
	setting   string
	// waits: it is waited for until the end of the call.
	waits bool
}

// sameEverywhere are the outcomes that do not depend on the way.
func sameEverywhere() map[string]outcome {
	return map[string]outcome{
		"none": {}, "slow": {}, "account_late": {}, "short": {}, "no_rotation": {}, "revoke_later": {}, "revoke_fails": {},
		"token_rate_limited": {code: failure.RateLimited, retryable: true},
		"token_garbage":      {code: failure.SourceError},
		"token_huge":         {code: failure.SourceError},
		"token_redirect":     {code: failure.SourceError},
		"client_refused":     {code: failure.BadConfiguration, setting: "client_id"},
		"account_fails":      {code: failure.SourceUnavailable, retryable: true},
	}
}

func atABrowser() map[string]outcome {
	o := sameEverywhere()
	o["wrong_state"] = outcome{code: failure.AttemptInterrupted, retryable: true, waits: true}
	o["wrong_issuer"] = outcome{code: failure.SourceError}
	o["no_code"] = outcome{code: failure.SourceError}
	o["error_temporarily_unavailable"] = outcome{code: failure.SourceUnavailable, retryable: true}
	o["error_server_error"] = outcome{code: failure.SourceError, retryable: true}
	o["error_invalid_scope"] = outcome{code: failure.ScopeMissing}
	o["error_unauthorized_client"] = outcome{code: failure.BadConfiguration, setting: "client_id"}
	o["hang"] = outcome{code: failure.SourceUnavailable, retryable: true}
	o["token_unavailable"] = outcome{code: failure.SourceUnavailable, retryable: true}
	o["code_refused"] = outcome{code: failure.SourceError, retryable: true}
	return o
}

func atADevice() map[string]outcome {
	o := sameEverywhere()
	o["expired"] = outcome{code: failure.AttemptExpired, retryable: true}
	o["slow_down"] = outcome{}
	o["hang"] = outcome{code: failure.AttemptInterrupted, retryable: true, waits: true}
	o["token_unavailable"] = outcome{code: failure.AttemptInterrupted, retryable: true, waits: true}
	o["code_refused"] = outcome{code: failure.AttemptExpired, retryable: true}
	return o
}

// faultyRun is a run of open that meets a fault.
type faultyRun struct {
	*opening
	fault string
	want  outcome
}

// TestEveryFaultOfTheConsentPageHasItsFailureCode runs all of them at once: some take their time.
func TestEveryFaultOfTheConsentPageHasItsFailureCode(t *testing.T) {
	t.Parallel()
	p := newAuthorizedPlace(t)
	p.write("consent", `humanconnect-sandbox consent --fault "$1" "$2" || true`)
	var runs []faultyRun
	for _, fault := range slowestFirst() {
		if want, ok := expected(t, atABrowser(), fault.ID, fault.Browser); ok {
			o := p.opens(p.token("b-"+fault.ID), "sh consent "+fault.ID, append(until(want), "--connect", "sandbox-tracker")...)
			runs = append(runs, faultyRun{o, fault.ID, want})
		}
		if want, ok := expected(t, atADevice(), fault.ID, fault.Device); ok {
			o := p.opens(p.token("d-"+fault.ID), "", append(until(want), "--connect", "sandbox-scale")...)
			p.consents(o.device(), fault.ID)
			runs = append(runs, faultyRun{o, fault.ID, want})
		}
	}
	for _, run := range runs {
		run.check()
	}
}

// slowestFirst has the faults that take long at the beginning.
func slowestFirst() []authority.Fault {
	faults := authority.Faults()
	slices.SortStableFunc(faults, func(a, b authority.Fault) int { return slowness(b.ID) - slowness(a.ID) })
	return faults
}

func slowness(fault string) int {
	return slices.Index([]string{"slow_down", "hang", "account_fails"}, fault)
}

// expected finds the outcome of a fault, where it can be chosen.
func expected(t *testing.T, outcomes map[string]outcome, fault string, offered bool) (outcome, bool) {
	t.Helper()
	want, listed := outcomes[fault]
	if listed != offered {
		t.Errorf("%s: offered %v, tested %v", fault, offered, listed)
	}
	return want, listed && offered
}

// until ends a call that waits.
func until(want outcome) []string {
	if want.waits {
		return []string{"--timeout", "4s"}
	}
	return nil
}

func (r faultyRun) check() {
	t := r.p.t
	t.Helper()
	source := r.cmd.Args[len(r.cmd.Args)-1]
	code := exit.OK
	switch {
	case r.want.waits:
		code = exit.Timeout
	case r.want.code != "":
		code = exit.Failures
	}
	got := r.ends(code)
	var f event.Failure
	if len(got.Failures) > 0 {
		f = got.Failures[0]
	}
	connected := len(got.SessionResults.ConnectedSources) == 1
	if f.Code != string(r.want.code) || f.Retryable != r.want.retryable || f.Setting != r.want.setting || connected != (code == exit.OK) {
		t.Errorf("%s at %s: connected %v, %+v, want %+v", r.fault, source, connected, f, r.want)
	}
}
