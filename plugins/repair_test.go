package plugins_test

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/plugins"
)

// What is not the pinned file is named with the place of its pin, and the command that repairs that.
func TestHintOfAChangedFileIsTheCommandForItsPin(t *testing.T) {
	other := strings.Repeat("1", 64)
	i := newInstallation(t)
	o := i.options()
	names := map[string]string{}
	for what, dir := range map[string]string{"beside": i.core, "libexec": i.libexec, "user": i.user, "config": i.user} {
		names[what] = i.add(dir, what)
	}
	i.lock(i.core, map[string]string{"beside": other, "libexec": other})
	i.lock(i.cfg, map[string]string{"user": other})
	o.Configured = []plugins.Spec{{Name: "config", SHA256: other}}
	specs, _, err := plugins.Find(o)
	if err != nil {
		t.Fatal(err)
	}
	h := newStage(t).host(plugins.Options{Specs: specs})
	for name, says := range map[string][]string{
		"beside":  {"the release lock " + filepath.Join(i.core, plugins.LockName), "humanconnect provider lock --dir " + i.core + "\""},
		"libexec": {"the release lock " + filepath.Join(i.core, plugins.LockName), "providers: [{name: libexec, sha256: " + digest(t, names["libexec"])},
		"user":    {"the user lock " + filepath.Join(i.cfg, plugins.LockName), "humanconnect provider lock user"},
		"config":  {"by the config", "sha256: " + digest(t, names["config"])},
	} {
		_, err := h.Provider(t.Context(), name, "instant")
		if e := failure(t, err); e.Code() != plugins.CodeChecksum {
			t.Errorf("%s: %s", name, explain(err))
		}
		for _, text := range append(says, names[name], "reinstall it") {
			if !strings.Contains(explain(err), text) {
				t.Errorf("%s: %q is not in\n%s", name, text, explain(err))
			}
		}
	}
}

// Each hint is a command that a shell runs and after which the lock can be read.
func TestHintOfABrokenLockRepairsIt(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, path string){
		"text":     func(t *testing.T, path string) { write(t, path, "{") },
		"writable": func(t *testing.T, path string) { chmod(t, path, 0o666) },
		"directory writable": func(t *testing.T, path string) {
			chmod(t, filepath.Dir(path), 0o777)
		},
	} {
		for _, origin := range []plugins.Origin{plugins.OriginUser, plugins.OriginRelease} {
			t.Run(name+" "+string(origin), func(t *testing.T) {
				dir := filepath.Join(t.TempDir(), "it's here")
				path := filepath.Join(dir, plugins.LockName)
				if err := plugins.UpdateLock(t.Context(), path, func(*plugins.Lock) {}); err != nil {
					t.Fatal(err)
				}
				spoil(t, path)
				_, err := plugins.ReadLock(path, origin)
				e := failure(t, err)
				if !strings.Contains(e.Error(), path) && !strings.Contains(e.Error(), dir+" is") || !strings.Contains(e.Error(), string(origin)+" lock") {
					t.Errorf("it does not say which file is wrong: %s", explain(err))
				}
				command := e.Hints()[len(e.Hints())-1]
				if e.Code() == plugins.CodeLock && origin == plugins.OriginUser {
					command = e.Hints()[0]
				}
				command = strings.TrimPrefix(command, "if you built it yourself: ")
				lock := `humanconnect() { shift 2; rm -f "${2:-.}/` + plugins.LockName + `"; };`
				if out, err := exec.CommandContext(t.Context(), "/bin/sh", "-c", lock+command).CombinedOutput(); err != nil {
					t.Fatalf("%s: %v: %s", command, err, out)
				}
				if _, err := plugins.ReadLock(path, origin); err != nil && !os.IsNotExist(err) {
					t.Errorf("%q does not repair it: %s", command, explain(err))
				}
			})
		}
	}
}

