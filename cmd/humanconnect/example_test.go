package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestExamplesOfTheHelpWork runs every line of every example, as sh runs it, in a fresh home.
func TestExamplesOfTheHelpWork(t *testing.T) {
	walk(newRoot(newTestApp(t).App), func(c *cobra.Command) {
		for _, line := range exampleLines(c.Example) {
			t.Run(line, func(t *testing.T) {
				runExample(t, line)
			})
		}
	})
}

// runExample runs a line in a directory of its own. An example ends with exit code 0.
func runExample(t *testing.T, line string) {
	t.Helper()
	if !strings.HasPrefix(line, "humanconnect ") && !strings.Contains(line, "| humanconnect ") {
		t.Errorf("%q does not run humanconnect", line)
	}
	ctx, cancel := context.WithTimeout(t.Context(), storyLimit)
	defer cancel()
	dir := t.TempDir()
	c := exec.CommandContext(ctx, "sh", "-ec", line)
	c.Dir = dir
	c.Env = []string{"HOME=" + filepath.Join(dir, "home"), "PATH=" + binDir() + ":" + os.Getenv("PATH")}
	if said, err := c.CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", line, err, said)
	}
}
