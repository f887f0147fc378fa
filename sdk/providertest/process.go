package providertest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/hashicorp/go-plugin"

	"github.com/humanconnect/humanconnect/sdk/host"
)

// endLimit is how long a program may take to exit.
const endLimit = 5 * time.Second

// startedByHand checks a program that no host has started: it exits, and prints nothing on standard output.
func (e *examination) startedByHand(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, endLimit)
	defer cancel()
	command := exec.CommandContext(ctx, e.subject.argv[0], e.subject.argv[1:]...)
	command.Env, command.WaitDelay = environment(), time.Second
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	err := command.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		e.fail("started by hand, without the cookie, it does not end")
	case !errors.As(err, &exit):
		e.fail("started by hand, without the cookie, it ends with %v, and not with a code for a failure", err)
	}
	if stdout.Len() > 0 || stderr.Len() == 0 {
		e.fail("started by hand, it says what it is on standard error, and nothing on standard output")
	}
}

// startedByHost checks a program that a host has started: it listens in the directory of the host, completes the handshake,
// and exits at the end of standard input.
func (e *examination) startedByHost(ctx context.Context) {
	dir, err := socketDir()
	if err != nil {
		e.fail("no directory for a socket: %v", err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	ctx, cancel := context.WithTimeout(ctx, startLimit+endLimit)
	defer cancel()
	command := exec.CommandContext(ctx, e.subject.argv[0], e.subject.argv[1:]...)
	handshake := host.Handshake()
	command.WaitDelay = time.Second
	command.Env = append(environment(), handshake.MagicCookieKey+"="+handshake.MagicCookieValue, "PLUGIN_PROTOCOL_VERSIONS=1",
		host.EnvLifeline+"="+host.LifelineStdin, plugin.EnvUnixSocketDir+"="+dir)
	stdin, err := command.StdinPipe()
	stdout, err2 := command.StdoutPipe()
	if err := errors.Join(err, err2, command.Start()); err != nil {
		e.fail("it could not be started: %v", err)
		return
	}
	line, _ := bufio.NewReader(stdout).ReadString('\n')
	e.checkHandshake(line, dir)
	limit := time.AfterFunc(endLimit, cancel)
	defer limit.Stop()
	_ = stdin.Close()
	_, _ = io.Copy(io.Discard, stdout)
	_ = command.Wait()
	if ctx.Err() != nil {
		e.fail("it does not end when its standard input does")
	}
}

func (e *examination) checkHandshake(line, dir string) {
	parts := strings.Split(strings.TrimSpace(line), "|")
	if len(parts) < 5 || parts[0] != "1" || parts[1] != "1" || parts[4] != "grpc" {
		e.fail("its first line is %q, and not 1|1|unix|SOCKET|grpc", host.CleanText(line, 200))
		return
	}
	inside, err := filepath.Rel(dir, parts[3])
	if parts[2] != "unix" || err != nil || !filepath.IsLocal(inside) {
		e.fail("it listens at %s, and not in the directory that %s names", host.CleanText(parts[3], 200), plugin.EnvUnixSocketDir)
	}
}
