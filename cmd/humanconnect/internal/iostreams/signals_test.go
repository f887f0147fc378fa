package iostreams

import (
	"context"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/exit"
)

func TestFirstSignalClosesAndSecondStops(t *testing.T) {
	for signal, want := range map[syscall.Signal]int{
		syscall.SIGINT: exit.Interrupted, syscall.SIGTERM: exit.Terminated, syscall.SIGHUP: exit.Hangup,
	} {
		t.Run(signal.String(), func(t *testing.T) {
			s := NewSignals(context.Background(), 0)
			defer s.Release()
			if s.ExitCode() != 0 || s.First() != nil {
				t.Fatal("a signal came before any was sent")
			}
			s.received <- signal
			wantDone(t, s.Closing())
			if s.Stopping().Err() != nil {
				t.Error("the first signal stopped")
			}
			if got := s.ExitCode(); got != want {
				t.Errorf("exit code %d, want %d", got, want)
			}
			s.received <- syscall.SIGINT
			wantDone(t, s.Stopping())
			if got := s.ExitCode(); got != want {
				t.Errorf("exit code %d after the second signal, want that of the first, %d", got, want)
			}
		})
	}
}

func TestSignalsOfTheProcessArrive(t *testing.T) {
	s := NewSignals(context.Background(), 0)
	defer s.Release()
	s.Watch()
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	wantDone(t, s.Closing())
	if got := s.ExitCode(); got != exit.Terminated {
		t.Errorf("exit code %d, want %d", got, exit.Terminated)
	}
}

func TestReleaseIsNoSignal(t *testing.T) {
	s := NewSignals(context.Background(), 0)
	s.Release()
	wantDone(t, s.Closing())
	if s.First() != nil || s.ExitCode() != 0 {
		t.Error("release looks like a signal")
	}
}

func wantDone(t *testing.T, ctx context.Context) {
	t.Helper()
	select {
	case <-ctx.Done():
	case <-time.After(time.Minute):
		t.Fatal("the context did not end")
	}
}

func TestDuplicateSignalIsIgnored(t *testing.T) {
	s := NewSignals(context.Background(), time.Hour)
	defer s.Release()
	s.received <- syscall.SIGTERM
	wantDone(t, s.Closing())
	s.received <- syscall.SIGTERM // as of timeout(1), which signals the process and its group
	s.received <- syscall.SIGTERM
	s.received <- syscall.SIGTERM // the channel holds two: the first of these was read
	if s.Stopping().Err() != nil {
		t.Fatal("the twin stopped")
	}
	s.received <- syscall.SIGINT
	wantDone(t, s.Stopping())
}
