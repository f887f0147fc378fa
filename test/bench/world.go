package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/core/store/sqlite"
	"github.com/humanconnect/humanconnect/plugins"
)

// world has the binaries, and a home for those who run.
type world struct {
	dir string
	bin string
	// alone has humanconnect with the sandbox provider alone.
	alone string
	env   []string
}

// newWorld builds all binaries as they are released.
func newWorld(ctx context.Context, dir string) (*world, error) {
	w := &world{dir: dir, bin: filepath.Join(dir, "bin")}
	w.env = []string{"HOME=" + filepath.Join(dir, "home"), "PATH=" + os.Getenv("PATH")}
	for _, d := range []string{w.bin, filepath.Join(dir, "home")} {
		if err := os.Mkdir(d, 0o700); err != nil {
			return nil, err
		}
	}
	for name, pkg := range map[string]string{
		"humanconnect":         "./cmd/humanconnect",
		sandboxProvider:        "./providers/sandbox",
		oauth2Provider:         "./providers/oauth2",
		keyProvider:            "./providers/key",
		"humanconnect-sandbox": "./providers/sandbox/server",
		"launcher":             "./test/bench/launcher",
		"floor-empty":          "./test/bench/floor/empty",
		"floor-imports":        "./test/bench/floor/imports",
		"floor-host":           "./test/bench/floor/host",
		"floor-plugin":         "./test/bench/floor/plugin",
		"floor-access":         "./test/bench/floor/access",
		"floor-oauth":          "./test/bench/floor/oauth",
	} {
		if err := build(ctx, w.path(name), pkg); err != nil {
			return nil, err
		}
	}
	if err := writeLock(ctx, w.bin); err != nil {
		return nil, err
	}
	w.alone = filepath.Join(dir, "alone")
	if err := w.copyAlone(ctx); err != nil {
		return nil, err
	}
	select { // a file that has just changed is read at each start, since its times do not tell yet whether it changes again
	case <-time.After(settled):
	case <-ctx.Done():
	}
	return w, ctx.Err()
}

// settled is how old programs are when they are measured.
const settled = 3 * time.Second

// copyAlone makes an installation whose only provider is the sandbox.
func (w *world) copyAlone(ctx context.Context) error {
	if err := os.Mkdir(w.alone, 0o700); err != nil {
		return err
	}
	for _, name := range []string{"humanconnect", sandboxProvider} {
		if err := os.Link(w.path(name), filepath.Join(w.alone, name)); err != nil {
			return err
		}
	}
	return writeLock(ctx, w.alone)
}

// writeLock pins the providers in a directory, as a release does.
func writeLock(ctx context.Context, dir string) error {
	lock, _, err := plugins.LockDirectory(ctx, plugins.Options{Environ: os.Environ()}, dir)
	if err != nil {
		return err
	}
	return plugins.WriteLock(filepath.Join(dir, plugins.LockName), lock)
}

// path returns the path of a binary.
func (w *world) path(name string) string { return filepath.Join(w.bin, name) }

const buildLimit = 10 * time.Minute

// build builds a program. It is copied, as an installation does: what the linker has just written starts up to a fifth slower.
func build(ctx context.Context, out, pkg string) error {
	ctx, cancel := context.WithTimeout(ctx, buildLimit)
	defer cancel()
	linked := out + ".linked"
	c := exec.CommandContext(ctx, "go", "build", "-tags", "grpcnotrace", "-trimpath", "-ldflags", "-s -w", "-o", linked, pkg)
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("go build %s: %w\n%s", pkg, err, said)
	}
	return errors.Join(copyProgram(linked, out), os.Remove(linked))
}

func copyProgram(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o700)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	_, err = io.Copy(out, in)
	return err
}

// newState makes a state in which other users have so many connections, ten each.
func (w *world) newState(ctx context.Context, name string, connections int) (dir string, err error) {
	dir = filepath.Join(w.dir, name)
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	st, err := sqlite.Open(ctx, sqlite.Options{Dir: dir})
	if err != nil {
		return "", err
	}
	defer func() {
		if closing := st.Close(); err == nil {
			err = closing
		}
	}()
	const batch = 1000
	for from := 0; from < connections; from += batch {
		if err := st.Update(ctx, func(tx store.Tx) error { return insertUsers(tx, from, min(from+batch, connections)) }); err != nil {
			return "", err
		}
	}
	return dir, nil
}

func insertUsers(tx store.Tx, from, to int) error {
	const each = 10
	var user store.User
	for i := from; i < to; i++ {
		if i%each == 0 {
			user = store.User{HumanID: id.NewHuman(), ClientID: "bench", ClientUserID: fmt.Sprintf("other-%d", i/each)}
			if err := tx.InsertUser(user); err != nil {
				return err
			}
		}
		if err := tx.InsertConnection(connectionOf(user, i)); err != nil {
			return err
		}
	}
	return nil
}

func connectionOf(user store.User, i int) store.Connection {
	now := time.Now().UTC().Truncate(time.Millisecond)
	return store.Connection{
		ID: id.New[id.Connection](), User: user.HumanID, Source: "sandbox-family", SourceName: "Sandbox Family",
		Provider: "sandbox", AccountKey: fmt.Appendf(nil, "account-%d", i), AccountID: fmt.Sprint(i),
		Credential: make([]byte, 1500), MediaType: "application/octet-stream",
		State: store.ConnectionActive, ConnectedSince: now, RenewedAt: now,
	}
}
