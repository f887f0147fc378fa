package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/humanconnect/humanconnect/core/problem"
	"github.com/humanconnect/humanconnect/internal/child"
)

// sandboxBinary lies beside the core binary.
const sandboxBinary = "humanconnect-sandbox"

// How long the server may take to start, and to end.
const (
	sandboxStart = 10 * time.Second
	sandboxEnd   = 3 * time.Second
)

func newSandbox(app *App) *cobra.Command {
	listen := "127.0.0.1:8778"
	c := &cobra.Command{
		Use:   "sandbox",
		Short: "Run the authorization server of the sandbox sources",
		Long: `Run the authorization server of sandbox-tracker and sandbox-scale until it is interrupted. Its
page lets you choose what goes wrong. It listens on loopback alone and keeps nothing: what it
granted ends with it. Where it does not listen at 127.0.0.1:8778, tell the sources so by their
setting server. Standard output has its address once it listens.`,
		Example: "  humanconnect sandbox --listen 127.0.0.1:0 & sleep 1; kill $!",
		Args:    upToArgs(0),
		RunE:    func(c *cobra.Command, _ []string) error { return app.sandbox(c.Context(), listen) },
	}
	c.Flags().StringVar(&listen, "listen", listen, "listen at `ADDRESS` on loopback; port 0 takes a free one")
	_ = c.RegisterFlagCompletionFunc("listen", cobra.NoFileCompletions) // fails only where the flag is not defined
	return exits(c, exitOK, exitError, exitUsage, exitProvider, exitHangup, exitInterrupted, exitTerminated)
}

// sandboxAddress is the answer of the command.
type sandboxAddress struct {
	Address string `json:"address"`
}

// sandbox runs the server until ctx ends, and waits for it.
func (a *App) sandbox(ctx context.Context, listen string) error {
	path, err := a.beside(sandboxBinary)
	if err != nil {
		return err
	}
	server, said := sandboxCommand(ctx, path, listen)
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
		return problem.New("sandbox_missing", "%s cannot be run", sandboxBinary).Because(err).
			Hint("it belongs beside the humanconnect binary: install both")
	}
	address, err := firstLine(ctx, out)
	if err == nil {
		err = a.print(sandboxAddress{address}, func(w io.Writer) error {
			_, err := fmt.Fprintln(w, address)
			return err
		})
	}
	if err != nil {
		_ = server.Cancel()
	}
	ended := server.Wait()
	if first := a.Signals.First(); first != nil {
		return endWith(first.ExitCode())
	}
	return sandboxEnded(errors.Join(err, ended), said.String())
}

// beside returns the path of a program in the directory of this one.
func (a *App) beside(name string) (string, error) {
	self, err := a.Executable()
	if err == nil {
		self, err = filepath.EvalSymlinks(self)
	}
	if err != nil {
		return "", fmt.Errorf("finding this program: %w", err)
	}
	return filepath.Join(filepath.Dir(self), name), nil
}

// sandboxCommand is the server in a process group of its own, so that Ctrl-C reaches it through this process alone,
// and without our environment. The buffer has what it says on standard error.
func sandboxCommand(ctx context.Context, path, listen string) (*exec.Cmd, *bytes.Buffer) {
	server := exec.CommandContext(ctx, path, "--lifeline", "--listen", listen)
	said := &bytes.Buffer{}
	server.Env, server.Stderr = []string{}, said
	server.SysProcAttr = child.Group()
	server.Cancel = func() error { return server.Process.Signal(syscall.SIGTERM) }
	server.WaitDelay = sandboxEnd
	return server, said
}

// firstLine waits for the address. It fails where the server ends before, is too slow, or is not wanted any more.
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
	late := time.NewTimer(sandboxStart)
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

// sandboxEnded says why a server ended that nobody ended.
func sandboxEnded(err error, said string) error {
	p := problem.New("sandbox_ended", "the sandbox ended by itself")
	for line := range strings.Lines(said) {
		p.Fact("%s", strings.TrimSpace(line))
	}
	if err != nil && said == "" {
		p.Because(err)
	}
	return p.Hint("take a free port: humanconnect sandbox --listen 127.0.0.1:0")
}
