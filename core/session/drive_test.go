package session_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/core/session"
)

// cutBy is what a front end's own end looks like to the engine.
type cutBy session.Cut

func (c cutBy) Error() string    { return "cut by " + string(c) }
func (c cutBy) Cut() session.Cut { return session.Cut(c) }

func TestWhatClosesASessionAndWhatLeavesItOpen(t *testing.T) {
	full := errors.New("the disk is full")
	lost := fmt.Errorf("the tab is gone: %w", session.ErrFrontEndLost)
	taken := fmt.Errorf("keep an attempt: %w", session.ErrTakenOver)
	with := func(err error) error { return fmt.Errorf("%w; %w", err, session.ErrCredentialLost) }
	for name, c := range map[string]struct {
		cause error // of the end of the context
		act   error
		// closed says that the session is closed, for cut; wrong and alsoWrong are what the error matches.
		closed           bool
		cut              session.Cut
		wrong, alsoWrong error
	}{
		"done":            {closed: true},
		"over":            {act: fmt.Errorf("begin: %w", session.ErrEnded), closed: true},
		"interrupted":     {cause: cutBy(session.CutInterrupt), act: cutBy(session.CutInterrupt), closed: true, cut: session.CutInterrupt},
		"terminated":      {cause: fmt.Errorf("told: %w", cutBy(session.CutTerminate)), act: full, closed: true, cut: session.CutTerminate},
		"late":            {cause: cutBy(session.CutTimeLimit), closed: true, cut: session.CutTimeLimit},
		"past a deadline": {cause: context.DeadlineExceeded, closed: true, cut: session.CutTimeLimit},
		"cancelled":       {cause: context.Canceled, act: context.Canceled, closed: true, cut: session.CutTerminate},
		"done when cut":   {cause: cutBy(session.CutInterrupt), closed: true, cut: session.CutInterrupt},
		"over when cut":   {cause: cutBy(session.CutInterrupt), act: session.ErrEnded, closed: true, cut: session.CutInterrupt},

		"hung up":              {cause: cutBy(session.CutHangup), act: cutBy(session.CutHangup), wrong: session.ErrFrontEndLost},
		"done when hung up":    {cause: cutBy(session.CutHangup), wrong: session.ErrFrontEndLost},
		"cut by a lost one":    {cause: lost, act: lost, wrong: session.ErrFrontEndLost},
		"lost":                 {act: lost, wrong: session.ErrFrontEndLost},
		"lost when cut":        {cause: cutBy(session.CutTerminate), act: lost, wrong: session.ErrFrontEndLost},
		"taken over":           {act: taken, wrong: session.ErrTakenOver},
		"taken over when cut":  {cause: cutBy(session.CutInterrupt), act: taken, wrong: session.ErrTakenOver},
		"taken over, hung up":  {cause: cutBy(session.CutHangup), act: taken, wrong: session.ErrFrontEndLost},
		"the store failed":     {act: full, wrong: full},
		"a grant is lost":      {act: with(full), wrong: full, alsoWrong: session.ErrCredentialLost},
		"a grant, taken over":  {act: with(taken), wrong: session.ErrTakenOver, alsoWrong: session.ErrCredentialLost},
		"a grant, hung up":     {cause: cutBy(session.CutHangup), act: with(full), wrong: session.ErrFrontEndLost, alsoWrong: session.ErrCredentialLost},
		"a grant, lost":        {act: with(lost), wrong: session.ErrFrontEndLost, alsoWrong: session.ErrCredentialLost},
		"a grant, interrupted": {cause: cutBy(session.CutInterrupt), act: with(full), closed: true, cut: session.CutInterrupt, wrong: session.ErrCredentialLost},
		"a grant, over":        {act: with(session.ErrEnded), closed: true, wrong: session.ErrCredentialLost},
	} {
		t.Run(name, func(t *testing.T) {
			w, _, s := opened(t)
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			f, err := s.Drive(ctx, func(context.Context) error {
				if c.cause != nil {
					cancel(c.cause)
				}
				return c.act
			})
			if (err != nil) != (c.wrong != nil) || !errors.Is(err, c.wrong) || c.alsoWrong != nil && !errors.Is(err, c.alsoWrong) {
				t.Errorf("the error is %v", err)
			}
			if row := w.session(s.ID); row.ClosedAt.IsZero() == c.closed || (f != nil) != c.closed || row.Cut != string(c.cut) {
				t.Fatalf("closed at %v for %q; %+v", row.ClosedAt, row.Cut, f)
			}
			if f != nil && (f.Session != s.ID || f.Cut != c.cut) {
				t.Errorf("%+v", f)
			}
			w.check()
		})
	}
}

func TestCloseThatFailsLosesNoWordOfALostGrant(t *testing.T) {
	_, fe, s := opened(t)
	full := errors.New("the disk is full")
	fe.store.fill(full)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cutBy(session.CutInterrupt))
	f, err := s.Drive(ctx, func(context.Context) error { return fmt.Errorf("%w; %w", full, session.ErrCredentialLost) })
	if f != nil || !errors.Is(err, full) || !errors.Is(err, session.ErrCredentialLost) {
		t.Errorf("%+v, %v", f, err)
	}
}

func TestHangupClosesNoSession(t *testing.T) {
	w, _, s := opened(t)
	if f, err := s.Close(t.Context(), session.CutHangup); f != nil || !errors.Is(err, session.ErrFrontEndLost) {
		t.Errorf("%+v, %v", f, err)
	}
	if !w.session(s.ID).ClosedAt.IsZero() {
		t.Error("it is closed")
	}
}

func TestWhatIsNotOverIsNotCut(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	if cut := session.CutOf(ctx); cut != session.CutNone {
		t.Errorf("cut by %q", cut)
	}
}
