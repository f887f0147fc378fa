package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// installer runs make install and make uninstall with what was built for the tests.
type installer struct {
	t *testing.T
	// built is what make build would fill, and root is DESTDIR.
	built, root, home string
}

func newInstaller(t *testing.T) *installer {
	t.Helper()
	i := &installer{t, filepath.Join(t.TempDir(), "built"), filepath.Join(t.TempDir(), "root"), t.TempDir()}
	i.sh(`mkdir -p "$1/share/completion" "$1/share/man/man1" && cp "$2"/humanconnect* "$2/providers.lock.json" "$1"
		for shell in bash zsh fish; do "$1/humanconnect" --config none completion $shell > "$1/share/completion/humanconnect.$shell"; done
		echo .TH OPEN 1 > "$1/share/man/man1/humanconnect-open.1"`, i.built, binDir())
	return i
}

// sh runs a script with arguments as a new user with a careless umask would, and returns what it says.
func (i *installer) sh(script string, args ...string) string {
	i.t.Helper()
	ctx, cancel := context.WithTimeout(i.t.Context(), docLimit)
	defer cancel()
	c := exec.CommandContext(ctx, "sh", append([]string{"-euc", "umask 000\n" + script, "sh"}, args...)...)
	c.Dir = "../.."
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + i.home, "HUMANCONNECT_CLIENT_ID=demo", quickExit}
	said, err := c.CombinedOutput()
	if err != nil {
		i.t.Fatalf("%v\n%s", err, said)
	}
	return string(said)
}

func (i *installer) make(args ...string) {
	i.t.Helper()
	i.sh(`make -s BIN="$1" DESTDIR="$2" "$3" $4`, i.built, i.root, args[0], strings.Join(args[1:], " "))
}

// tree lists what is below DESTDIR.
func (i *installer) tree() (paths []string) {
	i.t.Helper()
	err := filepath.WalkDir(i.root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == i.root {
			return err
		}
		paths = append(paths, strings.TrimPrefix(path, i.root))
		if info, err := d.Info(); err != nil || info.Mode()&fs.ModeSymlink == 0 && info.Mode()&0o022 != 0 {
			i.t.Errorf("others may write to %s: %v", path, err)
		}
		return nil
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		i.t.Fatal(err)
	}
	return paths
}

func TestInstalledTreeWorksWhereverItIsMoved(t *testing.T) {
	t.Parallel()
	for _, flags := range []string{"", "PREFIX=/opt/humanconnect", "PREFIX=/usr BINDIR=/usr/local/deep/bin LIBEXECDIR=/usr/lib"} {
		i := newInstaller(t)
		i.make("install", flags)
		i.make("install", flags) // again
		moved := i.root + " moved"
		if err := os.Rename(i.root, moved); err != nil {
			t.Fatal(err)
		}
		bin := map[string]string{"": "/usr/local/bin", "PREFIX=/opt/humanconnect": "/opt/humanconnect/bin"}[flags]
		if bin == "" {
			bin = "/usr/local/deep/bin"
		}
		said := i.sh(`PATH=$1:$PATH
			humanconnect provider list
			humanconnect token create --client-user-id ada > "$2"
			humanconnect open --token "@$2" --connect sandbox-instant`, moved+bin, filepath.Join(i.built, "token"))
		if strings.Count(said, "release  release") != 3 || !strings.Contains(said, `"status": "SUCCESS"`) {
			t.Errorf("%s: %s", flags, said)
		}
	}
}

func TestUninstallRemovesWhatInstallHasPutThereAndNothingElse(t *testing.T) {
	t.Parallel()
	i := newInstaller(t)
	i.sh(`umask 022; mkdir -p "$1/usr/local/bin" "$1/usr/local/share/man/man1" "$1/usr/local/share/fish/vendor_completions.d"
		touch "$1/usr/local/bin/other" "$1/usr/local/share/man/man1/other.1"`, i.root)
	before := i.tree()
	i.make("install")
	for _, path := range []string{
		"/bin/humanconnect", "/libexec/humanconnect/providers.lock.json", "/share/man/man1/humanconnect-open.1",
		"/share/bash-completion/completions/humanconnect", "/share/zsh/site-functions/_humanconnect",
		"/share/fish/vendor_completions.d/humanconnect.fish",
	} {
		if !slices.Contains(i.tree(), "/usr/local"+path) {
			t.Errorf("%s is not installed", path)
		}
	}
	// The next version has another page and no provider that is called key.
	i.sh(`cd "$1"; rm humanconnect-provider-key; mv share/man/man1/humanconnect-open.1 share/man/man1/humanconnect-shut.1`, i.built)
	i.make("install")
	for _, path := range i.tree() {
		if strings.HasSuffix(path, "-key") || strings.HasSuffix(path, "-open.1") || strings.Contains(path, ".new") {
			t.Errorf("%s is left of the version before", path)
		}
	}
	i.sh(`mkdir -m 755 "$1/usr/local/share/zsh/mine"`, i.root)
	i.make("uninstall")
	i.make("uninstall")
	if after := i.tree(); !slices.Equal(after, slices.Sorted(slices.Values(append(before, "/usr/local/share/zsh", "/usr/local/share/zsh/mine")))) {
		t.Errorf("left are %v, and before there were %v", after, before)
	}
}

