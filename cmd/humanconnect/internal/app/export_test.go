package app

// DataDir and ConfigDir let tests see where is looked.
func DataDir(a *App) func() (string, error) { return a.dataDir }

// ConfigDir is where the config and the user's lock are.
func ConfigDir(a *App) func() (string, error) { return a.configDir }

// Reachable is a path unless it is closed to this user.
func Reachable(path string) string { return reachable(path) }
