package config

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"

	"github.com/humanconnect/humanconnect/sdk/host"
)

// run runs the command of a reference and returns what it prints.
func (s *SecretRef) run(ctx context.Context, env Environment) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, SecretTimeout)
	defer cancel()
	out, said := &capped{limit: MaxSecret + 1}, &capped{limit: 4 << 10}
	cmd := exec.CommandContext(ctx, s.Command[0], s.Command[1:]...)
	cmd.Dir, cmd.Env = s.dir, env.Others()
	cmd.Stdout, cmd.Stderr = out, said
	cmd.WaitDelay = time.Second // a child of its own may hold the pipes after its end
	group(cmd)
	err := cmd.Run()
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return nil, &lateError{"the command " + cmd.Path + " was not done in time"}
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, fmt.Errorf("the command %s: %w%s", cmd.Path, err, said.lastLine())
	}
	return out.kept, nil
}

// lateError: a command, or a file that is a pipe, took too long. It is a [context.DeadlineExceeded].
type lateError struct{ text string }

func (e *lateError) Error() string { return e.text }

func (e *lateError) Is(target error) bool { return target == context.DeadlineExceeded }

// capped keeps the first bytes up to its limit and takes the rest without a word, so that the writer never blocks.
type capped struct {
	kept  []byte
	limit int
}

var _ io.Writer = (*capped)(nil)

func (c *capped) Write(p []byte) (int, error) {
	c.kept = append(c.kept, p[:min(len(p), c.limit-len(c.kept))]...)
	return len(p), nil
}

// lastLine is what a failed command said last, fit to stand behind its error.
func (c *capped) lastLine() string {
	lines := strings.Split(strings.TrimSpace(string(c.kept)), "\n")
	if line := host.CleanText(lines[len(lines)-1], 160); line != "" {
		return ": " + line
	}
	return ""
}