func TestUpgradeLeavesRunningProgramsTheirFiles(t *testing.T) {
	t.Parallel()
	i := newInstaller(t)
	i.make("install")
	for _, name := range []string{"humanconnect", "humanconnect-provider-sandbox", "providers.lock.json"} {
		path := filepath.Join(i.root, "usr/local/libexec/humanconnect", name)
		open, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer open.Close()
		before, err := open.Stat()
		if err != nil {
			t.Fatal(err)
		}
		i.make("install")
		if after, err := os.Stat(path); err != nil || os.SameFile(before, after) {
			t.Errorf("%s is written to, and not replaced: %v", name, err)
		}
	}
}

func TestInterruptedInstallationIsRemovedToo(t *testing.T) {
	t.Parallel()
	i := newInstaller(t)
	i.sh(`mv "$1/share/completion/humanconnect.zsh" "$1/zsh"
		! make -s install BIN="$1" DESTDIR="$2" 2>/dev/null
		[ -x "$2/usr/local/bin/humanconnect" ]`, i.built, i.root)
	i.make("uninstall")
	if left := i.tree(); len(left) > 0 {
		t.Errorf("left is %v", left)
	}
}

// TestInstalledCompletionCompletes in shells themselves; those that are not installed are left out, but for bash.
func TestInstalledCompletionCompletes(t *testing.T) {
	t.Parallel()
	i := newInstaller(t)
	i.make("install")
	share := filepath.Join(i.root, "usr/local/share")
	const ask = `PATH=$1:$PATH; . "$2"
compopt() { :; } # works inside a completion alone
complete_line() {
	COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_TYPE=9; COMP_LINE="$*"; COMP_LINE=${COMP_LINE// = /=}; COMP_POINT=${#COMP_LINE}; COMPREPLY=()
	__start_humanconnect; printf '<%s>\n' "${COMPREPLY[@]}"
}
complete_line humanconnect op
complete_line humanconnect open --connect sandbox-inst
echo "after a flag: "; complete_line humanconnect open --connect = sandbox-inst
complete_line humanconnect provider show oau
complete_line humanconnect connection show con_none
`
	bash := `exec bash -c '` + strings.ReplaceAll(ask, "'", `'\''`) + `' bash "$1" "$2"`
	said := i.sh(bash, filepath.Join(i.root, "usr/local/bin"), filepath.Join(share, "bash-completion/completions/humanconnect"))
	for _, want := range []string{"<open>", "<sandbox-instant>", "after a flag: \n<sandbox-instant>", "<oauth2>"} {
		if !strings.Contains(said, want) {
			t.Errorf("bash does not print %s:\n%s", want, said)
		}
	}
	if strings.Contains(said, "bash:") || strings.Contains(said, "error") {
		t.Errorf("bash prints an error: %s", said)
	}
	for shell, file := range map[string]string{"zsh": "zsh/site-functions/_humanconnect", "fish": "fish/vendor_completions.d/humanconnect.fish"} {
		if _, err := exec.LookPath(shell); err == nil {
			i.sh(`"$1" -n "$2"`, shell, filepath.Join(share, file))
		}
	}
	if _, err := exec.LookPath("fish"); err == nil {
		said := i.sh(`PATH=$1:$PATH exec fish -c 'source $argv[1]; complete -C "humanconnect open --connect sandbox-inst"' "$2"`,
			filepath.Join(i.root, "usr/local/bin"), filepath.Join(share, "fish/vendor_completions.d/humanconnect.fish"))
		if !strings.HasPrefix(said, "sandbox-instant") {
			t.Errorf("fish offers %q", said)
		}
	}
}

// TestInstallSectionOfTheREADMEWorks with what is built for the tests, in a home that is empty.
func TestInstallSectionOfTheREADMEWorks(t *testing.T) {
	t.Parallel()
	_, section, found := strings.Cut(readDocument(t, "README.md"), "\n## Install\n")
	section, _, _ = strings.Cut(section, "\n## ")
	commands := commandsIn(section)
	if !found || !strings.Contains(commands, "make build\n") || strings.Count(commands, "\n") < 4 {
		t.Fatalf("the section has the commands %q", commands)
	}
	i := newInstaller(t)
	commands = strings.Replace(strings.Replace(commands, "make build\n", "", 1), "make install", `make -s install BIN="$1"`, 1)
	said := i.sh(commands+"humanconnect config path\nMANPATH=$HOME/.local/share/man man -w humanconnect-open\n"+
		"make -s uninstall PREFIX=$HOME/.local\n[ ! -e $HOME/.local ] || find $HOME/.local", i.built)
	_, said, _ = strings.Cut(said, "\n") // what was installed
	checks, rest, _ := strings.Cut(said, i.home)
	for line := range strings.Lines(checks) {
		if !strings.HasPrefix(line, "ok ") {
			t.Errorf("doctor prints %q", line)
		}
	}
	if strings.Count(checks, "pinned by: release") != 3 || !strings.Contains(rest, "humanconnect-open.1") || strings.Contains(rest, "libexec") {
		t.Errorf("the commands print %s", said)
	}
}
