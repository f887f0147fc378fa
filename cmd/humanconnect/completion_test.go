package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestCompletionWaitsForNoProviderThatHangs: it ends in time, offers what does not depend on that provider, prints no error, and leaves
// no process.
func TestCompletionWaitsForNoProviderThatHangs(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	pid := filepath.Join(home, "pid")
	for name, text := range map[string]string{
		"hang":        "#!/bin/sh\necho $$ > '" + pid + "'\nexec sleep 600\n",
		"config.yaml": "version: 1\nproviders:\n  - {name: hang, command: [" + filepath.Join(home, "hang") + "], dev: true}\n",
	} {
		if err := os.WriteFile(filepath.Join(home, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for args, want := range map[string]string{
		"open --connect ": ":4\n", "source show ": ":4\n", "open --answer ": ":6\n", "provider show ": "oauth2\n", "connection show ": ":4\n",
	} {
		words := append([]string{"__complete"}, strings.Split(args, " ")...)
		c := exec.CommandContext(ctx, filepath.Join(binDir(), "humanconnect"), words...)
		c.Env = []string{"HOME=" + home, "HUMANCONNECT_CONFIG=" + filepath.Join(home, "config.yaml"), "PATH=" + os.Getenv("PATH"), "TMPDIR=" + home, quickExit}
		var problems strings.Builder
		c.Stderr = &problems
		out, err := c.Output()
		if err != nil || !strings.Contains(string(out), want) {
			t.Errorf("%s: %v, %s", args, err, out)
		}
		if said := problems.String(); strings.Count(said, "\n") > 1 || !strings.HasPrefix(said, "Completion ended with directive") {
			t.Errorf("%s: standard error has %q", args, said)
		}
	}
	text, err := os.ReadFile(pid)
	if err != nil {
		t.Fatalf("the provider was not started: %v", err)
	}
	if comm, err := os.ReadFile("/proc/" + strings.TrimSpace(string(text)) + "/comm"); err == nil {
		t.Errorf("the provider is left: %s", comm)
	}
}
