//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package plugins

import "os"

// identify knows no file here: each start reads the executable again, because a path is executed.
func identify(*os.File, string) (identity, bool) { return identity{}, false }
