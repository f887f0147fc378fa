package session_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/core/session"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/host"
)

func TestActionsKeepTheirTimeAndAllThatAFailureSays(t *testing.T) {
	w, fe, s := opened(t)
	began := w.clock.Now()
	if err := fe.connect(s, alpha); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(time.Minute)
	w.place.next(beta, play{Error: "source_unavailable"})
	wantCode(t, fe.connect(s, beta), failure.SourceUnavailable)
	w.clock.Advance(time.Minute)
	missing := failure.New(failure.BadConfiguration, "the setting client_id is missing")
	missing.Setting = "client_id"
	w.place.broken = missing
	wantCode(t, fe.connect(s, beta), failure.BadConfiguration)
	w.clock.Advance(time.Minute)
	if err := s.Disconnect(t.Context(), alpha, -1); err != nil {
		t.Fatal(err)
	}
	rows := w.actions(s.ID)
	for i, want := range []store.Action{
		{At: began},
		{At: began.Add(time.Minute), Code: "source_unavailable", Retryable: true, RetryAfter: 30 * time.Second},
		{At: began.Add(2 * time.Minute), Code: "bad_configuration", Setting: "client_id"},
		{At: began.Add(3 * time.Minute)},
	} {
		got := rows[i]
		if !got.At.Equal(want.At) || got.Code != want.Code || got.Retryable != want.Retryable || got.Setting != want.Setting || got.RetryAfter != want.RetryAfter {
			t.Errorf("action %d: %+v", i, got)
		}
	}
	w.check()
}

func TestAccountLabelIsKeptCleanAndShort(t *testing.T) {
	w, fe, s := opened(t)
	account := "\x1b[31mann\n" + strings.Repeat("é", 300)
	w.place.next(alpha, play{Account: account})
	if err := fe.connect(s, alpha); err != nil {
		t.Fatal(err)
	}
	c := w.connections("u1")[0]
	if want := host.CleanText("label of "+account, 200); c.AccountLabel != want || strings.ContainsAny(c.AccountLabel, "\x1b\n") || len([]rune(c.AccountLabel)) > 200 {
		t.Errorf("the label is %q", c.AccountLabel)
	}
	if c.AccountID != account {
		t.Errorf("the account id is %q", c.AccountID)
	}
}

func TestResumeMayBeAsLargeAsItsLimitAndNoLarger(t *testing.T) {
	for over, want := range []error{nil, failure.New(failure.SourceError, "")} {
		w, fe, s := opened(t)
		p := play{Forms: 1, Big: 10_000}
		p.Account = strings.Repeat("a", sdk.MaxResume+over-len(memory{Play: p}.resume()))
		if got := len(memory{Play: p}.resume()); got != sdk.MaxResume+over {
			t.Fatalf("the provider returns %d bytes", got)
		}
		w.place.next(alpha, p)
		a, err := s.Connect(t.Context(), alpha, -1)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.Next(t.Context()); want == nil && err != nil || want != nil && !errors.As(err, new(*failure.Failure)) {
			t.Errorf("%d bytes over the limit: %v", over, err)
		}
		fe.close(s)
		w.check()
	}
}

// TestOverdueSessionsThatCannotBeClosedAreReported: but for those whose rows cannot be read.
func TestOverdueSessionsThatCannotBeClosedAreReported(t *testing.T) {
	w, _, s := opened(t)
	w.clock.Advance(2 * time.Hour)
	other := w.frontEnd()
	full := errors.New("the disk is full")
	other.store.fill(full)
	if err := other.CloseOverdue(t.Context()); !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
	if _, err := other.Open(t.Context(), session.OpenRequest{Token: "x"}); !errors.Is(err, full) {
		t.Errorf("an open: %v", err)
	}
	if !w.session(s.ID).ClosedAt.IsZero() {
		t.Error("it is closed")
	}
}
