package config

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"

	"github.com/humanconnect/humanconnect/core/clock"
	"github.com/humanconnect/humanconnect/internal/child"
	"github.com/humanconnect/humanconnect/sdk/host"
)

// run runs the command of a reference and returns what it prints.
func (s *SecretRef) run(ctx context.Context, env Environment) ([]byte, error) {
	out, said := &child.Head{Limit: MaxSecret + 1}, &child.Head{Limit: 4 << 10}
	cmd := exec.CommandContext(context.WithoutCancel(ctx), s.Command[0], s.Command[1:]...) // it ends with its whole group
	cmd.Dir, cmd.Env = s.dir, env.Others()
	cause, err := child.Run{
		Cmd: cmd, Spare: true, Output: out, Errors: said, Limit: SecretTimeout, Clock: clock.System(),
	}.Do(ctx)
	switch {
	case cause == child.Late, errors.Is(ctx.Err(), context.DeadlineExceeded):
		return nil, &lateError{"the command " + cmd.Path + " was not done in time"}
	case cause == child.Stopped:
		return nil, ctx.Err()
	case err != nil:
		return nil, fmt.Errorf("the command %s: %w%s", cmd.Path, err, lastLine(said.Bytes()))
	}
	return out.Bytes(), nil
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
