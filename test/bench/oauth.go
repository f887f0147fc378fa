package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// trackerSource is the source of the sandbox that is connected in a browser.
const trackerSource = "sandbox-tracker"

func trackerConfig(issuer string) string {
	return fmt.Sprintf("version: 1\nclientId: bench\nsources:\n  - id: %s\n    settings: {server: %q}\n", trackerSource, issuer)
}

// oauthConnect times a whole session that connects a source in a browser, beside the same by golang.org/x/oauth2 alone,
// at the same authorization server and with the same consent, which is a process of its own in both.
func (w *world) oauthConnect(ctx context.Context, runs int) (_ row, err error) {
	issuer, stop, err := w.sandboxServer(ctx)
	if err != nil {
		return row{}, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	config := filepath.Join(w.dir, "oauth.yaml")
	if err := os.WriteFile(config, []byte(trackerConfig(issuer)), 0o600); err != nil {
		return row{}, err
	}
	sandbox := w.path("humanconnect-sandbox")
	a := w.open("`open --connect sandbox-tracker`: OAuth with PKCE, a process for the consent", "state-oauth", 0)
	env := append([]string{"BROWSER=" + sandbox + " consent"}, w.env...)
	a.run = w.process(env, w.path("humanconnect"), "--config", config, "--state-dir", filepath.Join(w.dir, "state-oauth"),
		"open", "--token", "@"+filepath.Join(w.dir, "state-oauth.token"), "--connect", trackerSource)
	floor := w.floor("the same by golang.org/x/oauth2 alone, in one process", "floor-oauth", issuer, trackerSource, sandbox, "consent")
	c, err := compare(ctx, a, floor, runs)
	return row{comparison: c}, err
}

// sandboxServer starts the sandbox's authorization server at a free port.
func (w *world) sandboxServer(ctx context.Context) (issuer string, stop func() error, err error) {
	ctx, cancel := context.WithCancel(ctx)
	c := exec.CommandContext(ctx, w.path("humanconnect-sandbox"), "--listen", "127.0.0.1:0")
	c.Dir, c.Env = w.dir, w.env
	out, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		cancel()
		return "", nil, err
	}
	stop = func() error {
		cancel()
		_ = c.Wait() // it was killed
		return nil
	}
	line, err := bufio.NewReader(io.LimitReader(out, 1<<10)).ReadString('\n')
	if err != nil {
		return "", nil, errors.Join(err, stop())
	}
	return strings.TrimSpace(line), stop, nil
}
