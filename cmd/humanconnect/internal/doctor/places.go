package doctor

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"

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
	return d.canWrite(check, h, command{words: h.Command, sure: true})
}

// canWrite checks the files that a command writes to by its own words.
func (d *examination) canWrite(check string, h hook.Hook, c command) bool {
	for _, name := range c.written() {
		path := name
		if !filepath.IsAbs(path) {
			path = filepath.Join(h.Dir, path)
		}
		if err := writes(path); err != nil {
			return d.unusable(check, c.sure, problem.New(exit.CodeHookUnusable, "this user cannot write to %s, of its command", path).Because(err).
				Hint("let it write to an absolute path in a directory of this user"))
		}
	}
	return true
}

// unusable notes what is wrong with a hook: for sure, or where the line may not come to it.
func (d *examination) unusable(check string, sure bool, p *problem.Problem) (ok bool) {
	if sure {
		d.failed(check, p)
	} else {
		d.warn(check, p.Hints()[0], "%s", p.Error())
	}
	return !sure
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

// shell checks a line for sh as far as can be said without running it: its programs, and the files that it writes to.
func (d *examination) shell(check string, h hook.Hook) {
	if _, err := exec.LookPath("sh"); err != nil {
		d.failed(check, problem.New(exit.CodeHookUnusable, "there is no sh to run it").Because(err).Hint("put sh into PATH"))
		return
	}
	for _, c := range parseLine(h.Shell) {
		if name := c.program(); name != "" {
			if err := executable(hook.Hook{Command: []string{name}, Dir: h.Dir}); err != nil {
				if !d.unusable(check, c.sure, problem.New(exit.CodeHookUnusable, "its command %s cannot be run", name).Because(err).
					Hint("install it, make it executable for this user, or fix shell: in the config file")) {
					return
				}
			}
		}
		if !d.canWrite(check, h, c) {
			return
		}
	}
	d.ok(check, "shell command, and this user can run it in %s", h.Dir)
}

// writes says why this user cannot write to a file, which need not be there.
func writes(path string) error {
	err := usable(path, unix.W_OK)
	if errors.Is(err, fs.ErrNotExist) {
		return usable(filepath.Dir(path), unix.W_OK|unix.X_OK)
	}
	return err
}
