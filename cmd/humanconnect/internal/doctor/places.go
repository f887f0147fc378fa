package doctor

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/exit"
	"github.com/humanconnect/humanconnect/core/hook"
	"github.com/humanconnect/humanconnect/core/store/sqlite"
	"github.com/humanconnect/humanconnect/internal/problem"
)

// writable checks that the state can be written to and has room.
func (d *examination) writable(dir string) {
	if err := sqlite.CheckWritable(dir); err != nil {
		d.failed("state", err)
		return
	}
	d.ok("state", "it can be written to, and has room")
}

// creatable checks that a state can be made: in the nearest directory that is there.
func (d *examination) creatable(dir string) {
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) || dir == filepath.Dir(dir) {
			break
		}
	}
	if err := sqlite.CheckWritable(dir); err != nil {
		d.failed("state", err)
	}
}

// runnable checks that this user can use the directory of a hook, and run its command.
func (d *examination) runnable(check string, h hook.Hook) (ok bool) {
	if err := usable(h.Dir, unix.R_OK|unix.X_OK); h.Dir != "" && err != nil {
		d.failed(check, problem.New(exit.CodeHookUnusable, "this user cannot use its directory %s", h.Dir).Because(err).
			Hint("give the user that runs this program read and search permission on the directory of the config file"))
		return false
	}
	if len(h.Command) == 0 {
		return true
	}
	if err := executable(h); err != nil {
		d.failed(check, problem.New(exit.CodeHookUnusable, "its command %s cannot be run", h.Command[0]).Because(err).
			Hint("install it, make it executable for this user, or fix command: in the config file"))
		return false
	}
	return d.canWrite(check, h, strings.Join(h.Command, " "))
}

// canWrite checks the file that a command writes to by its name alone, which is in the directory of the hook.
func (d *examination) canWrite(check string, h hook.Hook, line string) bool {
	name := written(line)
	if name == "" {
		return true
	}
	if err := writes(filepath.Join(h.Dir, name)); err != nil {
		d.failed(check, problem.New(exit.CodeHookUnusable, "this user cannot write to %s in its directory %s", name, h.Dir).Because(err).
			Hint("let it write to an absolute path in a directory of this user"))
		return false
	}
	return true
}

// executable looks the program of a hook up as the try does: a path in the hook's directory, a name in PATH.
func executable(h hook.Hook) error {
	name := h.Command[0]
	if filepath.Base(name) == name {
		_, err := exec.LookPath(name)
		return err
	}
	if !filepath.IsAbs(name) {
		name = filepath.Join(h.Dir, name)
	}
	info, err := os.Stat(name)
	if err == nil && info.IsDir() {
		err = fs.ErrPermission
	}
	if err != nil {
		return err
	}
	return usable(name, unix.X_OK)
}

func usable(path string, mode uint32) error {
	return unix.Faccessat(unix.AT_FDCWD, path, mode, unix.AT_EACCESS)
}

// shell checks a line for sh as far as can be said without running it: its first word, and a file that it writes to in a
// directory where this user makes none.
func (d *examination) shell(check string, h hook.Hook) {
	if _, err := exec.LookPath("sh"); err != nil {
		d.failed(check, problem.New(exit.CodeHookUnusable, "there is no sh to run it").Because(err).Hint("put sh into PATH"))
		return
	}
	first := firstWord(h.Shell)
	if first != "" {
		if err := executable(hook.Hook{Command: []string{first}, Dir: h.Dir}); err != nil && !builtin(first) {
			d.failed(check, problem.New(exit.CodeHookUnusable, "its command %s cannot be run", first).Because(err).
				Hint("install it, make it executable for this user, or fix shell: in the config file"))
			return
		}
	}
	if !d.canWrite(check, h, h.Shell) {
		return
	}
	d.ok(check, "shell command, and this user can run it in %s", h.Dir)
}

// relative finds a file that a line for sh appends to, by its name alone.
var relative = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?:>>?|\btee(?: +-a)?) *([A-Za-z0-9_][A-Za-z0-9_.-]*)(?:\s|$)`)
})

// written is the relative path that a line for sh writes to, as far as it can be seen, or "".
func written(line string) string {
	if m := relative().FindStringSubmatch(line); m != nil {
		return m[1]
	}
	return ""
}

// writes says why this user cannot write to a file, which need not be there.
func writes(path string) error {
	err := usable(path, unix.W_OK)
	if errors.Is(err, fs.ErrNotExist) {
		return usable(filepath.Dir(path), unix.W_OK|unix.X_OK)
	}
	return err
}

// firstWord is the program that a line for sh begins with; "" where that is not plain text.
func firstWord(line string) string {
	first, _, _ := strings.Cut(strings.TrimSpace(line), " ")
	if first == "" || strings.ContainsAny(first, "'\"\\$`|&;<>()=*?[]{}#~!\n\t") {
		return ""
	}
	return first
}

// builtin says whether a word is one of the shell's own: a reserved word, or a utility that it has without a file (POSIX, 2.4, 2.14).
func builtin(word string) bool {
	return slices.Contains([]string{
		"if", "for", "while", "until", "case", ":", ".", "break", "continue", "eval", "exec", "exit", "export", "readonly", "return",
		"set", "shift", "times", "trap", "unset", "cd", "read", "umask", "wait", "command", "type", "ulimit", "alias", "printf", "echo",
		"test", "true", "false", "source", "local",
	}, word)
}
