package plugins_test

import (
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
	} {
		_, err := p.Connect(t.Context(), &sdk.ConnectRequest{Source: "odd-" + name, Reply: sdk.Start{}})
		e := failure(t, err)
		if e.Code() != plugins.CodeBadAnswer || len(e.Hints()) == 0 || len(explain(err)) > 2000 || !strings.Contains(e.Error(), says) {
			t.Errorf("%s: %s", name, explain(err))
		}
	}
	for _, name := range []string{"media", "expiry", "scopes", "scope", "control", "empty"} {
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
