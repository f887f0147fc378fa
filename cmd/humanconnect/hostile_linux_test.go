package main

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestOddSurroundingsHaveACodeAndAHint: what is optional may be missing, and what is not is named, with what to do about it.
func TestOddSurroundingsHaveACodeAndAHint(t *testing.T) {
	t.Parallel()
	if !mayMount(t) {
		return
	}
	const run = `humanconnect token create --client-user-id ada > token; humanconnect open --token @token --connect sandbox-instant > response; grep SUCCESS response`
	for name, c := range map[string]struct{ script, want, hint string }{
		"a HOME that is a file": {"touch file; export HOME=$PWD/file HUMANCONNECT_STATE_DIR=$PWD/s; " + run, "SUCCESS", ""},
		"a HOME that is a file, and no other place": {
			"touch file; export HOME=$PWD/file; " + run, "not a directory [store_path]", "HUMANCONNECT_STATE_DIR",
		},
		"relative places":      {"export XDG_STATE_HOME=a XDG_CONFIG_HOME=b XDG_DATA_HOME=c XDG_RUNTIME_DIR=d; " + run + "; ! test -e a", "SUCCESS", ""},
		"empty places":         {"export XDG_STATE_HOME= XDG_CONFIG_HOME= XDG_DATA_HOME= XDG_RUNTIME_DIR= TMPDIR=; " + run, "SUCCESS", ""},
		"no path":              {"grep=$(command -v grep); B=$(command -v humanconnect); unset PATH; humanconnect() { $B \"$@\"; }; grep() { $grep \"$@\"; }; " + run, "SUCCESS", ""},
		"a mask of everything": {"mkdir w; cd w; export HOME=$PWD; umask 0777; humanconnect token create --client-user-id ada; umask 022; humanconnect session list; echo SUCCESS", "SUCCESS", ""},
		"no open files":        {"ulimit -n 20; " + run, "too many open files [provider_unavailable]", "ulimit -n"},
		"no /proc":             {"umount -l /proc; " + run, "the path of this program cannot be found", "mount /proc"},
		"nowhere for sockets": {
			"mkdir rw; mount --bind /tmp /tmp; mount -o remount,bind,ro /tmp; cd /; mount -t tmpfs rw $W/rw; cd $W/rw; export HOME=$PWD; " + run,
			"[provider_run_dir]", "set TMPDIR",
		},
		"a state that is a file":         {"touch file; export HUMANCONNECT_STATE_DIR=$PWD/file; " + run, "is not a directory [store_path]", "HUMANCONNECT_STATE_DIR"},
		"a state below a file":           {"touch file; export HUMANCONNECT_STATE_DIR=$PWD/file/x; " + run, "not a directory [store_path]", "HUMANCONNECT_STATE_DIR"},
		"a long path":                    {"d=$(printf %0150d 0); mkdir $d; export HUMANCONNECT_STATE_DIR=$PWD/$d/s XDG_RUNTIME_DIR=$PWD/$d TMPDIR=$PWD/$d; " + run, "SUCCESS", ""},
		"no streams at all":              {"humanconnect token create --client-user-id ada > token; humanconnect open --token @token --connect sandbox-instant <&- >&- 2>&-; humanconnect open --token @token --connect sandbox-instant", "SUCCESS", ""},
		"a full output, and then a file": {"humanconnect token create --client-user-id ada > token; humanconnect open --token @token --connect sandbox-instant > /dev/full || humanconnect open --token @token --connect sandbox-instant", "SUCCESS", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			command := exec.CommandContext(t.Context(), "unshare", append(ownMounts(), "sh", "-euc", c.script)...)
			command.Dir = dir
			command.Env = []string{
				"PATH=" + binDir() + ":/usr/bin:/bin", "HOME=" + filepath.Join(dir, "home"), "W=" + dir, "HUMANCONNECT_CLIENT_ID=demo", quickExit,
			}
			out, _ := command.CombinedOutput() // what it says is what counts
			if said := string(out); !strings.Contains(said, c.want) || c.hint != "" && !strings.Contains(said, "hint: ") || !strings.Contains(said, c.hint) {
				t.Errorf("it does not say %q with %q:\n%s", c.want, c.hint, said)
			}
		})
	}
}

// TestHomeOfSomebodyElseIsNotNeeded: a service that was started with root's HOME runs where its state is named.
func TestHomeOfSomebodyElseIsNotNeeded(t *testing.T) {
	t.Parallel()
	if !mayBecomeAnother(t) {
		return
	}
	dir := t.TempDir()
	said := rootShell(t, dir, `mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs /opt
cp "`+binDir()+`"/humanconnect* "`+binDir()+`"/providers.lock.json /opt; chmod 755 /opt/humanconnect*
mkdir -m 700 /opt/home /opt/state; chown 4711 /opt/state
as() { setpriv --reuid 4711 --regid 4711 --clear-groups env -C /opt/state HOME=/opt/home HUMANCONNECT_STATE_DIR=/opt/state HUMANCONNECT_CLIENT_ID=demo PATH="/opt:$PATH" "$@"; }
as sh -euc 'humanconnect token create --client-user-id ada > token; humanconnect open --token @token --connect sandbox-instant; humanconnect doctor'
`)
	if !strings.Contains(said, `"status": "SUCCESS"`) || strings.Contains(said, "failed") {
		t.Errorf("it says %s", said)
	}
}
