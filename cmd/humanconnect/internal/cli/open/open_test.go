package open

import (
	"context"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/app/apptest"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/exit"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/iostreams"
	"github.com/humanconnect/humanconnect/core/session"
)

func TestGrantThatIsLostIsReportedWhateverEndsTheCall(t *testing.T) {
	a := apptest.New(t)
	hangup := &iostreams.Interrupted{Signal: syscall.SIGHUP}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(hangup)
	c := &call{a: a.App}
	_, err := c.drive(ctx, nil, func(context.Context) error { return fmt.Errorf("%w; %w", hangup, session.ErrGrantLost) })
	if got := exit.Of(err); got != exit.Hangup {
		t.Errorf("exit code %d", got)
	}
	if got := a.Err.String(); strings.Count(got, "[grant_lost]") != 1 {
		t.Errorf("said: %q", got)
	}
}
