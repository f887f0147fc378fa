package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCommandsOfTheManualOfDeploymentWork runs its blocks one after another, with the directories of a system in a place
// of their own.
func TestCommandsOfTheManualOfDeploymentWork(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{"secrets/clinic": "password", "lib/.keep": ""} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	here := strings.NewReplacer(
		"/opt/humanconnect", dir+"/opt", "/etc/humanconnect", dir+"/etc", "/var/lib/humanconnect", dir+"/lib/state", "/run/secrets", dir+"/secrets",
		" bin/", ` "$BIN"/`,
	)
	var script strings.Builder
	blocks := 0
	for _, block := range strings.Split(readDocument(t, "docs/deployment.md"), "```sh\n")[1:] {
		lines, _, ended := strings.Cut(block, "```")
		if !ended {
			t.Fatalf("the block %q has no end", block)
		}
		script.WriteString(here.Replace(lines))
		if blocks++; blocks == 1 { // what was put there is what runs from now on
			script.WriteString("PATH=" + dir + "/opt/bin:$PATH; command -v humanconnect\n")
		}
	}
	said := shell(t, dir, script.String()+"cat response.json etc/events.ndjson health.json; ls lib/state")
	for _, want := range []string{
		dir + "/opt/bin/humanconnect\n", `"status": "SUCCESS"`, `"status":"CONNECTED_SOURCE"`, `"type":"session.closed"`, `"state": "ok"`, "state.db\n",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("%d blocks do not print %s:\n%s", blocks, want, said)
		}
	}
	if blocks != 4 {
		t.Errorf("found %d blocks", blocks)
	}
}
