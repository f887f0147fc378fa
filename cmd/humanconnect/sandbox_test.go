package main

import (
	"bufio"
	"context"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestSandboxEndsWithACommandThatWasKilled: kill -9 leaves no server behind that holds the port.
func TestSandboxEndsWithACommandThatWasKilled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), storyLimit)
	defer cancel()
	command := exec.CommandContext(ctx, filepath.Join(binDir(), "humanconnect"), "sandbox", "--listen", "127.0.0.1:0")
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	address := strings.TrimPrefix(strings.TrimSpace(line), "http://")
	if !answers(ctx, address) {
		t.Fatalf("no answer at %s", address)
	}
	_ = command.Process.Kill()
	_ = command.Wait() // killed
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for answers(ctx, address) {
		select {
		case <-poll.C:
		case <-ctx.Done():
			t.Fatal("the server outlived the command")
		}
	}
}

func answers(ctx context.Context, address string) bool {
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return false
	}
	_ = c.Close()
	return true
}
