package open

import (
	"context"
	"errors"
	"syscall"
	"testing"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/exit"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/iostreams"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/terminal"
	"github.com/humanconnect/humanconnect/core/session"
)

func TestInterruptionOfACallIsReportedToTheEngine(t *testing.T) {
	for want, cause := range map[session.Cut]error{
		session.CutInterrupt: &iostreams.Interrupted{Signal: syscall.SIGINT}, session.CutTerminate: &iostreams.Interrupted{Signal: syscall.SIGTERM},
		session.CutHangup: &iostreams.Interrupted{Signal: syscall.SIGHUP}, session.CutTimeLimit: errTimeLimit,
	} {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(cause)
		if got := session.CutOf(ctx); got != want {
			t.Errorf("%v is %q, want %q", cause, got, want)
		}
		if exit.Of(cause) != exit.OfCut(want) {
			t.Errorf("%v ends with %d alone, and with %d after a close", cause, exit.Of(cause), exit.OfCut(want))
		}
	}
	if !errors.Is(terminal.ErrLost, session.ErrFrontEndLost) {
		t.Error("a lost terminal is no lost front end")
	}
}
