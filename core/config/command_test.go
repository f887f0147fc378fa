package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/core/config"
)

// TestSecretCommandWithAChildInTheBackground: what it printed is the secret, and nothing of its group stays.
func TestSecretCommandWithAChildInTheBackground(t *testing.T) {
	for name, line := range map[string]string{
		"it exits":            "sleep 300 & echo $! > pid; echo sesame",
		"it waits":            "sleep 300 & echo $! > pid; echo sesame; wait",
		"it becomes the one":  "echo $$ > pid; echo sesame; exec sleep 300",
		"it prints two lines": "sleep 300 & echo $! > pid; echo open; echo sesame; wait",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ref, dir := refTo(t, `{command: [sh, -c, "`+line+`"]}`)
			began := time.Now()
			got, err := ref.Resolve(t.Context(), config.Environment{"PATH=" + os.Getenv("PATH")})
			want := "sesame"
			if strings.Contains(name, "two") {
				want = "open\nsesame"
			}
			if err != nil || got.Reveal() != want {
				t.Errorf("%q, %v", got.Reveal(), err)
			}
			if took := time.Since(began); took >= config.SecretTimeout {
				t.Errorf("it took %s", took)
			}
			pid, err := os.ReadFile(filepath.Join(dir, "pid"))
			if err != nil {
				t.Fatal(err)
			}
			within(t, "the child is gone", func() bool {
				stat, err := os.ReadFile("/proc/" + strings.TrimSpace(string(pid)) + "/stat")
				return err != nil || strings.Contains(string(stat), ") Z ")
			})
		})
	}
}
