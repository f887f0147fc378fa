//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package plugins

import "net"

// checkListener does nothing here: the socket lies in our private directory, and is of our user.
func checkListener(*net.UnixConn, int) error { return nil }
