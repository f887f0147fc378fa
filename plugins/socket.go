package plugins

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"

	"github.com/hashicorp/go-plugin"
)

// errForeignSocket is the cause of a refused socket.
var errForeignSocket = errors.New("the socket is not the provider's own")

// dial connects to the socket that the handshake names, after a check that it is one, in the directory of the process, and of this
// user. Who listens there is checked after the connection is made, since a path can be replaced in between.
func (l *launch) dial(ctx context.Context, _ string) (net.Conn, error) {
	conn, err := l.dialOwn(ctx)
	if errors.Is(err, errForeignSocket) {
		l.mu.Lock()
		l.foreign = err
		l.mu.Unlock()
	}
	return conn, err
}

func (l *launch) dialOwn(ctx context.Context) (net.Conn, error) {
	path := l.handshake.address
	if err := checkSocket(l.handshake.socketDir, path); err != nil {
		return nil, err
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	if err := checkListener(conn.(*net.UnixConn), l.process().cmd.Process.Pid); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

// checkSocket refuses what is no socket of this user, or is reached by a symbolic link. A path where nothing is, is left to the
// connection to report.
func checkSocket(dir, path string) error {
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return err
	}
	inside, err := filepath.Rel(dir, path)
	if err != nil {
		return err
	}
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if found, err := filepath.EvalSymlinks(path); err != nil || found != filepath.Join(real, inside) {
		return fmt.Errorf("%w: it is a symbolic link", errForeignSocket)
	}
	if info.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("%w: it is not a socket", errForeignSocket)
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); !ok || int(owner.Uid) != os.Geteuid() {
		return fmt.Errorf("%w: it is owned by another user", errForeignSocket)
	}
	return nil
}

// foreignSocket is the error of a provider that named a socket which is not its own; nil if it did not.
func (l *launch) foreignSocket() *Error {
	l.mu.Lock()
	err := l.foreign
	l.mu.Unlock()
	if err == nil {
		return nil
	}
	return newError(CodeProtocol, l.spec.Name, "names a socket in its handshake that is refused").because(err).lines(l.tail()).
		hint("listen on a Unix socket of its own, in the directory that %s names", plugin.EnvUnixSocketDir)
}
