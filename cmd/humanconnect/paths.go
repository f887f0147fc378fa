package main

import (
	"path/filepath"

	"github.com/humanconnect/humanconnect/core/problem"
)

// stateDir returns where the state is: --state-dir, HUMANCONNECT_STATE_DIR, or humanconnect in the XDG state directory.
// A relative path is taken from the working directory.
func (a *App) stateDir() (string, error) {
	given := a.global.stateDir
	if given == "" {
		given = a.env("HUMANCONNECT_STATE_DIR")
	}
	if given == "" {
		return a.xdg("XDG_STATE_HOME", ".local/state")
	}
	return a.absolute(given)
}

// dataDir returns where installed providers are looked for: humanconnect in the XDG data directory.
func (a *App) dataDir() (string, error) { return a.xdg("XDG_DATA_HOME", ".local/share") }

// configDir returns where the config file and the user's lock of providers are: humanconnect in the XDG config
// directory.
func (a *App) configDir() (string, error) { return a.xdg("XDG_CONFIG_HOME", ".config") }

// xdg returns humanconnect in a base directory. A base that is not absolute is ignored, as the XDG Base Directory
// Specification 0.8 asks.
func (a *App) xdg(name, byDefault string) (string, error) {
	if base := a.env(name); filepath.IsAbs(base) {
		return filepath.Join(base, "humanconnect"), nil
	}
	home := a.env("HOME")
	if !filepath.IsAbs(home) {
		return "", problem.New("no_home", "HOME is not set to an absolute path").
			Hint("set HOME, or %s", name)
	}
	return filepath.Join(home, byDefault, "humanconnect"), nil
}

func (a *App) absolute(path string) (string, error) {
	if filepath.IsAbs(path) {
		return filepath.Clean(path), nil
	}
	dir, err := a.Getwd()
	if err != nil {
		return "", problem.New("no_directory", "the working directory is not there").Because(err)
	}
	return filepath.Join(dir, path), nil
}
