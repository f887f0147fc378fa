package failure_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/host"
)

func TestListOfCodesIsClosedAndWhole(t *testing.T) {
	want := strings.Fields(`access_denied attempt_expired attempt_interrupted account_mismatch scope_missing invalid_input
		bad_configuration source_unavailable source_error rate_limited revoked not_supported provider_crashed provider_timeout
		provider_unavailable source_unknown not_connected source_not_allowed input_required interaction_required`)
	var got []string
	for _, e := range failure.Entries() {
		got = append(got, string(e.Code))
		if e.Meaning == "" || e.Hint == "" {
			t.Errorf("%s has no meaning or no hint", e.Code)
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestCodesThatAlwaysMayBeTriedAgain(t *testing.T) {
	always := []problem.Code{failure.AttemptInterrupted, failure.SourceUnavailable, failure.RateLimited}
	for _, c := range always {
		if !failure.New(c, "x").Retryable {
			t.Errorf("%s is not retryable", c)
		}
	}
	if failure.New(failure.AccessDenied, "x").Retryable {
		t.Error("a denial is retryable")
	}
}

type external struct{ code problem.Code }

func (e external) Error() string             { return "it died\x1b[31m" }
func (e external) FailureCode() problem.Code { return e.code }

func TestWhatAnErrorOfAProviderMeans(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want failure.Failure
	}{
		"the source's own": {
			&sdk.Error{Code: sdk.RateLimited, Message: "wait", RetryAfter: time.Minute},
			failure.Failure{Code: failure.RateLimited, Message: "wait", Retryable: true, RetryAfter: time.Minute},
		},
		"retryable once": {
			&sdk.Error{Code: sdk.SourceError, Message: "odd", Retryable: true},
			failure.Failure{Code: failure.SourceError, Message: "odd", Retryable: true},
		},
		"cleaned": {
			&sdk.Error{Code: sdk.InvalidInput, Message: "a\x1b[31mb\u202ec", Field: "pass\nword"},
			failure.Failure{Code: failure.InvalidInput, Message: host.CleanText("a\x1b[31mb\u202ec", 500), Field: host.CleanText("pass\nword", 64)},
		},
		"of no known code": {
			&sdk.Error{Code: "nonsense", Message: "what"}, failure.Failure{Code: failure.SourceError, Message: "what"},
		},
		"without a sentence": {
			&sdk.Error{Code: sdk.InvalidInput, Field: "password"},
			failure.Failure{Code: failure.InvalidInput, Message: "a form value was rejected", Field: "password"},
		},
		"without a sentence, of no known code": {
			&sdk.Error{Code: "nonsense"}, failure.Failure{Code: failure.SourceError, Message: "the source sent an unexpected response"},
		},
		"of the host": {
			external{"provider_timeout"},
			failure.Failure{Code: failure.ProviderTimeout, Message: host.CleanText("it died\x1b[31m", 500), Retryable: true},
		},
		"wrapped": {
			fmt.Errorf("calling: %w", failure.New(failure.NotConnected, "no")), failure.Failure{Code: failure.NotConnected, Message: "no"},
		},
		"anything else": {
			errors.New("password is hunter2"),
			failure.Failure{Code: failure.SourceError, Message: "the provider answered with an unexpected error"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if d := cmp.Diff(c.want, *failure.Of(c.err)); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestSettingsThatCannotBeReadTellNothingOfThemselves(t *testing.T) {
	f := failure.OfSettings(errors.New("reading hunter2"))
	if f.Code != failure.BadConfiguration || strings.Contains(f.Message, "hunter2") {
		t.Errorf("%+v", f)
	}
	if f := failure.OfSettings(external{"provider_unavailable"}); f.Code != failure.ProviderUnavailable {
		t.Errorf("%+v", f)
	}
}

func TestLongMessageIsCut(t *testing.T) {
	f := failure.Of(&sdk.Error{Code: sdk.SourceError, Message: strings.Repeat("ä", 10000)})
	if n := len([]rune(f.Message)); n > 501 {
		t.Errorf("%d characters", n)
	}
}

func TestEverySDKCodeIsInTheList(t *testing.T) {
	for _, c := range []sdk.Code{
		sdk.AccessDenied, sdk.ScopeMissing, sdk.InvalidInput, sdk.BadConfiguration, sdk.SourceUnavailable, sdk.SourceError,
		sdk.RateLimited, sdk.Revoked, sdk.NotSupported, sdk.AttemptExpired, sdk.AccountMismatch,
	} {
		if !slices.ContainsFunc(failure.Entries(), func(e failure.Entry) bool { return string(e.Code) == string(c) }) {
			t.Errorf("%s is not in the list", c)
		}
	}
}
