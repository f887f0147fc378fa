package process_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/process"
)

// childDir makes the test binary a process that registers in this directory, prints its id and lives until its input
// ends.
const childDir = "PROCESS_TEST_DIR"

func TestMain(m *testing.M) {
	dir := os.Getenv(childDir)
	if dir == "" {
		os.Exit(m.Run())
	}
	p, err := process.Register(dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	grandchild := exec.Command("cat") // lives until the input ends, whatever becomes of this process
	grandchild.Stdin = os.Stdin
	if err := grandchild.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(p.Self())
	_, _ = io.Copy(io.Discard, os.Stdin) // the end of the input is the signal
	if err := p.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

type child struct {
	id    id.Process
	cmd   *exec.Cmd
	stdin io.WriteCloser
}

func startChild(t *testing.T, dir string) child {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = stdin.Close() // ends the grandchild
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return child{id.Process(strings.TrimSpace(line)), cmd, stdin}
}

func (c child) kill(t *testing.T) {
	t.Helper()
	if err := c.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_, _ = c.cmd.Process.Wait() // cmd.Wait would end the grandchild too
}

func register(t *testing.T, dir string) *process.Process {
	t.Helper()
	p, err := process.Register(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

func wantAlive(t *testing.T, p *process.Process, other id.Process, want bool) {
	t.Helper()
	got, err := p.Alive(other)
	if err != nil || got != want {
		t.Fatalf("Alive(%s) = %v, %v; want %v", other, got, err, want)
	}
}

func wantFiles(t *testing.T, dir string, want int) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(dir, "run"))
	if err != nil || len(entries) != want {
		t.Fatalf("files: %v, %v; want %d", entries, err, want)
	}
}

// Its child still lives, and must not hold its lock.
func TestKilledProcessIsDeadAtOnce(t *testing.T) {
	dir := t.TempDir()
	me, other := register(t, dir), startChild(t, dir)
	wantAlive(t, me, other.id, true)
	other.kill(t)
	wantAlive(t, me, other.id, false)
}

func TestEndedProcessLeavesNoFile(t *testing.T) {
	dir := t.TempDir()
	me, other := register(t, dir), startChild(t, dir)
	wantFiles(t, dir, 2)
	if err := other.stdin.Close(); err != nil {
		t.Fatal(err)
	}
	if err := other.cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	wantFiles(t, dir, 1)
	wantAlive(t, me, other.id, false)
}

func TestOwnIDIsAliveUntilClose(t *testing.T) {
	p := register(t, t.TempDir())
	wantAlive(t, p, p.Self(), true)
	for range 2 {
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	}
	wantAlive(t, p, p.Self(), false)
}

func TestNobodyIsDeadAndAPathIsRefused(t *testing.T) {
	dir := t.TempDir()
	p := register(t, dir)
	wantAlive(t, p, "", false)
	wantAlive(t, p, id.New[id.Process](), false)
	if _, err := p.Alive("../run/" + p.Self()); err == nil {
		t.Fatal("a path was taken for an id")
	}
}

// Two who ask at once must not take each other's probe for the owner's lock.
func TestManyAskersAgreeThatADeadProcessIsDead(t *testing.T) {
	dir := t.TempDir()
	asker, dead := register(t, dir), startChild(t, dir)
	dead.kill(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 500 {
				if alive, err := asker.Alive(dead.id); alive || err != nil {
					t.Errorf("alive: %v, %v", alive, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestSweepTakesTheDeadAndSparesTheLiving(t *testing.T) {
	dir := t.TempDir()
	me, living := register(t, dir), startChild(t, dir)
	for range 3 {
		startChild(t, dir).kill(t)
	}
	for name, content := range map[string]string{"notes.txt": "not ours", "prc_x.lock": "not ours"} {
		if err := os.WriteFile(filepath.Join(dir, "run", name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	unfinished := filepath.Join(dir, "run", string(id.New[id.Process]())+".lock.new") // left by a crash in Register
	if err := os.WriteFile(unfinished, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	n, err := process.Sweep(dir)
	if n != 4 || err != nil {
		t.Fatalf("swept %d, %v; want 4", n, err)
	}
	wantFiles(t, dir, 4)
	wantAlive(t, me, living.id, true)
}

func TestSweepOfAStateWithoutProcesses(t *testing.T) {
	if n, err := process.Sweep(t.TempDir()); n != 0 || err != nil {
		t.Fatalf("swept %d, %v", n, err)
	}
}

// Registering and sweeping at the same time, in several processes and many goroutines: no one that lives is swept.
func TestSweepsNeverTakeOneThatRegisters(t *testing.T) {
	dir := t.TempDir()
	watcher := register(t, dir)
	stop := make(chan struct{})
	var sweepers, workers sync.WaitGroup
	for range 4 {
		sweepers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := process.Sweep(dir); err != nil {
					t.Errorf("sweep: %v", err)
					return
				}
			}
		})
	}
	for range 8 {
		workers.Go(func() { registerOften(t, dir, watcher) })
	}
	workers.Wait()
	close(stop)
	sweepers.Wait()
	wantFiles(t, dir, 1)
}

func registerOften(t *testing.T, dir string, watcher *process.Process) {
	for range 100 {
		p, err := process.Register(dir)
		if err != nil {
			t.Errorf("register: %v", err)
			return
		}
		if alive, err := watcher.Alive(p.Self()); !alive || err != nil {
			t.Errorf("a registered process: %v, %v", alive, err)
		}
		if err := p.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		if alive, err := watcher.Alive(p.Self()); alive || err != nil {
			t.Errorf("an ended process: %v, %v", alive, err)
		}
	}
}

func TestRegisterFailsWhereThereIsNoState(t *testing.T) {
	start := time.Now()
	if p, err := process.Register(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Fatalf("registered as %s", p.Self())
	}
	if took := time.Since(start); took > time.Second {
		t.Fatalf("took %v", took)
	}
}

func BenchmarkRegister(b *testing.B) {
	dir := b.TempDir()
	for b.Loop() {
		p, err := process.Register(dir)
		if err != nil {
			b.Fatal(err)
		}
		if err := p.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
