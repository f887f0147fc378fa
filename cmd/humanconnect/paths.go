package main

import (
	"path/filepath"

	"github.com/humanconnect/humanconnect/internal/problem"
)

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
		return "", problem.New(codeNoHome, "HOME is not set to an absolute path").
			Hint("set HOME, or %s", name)
	}
	return filepath.Join(home, byDefault, "humanconnect"), nil
}
