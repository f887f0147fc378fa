package filetrust_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/humanconnect/humanconnect/internal/filetrust"
)

const self, other = 1000, 1001

func TestEachRuleRefusesWhatOthersCouldHaveWritten(t *testing.T) {
	rules := map[string]filetrust.Rule{
		"commands": filetrust.Commands(self), "keys": filetrust.Keys(self), "program": filetrust.Program(self),
		"private": filetrust.Private(self), "own": filetrust.Own(self),
	}
	of := func(uid, gid int, mode fs.FileMode) filetrust.File {
		return filetrust.File{Owned: true, Owner: uid, Group: gid, Mode: mode}
	}
	for name, c := range map[string]struct {
		file filetrust.File
		// passes has the rules that take it.
		passes string
	}{
		"ours":                   {of(self, self, 0o755), "commands keys program private own"},
		"root's":                 {of(0, 0, 0o755), "commands keys program"},
		"another's":              {of(other, self, 0o700), ""},
		"written by all":         {of(self, self, 0o757), "own"},
		"root's, written by all": {of(0, 0, 0o757), ""},
		"a group of its own":     {of(self, self, 0o775), "commands keys program own"},
		"a group":                {of(self, other, 0o775), "commands keys own"},
		"sticky":                 {of(self, self, 0o777|fs.ModeSticky), "own"},
		"nobody knows whose":     {filetrust.File{Mode: 0o700}, "commands keys own"},
	} {
		for rule, r := range rules {
			flaw := r.Judge(c.file)
			if want := slices.Contains(strings.Fields(c.passes), rule); (flaw == nil) != want {
				t.Errorf("%s: the rule for %s takes it: %t; %v", name, rule, flaw == nil, flaw)
			}
			foreign := !c.file.Owned || c.file.Owner != self && (c.file.Owner != 0 || r.Alone)
			if flaw != nil && flaw.Foreign != foreign {
				t.Errorf("%s, %s: %v is foreign: %t", name, rule, flaw, flaw.Foreign)
			}
		}
	}
}

func TestWarningsAreForFilesThatAreUsedNevertheless(t *testing.T) {
	for mode, want := range map[fs.FileMode]struct{ commands, keys, secret string }{
		0o600: {},
		0o640: {},
		0o644: {secret: "is readable by everyone (mode 0644)"},
		0o660: {commands: "is writable by its group (mode 0660)"},
	} {
		path := filepath.Join(t.TempDir(), "file")
		info := made(t, path, mode)
		for name, c := range map[string]struct {
			rule filetrust.Rule
			want string
		}{
			"commands": {filetrust.Commands(os.Geteuid()), want.commands}, "keys": {filetrust.Keys(os.Geteuid()), want.keys},
			"secret": {filetrust.Secret(), want.secret},
		} {
			got := ""
			if flaw := c.rule.Warning(info); flaw != nil {
				got = flaw.Error()
			}
			if flaw := c.rule.Check(info); got != c.want || name != "secret" && flaw != nil {
				t.Errorf("%s, mode %04o: %q, %v", name, mode, got, flaw)
			}
		}
	}
}

func made(t *testing.T, path string, mode fs.FileMode) fs.FileInfo {
	t.Helper()
	err := os.WriteFile(path, []byte("x"), 0o600)
	if err == nil {
		err = os.Chmod(path, mode) // whatever the umask is
	}
	info, statErr := os.Stat(path)
	if err := errors.Join(err, statErr); err != nil {
		t.Fatal(err)
	}
	return info
}

func TestOwnerAndModeAreThoseOfTheSystem(t *testing.T) {
	info := made(t, filepath.Join(t.TempDir(), "file"), 0o602)
	for rule, want := range map[filetrust.Rule]string{
		filetrust.Commands(os.Geteuid()):    "is writable by everyone (mode 0602)",
		filetrust.Own(os.Geteuid()):         "",
		filetrust.Own(os.Geteuid() + 1):     "belongs to another user (uid " + fmt.Sprint(os.Geteuid()) + ")",
		filetrust.Private(os.Geteuid() + 1): "belongs to another user (uid " + fmt.Sprint(os.Geteuid()) + ")",
	} {
		got := ""
		if flaw := rule.Check(info); flaw != nil {
			got = flaw.Error()
		}
		if got != want {
			t.Errorf("%+v: %q, want %q", rule, got, want)
		}
	}
}

func TestOpenTakesFilesAloneAndWaitsForNothing(t *testing.T) {
	for want, put := range map[string]func(path string) error{
		"is a named pipe, not a file": func(path string) error { return syscall.Mkfifo(path, 0o600) }, // nobody writes to it
		"is a directory, not a file":  func(path string) error { return os.Mkdir(path, 0o700) },
		"is a device, not a file":     func(path string) error { return os.Symlink(os.DevNull, path) },
		"is a socket, not a file": func(path string) error {
			l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
			if err == nil {
				t.Cleanup(func() { _ = l.Close() })
			}
			return err
		},
	} {
		path := filepath.Join(t.TempDir(), "x")
		if err := put(path); err != nil {
			t.Fatal(err)
		}
		_, _, err := filetrust.Open(path, 0)
		if flaw := (*filetrust.Flaw)(nil); !errors.As(err, &flaw) || flaw.Error() != want || flaw.Foreign {
			t.Errorf("%v, want: %s", err, want)
		}
	}
	path := filepath.Join(t.TempDir(), "file")
	want := made(t, path, 0o600)
	file, got, err := filetrust.Open(path, 0)
	if err != nil || !os.SameFile(got, want) || file.Close() != nil {
		t.Error(err)
	}
	link := path + ".link"
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if _, _, err := filetrust.Open(link, syscall.O_NOFOLLOW); err == nil {
		t.Error("a link is followed that was not to be")
	}
	if _, _, err := filetrust.Open(path+".not", 0); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}
