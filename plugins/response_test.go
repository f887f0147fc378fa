package plugins_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/plugins"
	"github.com/humanconnect/humanconnect/sdk"
)

// What a provider answers with is no limit of ours and no crash, whatever the status.
func TestStatusOfAProviderIsItsResponseAndDoesNoHarm(t *testing.T) {
	s := newStage(t)
	p := provider(t, s.hostOf(s.spec("provider")))
	first := report(t, p).Pid
	for code, kind := range map[codes.Code]problem.Code{
		codes.DeadlineExceeded: plugins.CodeBadAnswer, codes.Unavailable: plugins.CodeBadAnswer,
		codes.ResourceExhausted: plugins.CodeBadAnswer, codes.Canceled: plugins.CodeBadAnswer,
		codes.DataLoss: plugins.CodeBadAnswer, codes.Unimplemented: plugins.CodeProtocol,
	} {
		_, err := step(t, p, fmt.Sprintf("status-%d", code))
		e := failure(t, err)
		if e.Code() != kind || e.Crashed() || e.Retryable() || !strings.Contains(explain(err), "the provider says so") {
			t.Errorf("%s: %s", code, explain(err))
		}
		if got := report(t, p).Pid; got != first {
			t.Fatalf("%s: the process was given up", code)
		}
	}
}

func TestProviderThatKeepsToTheLimitItselfTimesOutAndIsNotKilled(t *testing.T) {
	const limit = 300 * time.Millisecond
	s := newStage(t)
	p := provider(t, s.host(plugins.Options{Specs: []plugins.Spec{s.spec("provider")}, Limits: plugins.Limits{Step: limit}}))
	for range 50 {
		first := report(t, p).Pid
		began := time.Now()
		_, err := step(t, p, "late")
		if e := failure(t, err); e.Code() != plugins.CodeTimeout {
			t.Error(explain(err))
		}
		if time.Since(began) >= limit {
			continue // on this machine the answer came too late all the same
		}
		if report(t, p).Pid != first {
			t.Error("the process was given up")
		}
		return
	}
	t.Error("no answer came in time")
}

// What core stores and shows of an answer is bounded; an answer beyond that is none.
func TestResponseBeyondTheLimitsIsAnErrorAndDoesNoHarm(t *testing.T) {
	s := newStage(t)
	p := provider(t, s.hostOf(s.spec("provider")))
	first := report(t, p).Pid
	for name, says := range map[string]string{
		"account": "account id", "utf8": "", "media": "media type", "expiry": "expires", "scopes": "100000 scopes",
		"scope": "scope", "control": "scope", "empty": "scope", "fields": "too many fields", "twice": "duplicate",
		"poll": "polled after 87600h0m0s; an attempt takes at most 15m", "poll-code": "polled after 16m",
		"late-wait": "has expired already", "late-url": "has expired already",
		"void": "the credential is empty", "json": "not what its media type says", "oauth2": "a JSON object", "oauth2-array": "a JSON object",
		"oauth2-token": "a JSON object with access_token", "flat": "no flat JSON object of strings", "null": "no flat JSON object of strings",
		"over": "has expired already", "reconnect": "a time in the past", "absurd": "more than 100 years",
	} {
		_, err := p.Connect(t.Context(), &sdk.ConnectRequest{Source: "odd-" + name, Reply: sdk.Start{}})
		e := failure(t, err)
		if e.Code() != plugins.CodeBadAnswer || len(e.Hints()) == 0 || len(explain(err)) > 2000 || !strings.Contains(e.Error(), says) {
			t.Errorf("%s: %s", name, explain(err))
		}
	}
	for _, name := range []string{
		"media", "expiry", "scopes", "scope", "control", "empty", "void", "json", "oauth2", "oauth2-token", "flat", "null", "over", "reconnect", "absurd",
	} {
		_, err := p.(sdk.Refresher).Refresh(t.Context(), &sdk.CredentialRequest{Source: "odd-" + name})
		if e := failure(t, err); e.Code() != plugins.CodeBadAnswer {
			t.Errorf("refresh, %s: %s", name, explain(err))
		}
	}
	if report(t, p).Pid != first {
		t.Error("the process was given up")
	}
	out, err := p.Connect(t.Context(), &sdk.ConnectRequest{Source: "odd-label", Reply: sdk.Start{}})
	if err != nil {
		t.Fatal(explain(err))
	}
	if c := out.(sdk.Connected); len(c.Account.Label) > 300 || c.Account.ID != "account" || !slices.Equal(c.Scopes, []string{"read"}) {
		t.Errorf("%.300v", out)
	}
}

func TestRetryThatIsAskedForIsBounded(t *testing.T) {
	s := newStage(t)
	_, err := step(t, provider(t, s.hostOf(s.spec("provider"))), "odd-retry")
	var said *sdk.Error
	if !errors.As(err, &said) || said.RetryAfter != 24*time.Hour {
		t.Errorf("%+v", err)
	}
}

// A source that has renewed an access beyond the end that the provider still names is believed: its new refresh token would be lost.
func TestRefreshBeyondTheEndThatIsKeptIsTaken(t *testing.T) {
	s := newStage(t)
	p := provider(t, s.hostOf(s.spec("provider"))).(sdk.Refresher)
	over := time.Unix(1_700_000_000, 0).UTC()
	got, err := p.Refresh(t.Context(), &sdk.CredentialRequest{Source: "odd-kept", Credential: sdk.Credential{Data: "old", ReconnectBy: over}})
	if err != nil || !got.Credential.ReconnectBy.IsZero() {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestDescriptionWithoutAVersionOrSourcesIsRefused(t *testing.T) {
	s := newStage(t)
	for arg, says := range map[string]string{"banana": `its version is "banana", not one like 1.0.0`, "versionless": `its version is ""`, "sourceless": "it has no sources"} {
		_, err := s.hostOf(s.spec("provider", arg)).Describe(t.Context(), "test")
		if e := failure(t, err); e.Code() != plugins.CodeBadAnswer || !strings.Contains(e.Error(), says) {
			t.Errorf("%s: %s", arg, explain(err))
		}
	}
}
