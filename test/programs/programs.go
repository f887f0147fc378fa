// Package programs builds the programs that tests run: humanconnect, its providers and the server of the sandbox, and two
// of somebody else. Every package whose tests run them gets the same ones.
//
// The go command keeps what it compiles, and not what it links, which takes longer. So the linked programs lie in
// .cache/test of the repository, where the go command sees within a second that they are up to date. Packages that are
// tested at the same time take turns there. Each gets copies, in a directory of its own, and may do with them what it likes.
package programs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/gofrs/flock"
)

// BuildLimit is how long the build of all programs may take on a slow machine with an empty build cache.
const BuildLimit = 10 * time.Minute

// lockPoll is how often a package looks whether it is its turn to build.
const lockPoll = 20 * time.Millisecond

// module is the name of the module whose programs these are.
const module = "github.com/humanconnect/humanconnect"

// race is the flag of the race detector, as a binary tells of it.
const race = "-race=true"

// variable tells the tests of a package where the programs are.
const variable = "TEST_HUMANCONNECT_BIN"

// QuickExit is a variable of the environment that keeps the race detector from sleeping a second at the end of each
// program, for the goroutines that still run then: tests start a thousand of them.
const QuickExit = "GORACE=atexit_sleep_ms=10"

// Kind is how humanconnect is built. The other programs are always built as they are released.
type Kind string

// The kinds of humanconnect.
const (
	// Tested is version 1.2.3-test of commit 0123abc, and has the race detector where the tests have it.
	Tested Kind = "tested"
	// Released is built as it is released, without a version.
	Released Kind = "released"
)

// Main runs the tests of a package with the programs in [Dir], humanconnect being Tested. It returns the exit code for
// TestMain, and leaves nothing behind.
func Main(m *testing.M) int {
	// Under nohup SIGHUP is ignored, and would be so in the programs that the tests start. They test what it does.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	dir, err := os.MkdirTemp("", "humanconnect-bin-")
	if err == nil {
		defer func() { _ = os.RemoveAll(dir) }()
		err = errors.Join(Build(dir, Tested), os.Setenv(variable, dir))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// Dir returns the directory of the programs of a package that [Main] runs:
//
//	humanconnect, humanconnect-provider-NAME with their lock, humanconnect-sandbox
//	other/twin          a provider that claims a source that is taken
//	other/receiver      a server that takes what an HTTP hook sends
func Dir() string { return os.Getenv(variable) }

// Build puts the programs into a directory, laid out as [Dir] says. It waits for other packages that build.
func Build(dir string, kind Kind) error {
	ctx, cancel := context.WithTimeout(context.Background(), BuildLimit)
	defer cancel()
	b, err := newBuilder(ctx, kind)
	if err != nil {
		return err
	}
	lock := flock.New(filepath.Join(b.store, "lock"))
	defer func() { _ = lock.Close() }()
	if _, err := lock.TryLockContext(ctx, lockPoll); err != nil {
		return fmt.Errorf("waiting for another build of the programs: %w", err)
	}
	if err := b.build(); err != nil {
		return err
	}
	if err := b.hand(dir); err != nil {
		return err
	}
	return b.run(nil, filepath.Join(dir, "humanconnect"), "provider", "lock", "--dir", dir)
}

// builder builds the programs of a repository.
type builder struct {
	ctx context.Context
	// root of the repository, and where the linked programs are kept.
	root, store string
	// flags that humanconnect is built with, and the folder of the store that it lies in.
	flags  []string
	folder string
	// providers by their names.
	providers []string
}

func newBuilder(ctx context.Context, kind Kind) (*builder, error) {
	root, err := repository()
	if err != nil {
		return nil, err
	}
	mains, err := filepath.Glob(filepath.Join(root, "providers", "*", "main.go"))
	if err != nil || len(mains) == 0 {
		return nil, fmt.Errorf("no provider in %s: %w", root, err)
	}
	b := &builder{ctx: ctx, root: root, store: filepath.Join(root, ".cache", "test"), folder: string(kind)}
	if kind == Tested {
		b.flags = asTested()
	}
	if slices.Contains(b.flags, race) { // so that tests with it and without do not build in turn
		b.folder += "-race"
	}
	for _, main := range mains {
		b.providers = append(b.providers, filepath.Base(filepath.Dir(main)))
	}
	return b, os.MkdirAll(b.store, 0o755)
}

// repository returns the root of the repository, at or above the working directory.
func repository() (string, error) {
	dir, err := os.Getwd()
	for err == nil {
		text, missing := os.ReadFile(filepath.Join(dir, "go.mod"))
		if missing == nil && bytes.HasPrefix(text, []byte("module "+module+"\n")) {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			err = fmt.Errorf("no module %s at or above the working directory: %w", module, fs.ErrNotExist)
		}
		dir = filepath.Dir(dir)
	}
	return "", err
}

// build brings the store up to date.
func (b *builder) build() error {
	var providers []string
	for _, name := range b.providers {
		providers = append(providers, "./providers/"+name)
	}
	return errors.Join(
		b.goBuild(b.folder, b.flags, "./cmd/humanconnect"),
		b.goBuild("providers", nil, providers...),
		b.goBuild("other", nil, "./providers/sandbox/server", "./test/programs/testdata/twin", "./test/programs/testdata/receiver"),
	)
}

// asTested returns the flags of a Tested humanconnect: those that find mistakes are those of the test that runs.
func asTested() []string {
	flags := []string{"-ldflags", "-X main.version=1.2.3-test -X main.commit=0123abc"}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return flags
	}
	for _, s := range info.Settings {
		if s.Key == "-race" || s.Key == "-gcflags" {
			flags = append(flags, s.Key+"="+s.Value)
		}
	}
	return flags
}

func (b *builder) goBuild(folder string, flags []string, packages ...string) error {
	// A commit that changes no program builds none.
	args := append([]string{"build", "-C", b.root, "-buildvcs=false", "-tags", "grpcnotrace", "-trimpath"}, flags...)
	args = append(args, "-o", filepath.Join(b.store, folder)+string(filepath.Separator))
	environ := []string{"GOWORK=off"}
	if !slices.Contains(flags, race) { // which needs cgo
		environ = append(environ, "CGO_ENABLED=0")
	}
	return b.run(environ, "go", append(args, packages...)...)
}

func (b *builder) run(environ []string, name string, args ...string) error {
	c := exec.CommandContext(b.ctx, name, args...)
	c.Env = append(append(os.Environ(), QuickExit), environ...)
	if said, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %v: %w\n%s", name, args, err, said)
	}
	return nil
}

// hand gives the programs in the store the names that they have in a release.
func (b *builder) hand(dir string) error {
	names := map[string]string{
		filepath.Join(b.folder, "humanconnect"): "humanconnect",
		filepath.Join("other", "server"):        "humanconnect-sandbox",
		filepath.Join("other", "twin"):          filepath.Join("other", "twin"),
		filepath.Join("other", "receiver"):      filepath.Join("other", "receiver"),
	}
	for _, name := range b.providers {
		names[filepath.Join("providers", name)] = "humanconnect-provider-" + name
	}
	for from, to := range names {
		if err := copyProgram(filepath.Join(b.store, from), filepath.Join(dir, to)); err != nil {
			return err
		}
	}
	return nil
}

func copyProgram(from, to string) (err error) {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
