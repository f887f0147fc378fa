package app

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/exit"
	"github.com/humanconnect/humanconnect/core/hook"
	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/plugins"
)

// dataDir returns where installed providers are looked for: humanconnect in the XDG data directory.
func (a *App) dataDir() (string, error) { return a.xdg("XDG_DATA_HOME", ".local/share") }

// configDir returns where the config file and the user's lock of providers are: humanconnect in the XDG config
// directory.
func (a *App) configDir() (string, error) { return a.xdg("XDG_CONFIG_HOME", ".config") }

// xdg returns humanconnect in a base directory. A base that is not absolute is ignored, as the XDG Base Directory
// Specification 0.8 asks.
func (a *App) xdg(name, byDefault string) (string, error) {
	if base := a.Variable(name); filepath.IsAbs(base) {
		return filepath.Join(base, "humanconnect"), nil
	}
	home := a.Variable("HOME")
	if !filepath.IsAbs(home) {
		return "", problem.New(exit.CodeNoHome, "HOME is not set to an absolute path").
			Hint("set HOME, or %s", name)
	}
	return filepath.Join(home, byDefault, "humanconnect"), nil
}

// UserLock is where the user's lock of providers is.
func (a *App) UserLock() (string, error) {
	dir, err := a.configDir()
	return filepath.Join(dir, plugins.LockName), err
}

// coreDir is the directory of this program, links followed.
func (a *App) coreDir() (string, error) {
	exe, err := a.Executable()
	if err == nil {
		exe, err = filepath.EvalSymlinks(exe)
	}
	if err != nil {
		return "", problem.New(exit.CodeProgramLost, "the path of this program cannot be found").Because(err).
			Hint("mount /proc; or, if the installation is being replaced, run the same command again")
	}
	return filepath.Dir(exe), nil
}

// Place is the user, host and directory of hooks given as flags. Without a working directory, as when it was removed, the
// directory is "": only a hook that runs there needs it.
func (a *App) Place() (hook.Place, error) {
	dir, err := a.Getwd()
	if err != nil {
		dir = ""
	}
	host, err := os.Hostname()
	if err != nil {
		return hook.Place{}, fmt.Errorf("the name of this host: %w", err)
	}
	return hook.Place{Dir: dir, UID: a.UID, Host: host}, nil
}
