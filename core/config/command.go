package config

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/humanconnect/humanconnect/core/clock"
	"github.com/humanconnect/humanconnect/internal/child"
	"github.com/humanconnect/humanconnect/sdk/host"
)

// run runs the command of a reference and returns what it prints.
func (s *SecretRef) run(ctx context.Context, env Environment) ([]byte, error) {
	out, said := &child.Head{Limit: MaxSecret + 1}, &child.Head{Limit: 4 << 10}
	cmd := exec.CommandContext(context.WithoutCancel(ctx), s.Command[0], s.Command[1:]...) // it ends with its whole group
	cmd.Dir, cmd.Env = s.dir, env.Others()
	clk := clock.System()
	printed := &lastPrinted{Head: out, quiet: clk}
	running, done := context.WithCancel(ctx)
	defer done()
	printed.whole = done
	cause, err := child.Run{
		Cmd: cmd, Output: printed, Errors: said, Limit: SecretTimeout, Clock: clk,
	}.Do(running)
	printed.stop()
	switch {
	case cause == child.Stopped && ctx.Err() == nil, cause == child.Late && ctx.Err() == nil && printed.ended():
		return out.Bytes(), nil // it has printed the secret with its newline, and stays
	case cause == child.Late, errors.Is(ctx.Err(), context.DeadlineExceeded):
		return nil, &lateError{"the command " + cmd.Path + " was not done in time"}
	case cause == child.Stopped:
		return nil, ctx.Err()
	case err != nil:
		return nil, fmt.Errorf("the command %s: %w%s", cmd.Path, err, lastLine(said.Bytes()))
	}
	return out.Bytes(), nil
}

// lastPrinted calls whole when what was written ends with a newline, and nothing has followed for [quietTime]. A command that
// goes on running, for want of an end of its own, has said all then.
type lastPrinted struct {
	*child.Head
	quiet clock.Clock
	whole func()

	mu    sync.Mutex
	line  bool
	reset func()
}

// quietTime is how long a command that does not exit is listened to after a newline.
const quietTime = time.Second

func (l *lastPrinted) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.reset != nil {
		l.reset()
		l.reset = nil
	}
	if l.line = bytes.HasSuffix(p, []byte("\n")); l.line {
		over, stopTimer := l.quiet.After(quietTime)
		gone := make(chan struct{})
		l.reset = func() { stopTimer(); close(gone) }
		go func() {
			select {
			case <-over:
				l.whole()
			case <-gone:
			}
		}()
	}
	return l.Head.Write(p)
}

// ended says whether the last that was written is a newline.
func (l *lastPrinted) ended() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.line
}

// stop ends the wait for more.
func (l *lastPrinted) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.reset != nil {
		l.reset()
		l.reset = nil
	}
}

// lateError: a command, or a file that is a pipe, took too long. It is a [context.DeadlineExceeded].
type lateError struct{ text string }

func (e *lateError) Error() string { return e.text }

func (e *lateError) Is(target error) bool { return target == context.DeadlineExceeded }

// lastLine is what a failed command said last, fit to stand behind its error.
func lastLine(said []byte) string {
	lines := strings.Split(strings.TrimSpace(string(said)), "\n")
	if line := host.CleanText(lines[len(lines)-1], 160); line != "" {
		return ": " + line
	}
	return ""
}
