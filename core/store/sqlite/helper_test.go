package sqlite_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/core/store/sqlite"
	"github.com/humanconnect/humanconnect/internal/problem"
)

// The variables that make the test binary another process of a state: what it does there, and where.
const (
	childRole = "SQLITE_TEST_ROLE"
	childDir  = "SQLITE_TEST_DIR"
)

func TestMain(m *testing.M) {
	role, dir := os.Getenv(childRole), os.Getenv(childDir)
	if role == "" {
		os.Exit(m.Run())
	}
	if err := runChild(role, dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func runChild(role, dir string) error {
	switch role {
	case "insert once": // opens the state when its input ends, makes one user and prints it
		_, _ = io.Copy(io.Discard, os.Stdin)
		return insertUsers(dir, 1)
	case "insert for ever": // prints each user after its commit
		return insertUsers(dir, -1)
	case "create": // makes the state and says so
		s, err := sqlite.Open(context.Background(), sqlite.Options{Dir: dir})
		if err == nil {
			fmt.Println("made")
			err = s.Close()
		}
		return err
	case "open late": // opens the state after other code has opened a database of its own
		if err := execDB(filepath.Join(dir, "other.db"), "CREATE TABLE recipe (name TEXT)"); err != nil {
			return err
		}
		_, err := sqlite.Open(context.Background(), sqlite.Options{Dir: filepath.Join(dir, "state")})
		fmt.Println(strconv.Quote(fmt.Sprint(err)))
		return nil
	}
	count, err := strconv.Atoi(role) // writes this long, in milliseconds, and prints how often and the slowest
	if err != nil {
		return err
	}
	return saturate(dir, time.Duration(count)*time.Millisecond)
}

func insertUsers(dir string, count int) error {
	s, err := sqlite.Open(context.Background(), sqlite.Options{Dir: dir})
	if err != nil {
		return err
	}
	for ; count != 0; count-- {
		human := id.NewHuman()
		if err := s.Update(context.Background(), func(tx store.Tx) error { return tx.InsertUser(userOf(human)) }); err != nil {
			return err
		}
		fmt.Println(human)
	}
	return s.Close()
}

func saturate(dir string, d time.Duration) error {
	s, err := sqlite.Open(context.Background(), sqlite.Options{Dir: dir})
	if err != nil {
		return err
	}
	fmt.Println("ready")
	_, _ = io.Copy(io.Discard, os.Stdin)
	commits, slowest := 0, time.Duration(0)
	for end := time.Now().Add(d); time.Now().Before(end); commits++ {
		start, human := time.Now(), id.NewHuman()
		if err := s.Update(context.Background(), func(tx store.Tx) error { return tx.InsertUser(userOf(human)) }); err != nil {
			return err
		}
		slowest = max(slowest, time.Since(start))
	}
	fmt.Println(commits, slowest.Milliseconds())
	return s.Close()
}

func userOf(human id.Human) store.User {
	return store.User{HumanID: human, ClientID: "client", ClientUserID: "user " + string(human)}
}

// child is another process of a state.
type child struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout *bufio.Reader
}

func startChild(t testing.TB, role, dir string) *child {
	t.Helper()
	c := &child{cmd: exec.Command(os.Args[0])}
	// The race detector would sleep a second at the end of each child, for goroutines that still run then.
	c.cmd.Env = append(os.Environ(), childRole+"="+role, childDir+"="+dir, "GORACE=atexit_sleep_ms=10")
	c.cmd.Stderr = os.Stderr
	stdin, err := c.cmd.StdinPipe()
	stdout, err2 := c.cmd.StdoutPipe()
	if err := errors.Join(err, err2, c.cmd.Start()); err != nil {
		t.Fatal(err)
	}
	c.stdin, c.stdout = stdin, bufio.NewReader(stdout)
	t.Cleanup(func() { _ = c.cmd.Process.Kill() })
	return c
}

// release ends the child's input.
func (c *child) release() { _ = c.stdin.Close() }

// kill ends the child with SIGKILL.
func (c *child) kill() { _ = c.cmd.Process.Kill() }

// lines reads whole lines until the child ends; a killed one may have cut its last.
func (c *child) lines() []string {
	out, _ := io.ReadAll(c.stdout)
	_ = c.cmd.Wait()
	text := string(out)
	text = text[:strings.LastIndexByte(text, '\n')+1]
	return strings.Fields(text)
}

func open(t testing.TB, o sqlite.Options) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

// made is a directory with a state that is closed.
func made(t testing.TB) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "state")
	s, err := sqlite.Open(context.Background(), sqlite.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func update(t testing.TB, s store.Store, f func(store.Tx) error) {
	t.Helper()
	if err := s.Update(context.Background(), f); err != nil {
		t.Fatal(err)
	}
}

func view(t testing.TB, s store.Store, f func(store.Tx) error) {
	t.Helper()
	if err := s.View(context.Background(), f); err != nil {
		t.Fatal(err)
	}
}

// wantCode wants the store's own error with a code.
func wantCode(t testing.TB, err error, want problem.Code) {
	t.Helper()
	e, ok := errors.AsType[*sqlite.Error](err)
	if !ok || e.Code() != want {
		t.Fatalf("got %v (%T), want the code %s", err, err, want)
	}
}

func refuse(t testing.TB, o sqlite.Options, code problem.Code) {
	t.Helper()
	s, err := sqlite.Open(context.Background(), o)
	if err == nil {
		_ = s.Close()
		t.Fatalf("opened, want the code %s", code)
	}
	wantCode(t, err, code)
}

// whole checks all of a state.
func whole(s *sqlite.Store) error {
	_, err := s.Check(context.Background(), true)
	return err
}
