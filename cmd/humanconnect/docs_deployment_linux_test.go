package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// blocks are the examples for sh of a document, without the last newline of each.
func blocks(t *testing.T, document string) []string {
	t.Helper()
	var found []string
	for _, block := range strings.Split(readDocument(t, document), "```sh\n")[1:] {
		lines, _, ended := strings.Cut(block, "```")
		if !ended {
			t.Fatalf("the block %q has no end", block)
		}
		found = append(found, lines)
	}
	return found
}

// asItStands runs scripts as root in a name space with an /etc, /opt, /run and /var/lib of their own, so that the paths of a document
// are used as they stand there. $W is a directory of the test, with the programs in bin.
const asItStands = `mount --make-rprivate /
cp -a /etc "$W/etc"
for file in passwd shadow group gshadow; do sed -i /^humanconnect:/d "$W/etc/$file"; done
mount --bind "$W/etc" /etc
for dir in /opt /run /var/lib; do mount -t tmpfs -o mode=755 tmpfs "$dir"; done
mkdir /run/secrets
cd "$W"
`

// TestDeploymentIsFollowedAsAUserOfItsOwn follows the manual to the letter: root installs and configures, and a user that is made for
// it runs the rest, with no right to write to anything but its own directory.
func TestDeploymentIsFollowedAsAUserOfItsOwn(t *testing.T) {
	t.Parallel()
	if !mayBecomeAnother(t) {
		return
	}
	manual := blocks(t, "docs/deployment.md")
	if len(manual) != 4 {
		t.Fatalf("the manual has %d blocks", len(manual))
	}
	dir := t.TempDir()
	if err := os.Symlink(binDir(), filepath.Join(dir, "bin")); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"install": manual[0], "configure": manual[1], "session": manual[2], "watch": manual[3], "cron": cronLine(t),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	said := rootShell(t, dir, asItStands+`
. ./install
PATH=/opt/humanconnect/bin:$PATH
. ./configure
id humanconnect
printf password > /run/secrets/clinic; chown humanconnect /run/secrets/clinic; chmod 400 /run/secrets/clinic
cp session watch cron /var/lib
as() { setpriv --reuid humanconnect --regid humanconnect --clear-groups env -C /var/lib/humanconnect HOME=/var/lib/humanconnect "$@"; }
echo "as root:" $(stat -c '%U %a' /etc/humanconnect /etc/humanconnect/config.yaml /opt/humanconnect/bin/humanconnect)
as sh -euc '. /var/lib/session; . /var/lib/watch; sh -euc "$(cat /var/lib/cron)"; touch /etc/humanconnect/x 2>/dev/null || echo no right to write there'
cd /var/lib/humanconnect
cat response.json health.json events/events.ndjson
echo "the owners:" $(find . ! -user humanconnect | wc -l) others
# What the manual warns of: a path that is relative to the directory of the config.
sed -i 's|cat >> .*|tee -a events.ndjson|' /etc/humanconnect/config.yaml
as humanconnect doctor || echo "doctor: $?"
`)
	for _, want := range []string{
		"uid=", `"status": "SUCCESS"`, `"type":"source.connected"`, `"type":"session.closed"`, `"state": "ok"`, "no right to write there", "the owners: 0 others",
		"failed   hook journal: this user cannot write to /etc/humanconnect/events.ndjson", "doctor: 11",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("it does not print %s:\n%s", want, said)
		}
	}
	if strings.Contains(said, "error:") || strings.Contains(said, `"state": "failed"`) {
		t.Errorf("something failed:\n%s", said)
	}
}

// cronLine is the command of the line for cron, without its times and its user.
func cronLine(t *testing.T) string {
	t.Helper()
	for _, line := range strings.Split(readDocument(t, "docs/deployment.md"), "\n") {
		if fields := strings.Fields(line); len(fields) > 7 && fields[0] == "*/5" && fields[5] == "humanconnect" {
			return strings.Join(fields[6:], " ") + "\n"
		}
	}
	t.Fatal("the manual has no line for cron")
	return ""
}

// rootShell runs a script in a name space of mounts of its own.
func rootShell(t *testing.T, dir, script string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), docLimit)
	defer cancel()
	c := exec.CommandContext(ctx, "unshare", "--mount", "sh", "-euc", script)
	c.Env = []string{"W=" + dir, "PATH=" + os.Getenv("PATH") + ":/usr/sbin:/sbin", quickExit}
	said, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	return string(said)
}

// mayBecomeAnother says whether this is root, who may mount file systems and become another user. In CI it has to be.
func mayBecomeAnother(t *testing.T) bool {
	t.Helper()
	err := fmt.Errorf("uid %d", os.Geteuid())
	if os.Geteuid() == 0 {
		err = exec.CommandContext(t.Context(), "unshare", "--mount", "sh", "-ec", "mount -t tmpfs tmpfs /opt; setpriv --reuid 4711 true").Run()
	}
	if err == nil {
		return true
	}
	if os.Getenv("CI") != "" {
		t.Fatal(errors.Join(errors.New("this test becomes another user: run it as root"), err))
	}
	t.Logf("nothing is tested: this user may not become another (%v)", err)
	return false
}
