package house_test

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestWhatTheTestsNeedIsNamedWhereItIsMissing(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, sh, filepath.Join(root, "test", "needs.sh"))
	c.Env = []string{"PATH=" + t.TempDir()} // nothing is there, and nothing to install it with
	said, err := c.CombinedOutput()
	if err == nil {
		t.Errorf("nothing is missing:\n%s", said)
	}
	for _, name := range []string{"gcc", "openssl", "nodejs", "npm", "chromium"} {
		if !strings.Contains(string(said), " "+name) {
			t.Errorf("does not name %s:\n%s", name, said)
		}
	}
}
