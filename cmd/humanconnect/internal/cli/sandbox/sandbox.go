// Package sandbox has the command that runs the authorization server of the sandbox sources.
package sandbox

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/app"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/command"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/exit"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/iostreams"
	"github.com/humanconnect/humanconnect/internal/child"
	"github.com/humanconnect/humanconnect/internal/problem"
)

// binary is installed next to the core binary.
const binary = "humanconnect-sandbox"

// How long the server may take to start, and to end.
const (
	startLimit = 10 * time.Second
	endLimit   = 3 * time.Second
)

// New returns the command sandbox.
func New(a *app.App) *cobra.Command {
	listen := "127.0.0.1:8778"
	c := &cobra.Command{
		Use:   "sandbox",
		Short: "Run the authorization server of the sandbox sources",
		Long: `Run the authorization server of sandbox-tracker and sandbox-scale until it is interrupted. Its
page lets you choose an outcome, also an error. It listens on loopback only and stores nothing:
its tokens are valid while it runs. If it does not listen at 127.0.0.1:8778, set the setting
server of the sources. Once it listens, it prints its URL on standard output.`,
		Example: "  humanconnect sandbox --listen 127.0.0.1:0 & sleep 1; kill $!",
		Args:    command.UpToArgs(0),
		RunE:    func(c *cobra.Command, _ []string) error { return run(c.Context(), a, listen) },
	}
	c.Flags().StringVar(&listen, "listen", listen, "listen at `ADDRESS` on loopback; port 0 chooses a free one")
	_ = c.RegisterFlagCompletionFunc("listen", cobra.NoFileCompletions) // fails only where the flag is not defined
	return command.Exits(c, exit.OK, exit.Error, exit.Usage, exit.Provider, exit.Hangup, exit.Interrupted, exit.Terminated)
}

// answer is the output of the command.
type answer struct {
	Kind string         `json:"kind"`
	ID   iostreams.NoID `json:"id"`
	// Address is the URL of the server.
	Address string `json:"address"`
}

const kind = "sandbox"

// Outputs returns samples of what the command prints as JSON.
func Outputs() []command.Output {
	return []command.Output{{Command: "sandbox", Sample: answer{Kind: kind}}}
}

// run runs the server until ctx ends, and waits for it.
func run(ctx context.Context, a *app.App, listen string) error {
	path, err := a.Beside(binary)
	if err != nil {
		return err
	}
	server, stderr := newCommand(ctx, path, listen)
	lifeline, err := server.StdinPipe() // its end is the server's, should this process be killed
	if err != nil {
		return fmt.Errorf("starting the sandbox: %w", err)
	}
	defer func() { _ = lifeline.Close() }()
	out, err := server.StdoutPipe()
	if err != nil {
		return fmt.Errorf("starting the sandbox: %w", err)
	}
	if err := server.Start(); err != nil {
		return problem.New(exit.CodeSandboxMissing, "%s cannot be run", binary).Because(err).
			Hint("install it next to the humanconnect binary")
	}
	address, err := firstLine(ctx, out)
	if err == nil {
		err = a.IO.Print(answer{Kind: kind, Address: address}, func(w io.Writer) error {
			_, err := fmt.Fprintln(w, address)
			return err
		})
	}
	if err != nil {
		_ = server.Cancel()
	}
	ended := server.Wait()
	if first := a.Signals.First(); first != nil {
		return exit.With(first.ExitCode())
	}
	return unexpectedExit(errors.Join(err, ended), stderr.String())
}

// newCommand is the server in a process group of its own, so that Ctrl-C reaches it through this process alone,
// and without our environment. The buffer gets its standard error.
func newCommand(ctx context.Context, path, listen string) (*exec.Cmd, *bytes.Buffer) {
	server := exec.CommandContext(ctx, path, "--lifeline", "--listen", listen)
	stderr := &bytes.Buffer{}
	server.Env, server.Stderr = []string{}, stderr
	server.SysProcAttr = child.Group()
	server.Cancel = func() error { return server.Process.Signal(syscall.SIGTERM) }
	server.WaitDelay = endLimit
	return server, stderr
}

// firstLine waits for the address. It fails if the server exits before, is too slow, or ctx ends.
func firstLine(ctx context.Context, out io.Reader) (string, error) {
	type line struct {
		text string
		err  error
	}
	read := make(chan line, 1)
	go func() { // ends with the line, or with the server, which Wait sees to
		text, err := bufio.NewReader(out).ReadString('\n')
		read <- line{strings.TrimSpace(text), err}
	}()
	late := time.NewTimer(startLimit)
	defer late.Stop()
	select {
	case l := <-read:
		return l.text, l.err
	case <-late.C:
		return "", context.DeadlineExceeded
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// unexpectedExit says why the server exited.
func unexpectedExit(err error, stderr string) error {
	p := problem.New(exit.CodeSandboxEnded, "the sandbox exited unexpectedly")
	for line := range strings.Lines(stderr) {
		p = p.Fact("%s", strings.TrimSpace(line))
	}
	if err != nil && stderr == "" {
		p = p.Because(err)
	}
	return p.Hint("use a free port: humanconnect sandbox --listen 127.0.0.1:0")
}