func TestExecutableThatIsNoRegularFileIsNamedAndDoesNotBlock(t *testing.T) {
	dir := shortDir(t)
	chmod(t, dir, 0o755)
	for name, c := range map[string]struct {
		make func(path string) error
		says string
		kind problem.Code
	}{
		"pipe":      {func(path string) error { return syscall.Mkfifo(path, 0o700) }, "is a named pipe, not a file", plugins.CodeUntrustedFile},
		"directory": {func(path string) error { return os.Mkdir(path, 0o700) }, "is a directory, not a file", plugins.CodeUntrustedFile},
		"link":      {func(path string) error { return os.Symlink("/nowhere/at/all", path) }, "is a broken link at", plugins.CodeNotFound},
		"device":    {func(path string) error { return os.Symlink("/dev/null", path) }, "is a device, not a file", plugins.CodeUntrustedFile},
		"socket": {func(path string) error {
			l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
			if err == nil {
				l.SetUnlinkOnClose(false)
				err = l.Close()
			}
			return err
		}, "is a socket, not a file", plugins.CodeUntrustedFile},
	} {
		t.Run(name, func(t *testing.T) {
			own := filepath.Join(dir, name)
			if err := os.Mkdir(own, 0o700); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(own, plugins.Prefix+"test")
			if err := c.make(path); err != nil {
				t.Fatal(err)
			}
			spec := plugins.Spec{Name: "test", Dev: true, Command: []string{path}}
			for what, try := range map[string]func() error{
				"pin":   func() error { _, err := spec.Digest(); return err },
				"dir":   func() error { _, _, err := plugins.LockDirectory(t.Context(), plugins.Options{}, own); return err },
				"start": func() error { _, err := newStage(t).hostOf(spec).Provider(t.Context(), "test", "instant"); return err },
			} {
				err := inTime(t, try)
				if e := failure(t, err); e.Code() != c.kind || !strings.Contains(explain(err), c.says) || len(e.Hints()) == 0 {
					t.Errorf("%s: %s", what, explain(err))
				}
			}
		})
	}
}

// inTime is what comes of something that must not hang.
func inTime(t *testing.T, try func() error) error {
	t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- try() }()
	select {
	case err := <-ended:
		return err
	case <-time.After(10 * time.Second):
		t.Fatal("it hangs")
		return nil
	}
}

func TestNoPinIsLostWhenSeveralAreMadeAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config", plugins.LockName)
	var all sync.WaitGroup
	for n := range 16 {
		all.Go(func() {
			err := plugins.UpdateLock(context.Background(), path, func(l *plugins.Lock) {
				l.Set("p"+strconv.Itoa(n), strings.Repeat("a", 64))
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	lock, err := plugins.ReadLock(path, plugins.OriginUser)
	if err != nil || len(lock.Providers) != 16 {
		t.Errorf("%d pins of 16, %v", len(lock.Providers), err)
	}
}

func TestHeldLockIsWaitedForUntilTheContextEnds(t *testing.T) {
	path := filepath.Join(t.TempDir(), plugins.LockName)
	ctx, cancel := context.WithCancel(t.Context())
	err := plugins.UpdateLock(ctx, path, func(*plugins.Lock) {
		cancel()
		if err := plugins.UpdateLock(ctx, path, func(*plugins.Lock) { t.Error("two change the lock at once") }); !errors.Is(err, context.Canceled) {
			t.Errorf("a call whose caller left says %v", err)
		}
	})
	if err != nil {
		t.Error(err)
	}
}

func TestLockThatCannotBeWrittenSaysSo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config", plugins.LockName)
	write(t, filepath.Dir(path), "a file where a directory should be")
	err := plugins.UpdateLock(t.Context(), path, func(*plugins.Lock) { t.Error("it was read") })
	if e := failure(t, err); e.Code() != plugins.CodeLock || !strings.Contains(e.Error(), path+" cannot be written") || len(e.Hints()) == 0 {
		t.Error(explain(err))
	}
}

func TestLockThatIsALinkStaysOne(t *testing.T) {
	real, link := filepath.Join(t.TempDir(), "lock"), filepath.Join(t.TempDir(), plugins.LockName)
	write(t, real, `{"version":1,"providers":[]}`)
	if err := os.Symlink(real, link); err != nil {
		t.Fatal(err)
	}
	err := plugins.UpdateLock(t.Context(), link, func(l *plugins.Lock) { l.Set("a", strings.Repeat("a", 64)) })
	if err != nil {
		t.Fatal(explain(err))
	}
	lock, err := plugins.ReadLock(real, plugins.OriginUser)
	if err != nil || lock.Pin("a") == "" {
		t.Errorf("what the link leads to: %+v, %v", lock, err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is %v, %v", info.Mode(), err)
	}
}

func TestDirectoryNamedLikeAProviderIsAWarning(t *testing.T) {
	i := newInstallation(t)
	if err := os.Mkdir(filepath.Join(i.user, plugins.Prefix+"x"), 0o755); err != nil {
		t.Fatal(err)
	}
	specs, warnings, err := plugins.Find(i.options())
	if err != nil || len(specs) != 0 || !slices.ContainsFunc(warnings, func(w plugins.Warning) bool {
		return w.Code == "provider_not_a_file" && strings.Contains(w.Message, i.user)
	}) {
		t.Errorf("%v %v %v", specs, warnings, err)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
