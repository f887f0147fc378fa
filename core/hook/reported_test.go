package hook

import (
	"context"
	"testing"

	"github.com/humanconnect/humanconnect/core/store"
)

func TestReportSaysWhetherTheTryDisabledTheHook(t *testing.T) {
	for verdict, want := range map[Verdict]bool{Gone: true, Failed: false, Accepted: false} {
		s := newState(t)
		h := to("https://app.example.com/one")
		s.record(s.session(), 1, h)
		var reports []Report
		opt := s.options(&receiver{answer: func(context.Context, Message) Outcome { return Outcome{Verdict: verdict} }}, h)
		opt.Report = func(r Report) { reports = append(reports, r) }
		s.once(New(opt))
		if len(reports) != 1 || reports[0].Disabled != want || reports[0].Origin != "https://app.example.com" {
			t.Errorf("verdict %d: %+v", verdict, reports)
		}
	}
}

func TestInterruptedTryIsNotReportedAndDoesNotCount(t *testing.T) {
	s := newState(t)
	h := closing("journal")
	e := s.record(s.session(), 1, h)
	abort := make(chan struct{})
	opt := s.options(&receiver{answer: func(ctx context.Context, _ Message) Outcome {
		close(abort)
		<-ctx.Done()
		return Outcome{Verdict: Interrupted}
	}}, h)
	opt.Abort = abort
	opt.Report = func(r Report) { t.Errorf("reported: %+v", r) }
	if err := New(opt).Run(t.Context(), Scope{}); err != nil {
		t.Fatal(err)
	}
	if d := s.only(e.ID); d.State != store.DeliveryPending || d.Tries != 0 || d.Owner != "" {
		t.Errorf("%+v", d)
	}
}
