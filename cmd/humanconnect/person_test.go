package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/exit"
	"github.com/humanconnect/humanconnect/core/event"
)

// person sits at a real terminal in front of the real program; standard output is a file.
type person struct {
	t       *testing.T
	home    string
	token   string
	command *exec.Cmd
	screen  *os.File
	out     string

	mu   sync.Mutex
	seen []byte
	// looked is up to where the person has looked.
	looked int
	read   sync.WaitGroup
	lost   atomic.Bool
}

// newPerson has a token, a home and nothing else.
func newPerson(t *testing.T) *person {
	t.Helper()
	p := &person{t: t, home: t.TempDir()}
	p.token = filepath.Join(p.home, "token")
	p.issues()
	return p
}

// played are the sources to play with. A person is shown these alone, so that the list is short and stays as it is.
const played = "sandbox-clinic,sandbox-family,sandbox-instant,sandbox-scale,sandbox-tracker"

// issues makes the person a token for the sources to play with, unless the flags name others.
func (p *person) issues(flags ...string) {
	p.t.Helper()
	if !slices.Contains(flags, "--sources") {
		flags = append(flags, "--sources", played)
	}
	create := p.program(append([]string{"token", "create", "--client-user-id", "ada"}, flags...)...)
	token, err := create.Output()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(p.token, token, 0o600); err != nil {
		p.t.Fatal(err)
	}
}

func (p *person) program(args ...string) *exec.Cmd {
	c := exec.CommandContext(p.t.Context(), filepath.Join(binDir(), "humanconnect"), args...)
	c.Dir = p.home
	c.Env = []string{
		"HOME=" + p.home, "XDG_STATE_HOME=" + p.home, "XDG_CONFIG_HOME=" + p.home, "XDG_DATA_HOME=" + p.home, "XDG_RUNTIME_DIR=" + p.home,
		"PATH=" + os.Getenv("PATH"), "TERM=xterm-256color", "HUMANCONNECT_CLIENT_ID=demo", "HUMANCONNECT_SESSION_TOKEN_FILE=" + p.token,
		quickExit,
	}
	return c
}

// opens starts open on a terminal of 24 lines.
func (p *person) opens(args ...string) *person {
	p.t.Helper()
	return p.starts(p.program(append([]string{"open"}, args...)...))
}

// starts runs a command on a terminal, with standard output in a file.
func (p *person) starts(c *exec.Cmd) *person {
	p.t.Helper()
	return p.startsWith(c, false)
}

// startsWith does so; with whole, standard output is the terminal too.
func (p *person) startsWith(c *exec.Cmd, whole bool) *person {
	p.t.Helper()
	p.read.Wait() // the one before has ended
	p.command = c
	out, err := os.Create(filepath.Join(p.home, "out.json"))
	if err != nil {
		p.t.Fatal(err)
	}
	defer out.Close()
	p.out, p.seen, p.looked = out.Name(), nil, 0
	if !whole {
		p.command.Stdout = out
	}
	p.lost.Store(false)
	screen, err := pty.StartWithSize(p.command, &pty.Winsize{Rows: 24, Cols: 80})
	if err != nil {
		p.t.Fatal(err)
	}
	p.screen = screen
	p.t.Cleanup(func() {
		_ = p.command.Process.Kill()
		p.loses()
	})
	p.read.Go(func() { p.looks(screen) })
	return p
}

// looks reads until the program has ended, or the terminal is taken away. A read that blocks would keep the terminal
// alive after its close, so it asks before it reads.
func (p *person) looks(screen *os.File) {
	fd, err := unix.FcntlInt(screen.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		p.t.Error(err)
		return
	}
	defer unix.Close(fd)
	buf := make([]byte, 4096)
	for !p.lost.Load() {
		ready, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 20)
		if ready == 0 || errors.Is(err, unix.EINTR) {
			continue
		}
		n, err := unix.Read(fd, buf)
		p.mu.Lock()
		p.seen = append(p.seen, buf[:max(n, 0)]...)
		p.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// loses takes the terminal away.
func (p *person) loses() {
	p.lost.Store(true)
	p.read.Wait()
	_ = p.screen.Close()
}

func (p *person) presses(keys string) *person {
	p.t.Helper()
	if _, err := p.screen.WriteString(keys); err != nil {
		p.t.Fatal(err)
	}
	return p
}

// sees waits until the screen shows all of the texts. Turning the terminal makes the program draw all of it again.
func (p *person) sees(texts ...string) *person {
	p.t.Helper()
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	over := time.After(storyLimit)
	for turn := 1; !p.shows(texts); turn++ {
		if turn%25 == 0 {
			_ = pty.Setsize(p.screen, &pty.Winsize{Rows: uint16(24 + turn/25%2), Cols: 80})
		}
		select {
		case <-poll.C:
		case <-over:
			p.t.Fatalf("%q is not seen in\n%s", texts, ansi.Strip(string(p.all()[p.looked:])))
		}
	}
	return p
}

// shows checks the output since the last call, ignoring blanks.
func (p *person) shows(texts []string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	got := ansi.Strip(string(p.seen[p.looked:]))
	for _, text := range texts {
		if !regexp.MustCompile(strings.ReplaceAll(regexp.QuoteMeta(text), " ", `\s+`)).MatchString(got) {
			return false
		}
	}
	p.looked = len(p.seen)
	return true
}

// ends waits for the program, and returns what is on standard output.
func (p *person) ends(code int) []byte {
	p.t.Helper()
	late := time.AfterFunc(storyLimit, func() { _ = p.command.Process.Kill() })
	err := p.command.Wait()
	if !late.Stop() {
		p.t.Fatal("the program did not end")
	}
	got := 0
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		got = exit.ExitCode()
	}
	if got != code {
		p.t.Fatalf("exit code %d, want %d; the screen was\n%s", got, code, ansi.Strip(string(p.all())))
	}
	out, err := os.ReadFile(p.out)
	if err != nil {
		p.t.Fatal(err)
	}
	return out
}

func (p *person) all() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	return bytes.Clone(p.seen)
}

// answer reads the one document on standard output.
func (p *person) answer(out []byte) event.Response {
	p.t.Helper()
	var r event.Response
	if err := json.Unmarshal(out, &r); err != nil {
		p.t.Fatalf("standard output is no clean JSON: %v\n%s", err, out)
	}
	return r
}

// The keys.
const (
	enter = "\r"
	esc   = "\x1b"
	down  = "\x1b[B"
	ctrlC = "\x03"
	ctrlD = "\x04"
)

// What the screens switch on, and what switches it off.
const (
	toScreens, fromScreens = "\x1b[?1049h", "\x1b[?1049l"
	hideCursor, showCursor = "\x1b[?25l", "\x1b[?25h"
	pasteOn, pasteOff      = "\x1b[?2004h", "\x1b[?2004l"
)

func TestPersonDoesAWholeSessionWithKeysAlone(t *testing.T) {
	t.Parallel()
	p := newPerson(t).opens()
	p.sees("5 sources, 0 connected").presses("clin").sees("1 source").presses(enter)
	p.sees("User name").presses("demouser" + enter).presses("sesame" + enter).sees("the password is wrong")
	p.presses("password" + enter).sees("1 connected")
	p.presses(enter).sees("Connect another account").presses(down + enter).sees("Keep it").presses(enter)
	p.sees("Sandbox Clinic is disconnected", "5 sources").presses(esc).sees("Are you done?").presses(enter)
	r := p.answer(p.ends(0))
	if r.Status != event.Success || len(r.SessionResults.DisconnectedSources) != 1 || len(r.CurrentConnections) != 0 || len(r.Failures) != 0 {
		t.Errorf("the response is %+v", r)
	}
	p.read.Wait()
	checkLeft(t, p.all())
}

// checkLeft checks what is left on the terminal when the screens are gone: the summary alone.
func checkLeft(t *testing.T, seen []byte) {
	t.Helper()
	before, rest, entered := bytes.Cut(seen, []byte(toScreens))
	i := bytes.LastIndex(rest, []byte(fromScreens))
	if !entered || i < 0 {
		t.Fatal("the screens are not in the alternate screen")
	}
	erased := regexp.MustCompile(`[^\r\n]*` + regexp.QuoteMeta("\r\x1b[K"))
	left := strings.TrimSpace(ansi.Strip(erased.ReplaceAllString(string(before)+string(rest[i+len(fromScreens):]), "")))
	want := "humanconnect: Sandbox Clinic is disconnected\r\nhumanconnect: the session is closed: SUCCESS"
	if left != want {
		t.Errorf("left on the terminal is %q, want %q", left, want)
	}
}

func TestBackgroundProcessDoesNotPrompt(t *testing.T) {
	t.Parallel()
	p := newPerson(t)
	for _, ci := range []string{"", "true"} {
		c := p.program("open", "--accessible")
		if ci == "" {
			c = p.program("open", "--accessible", "--no-input")
		}
		c.Env = append(c.Env, "CI="+ci)
		p.starts(c)
		out := p.ends(exit.Usage)
		p.read.Wait()
		if len(out) > 0 || !p.shows([]string{"nothing to do [usage]"}) {
			t.Errorf("with CI=%s: %s%s", ci, out, p.all())
		}
	}
}

func TestCtrlCInAFormClosesTheSession(t *testing.T) {
	t.Parallel()
	p := newPerson(t).opens()
	p.sees("5 sources").presses("fam" + enter).sees("Password").presses("demo" + ctrlC)
	if r := p.answer(p.ends(130)); r.Status != event.Success {
		t.Errorf("the status is %s", r.Status)
	}
	if again := p.opens().ends(130); p.answer(again).Status != event.Success {
		t.Errorf("the closed session is another: %s", again)
	}
}

func TestEscLeavesACodeAndAFailureIsTriedAgain(t *testing.T) {
	t.Parallel()
	p := newPerson(t).opens()
	p.sees("5 sources").presses("clin" + enter).sees("Password").presses("error_rate_limited" + enter + "password" + enter)
	p.sees("Too many attempts.", "Try again").presses(enter).sees("Password").presses("code" + enter + "password" + enter)
	p.sees("SAND-BOX1").presses(esc).sees("0 connected").presses(ctrlC)
	r := p.answer(p.ends(130))
	if len(r.Failures) != 1 || r.Failures[0].Code != "rate_limited" {
		t.Errorf("the failures are %+v: a cancelled attempt is none, and does not make good", r.Failures)
	}
}

func TestLostTerminalLeavesTheSessionOpen(t *testing.T) {
	t.Parallel()
	p := newPerson(t).opens()
	p.sees("5 sources").presses("inst" + enter).sees("1 connected")
	p.loses()
	if out := p.ends(129); len(out) > 0 {
		t.Errorf("a lost terminal printed %s", out)
	}
	p.opens().sees("1 connected").presses(esc).sees("Are you done?").presses(enter)
	if r := p.answer(p.ends(0)); len(r.SessionResults.ConnectedSources) != 1 {
		t.Errorf("the resumed session forgot what was done: %+v", r)
	}
}

func TestSignalsReachAPersonsSession(t *testing.T) {
	t.Parallel()
	p := newPerson(t).opens()
	p.sees("5 sources")
	if err := p.command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.answer(p.ends(143))
	p = newPerson(t).opens("--timeout", "2s")
	p.answer(p.ends(16))
}

func TestPersonIsAskedLineByLine(t *testing.T) {
	t.Parallel()
	const asks = `"done":`
	p := newPerson(t).opens("--accessible")
	p.sees("1 Sandbox Clinic", asks).presses("family"+enter).sees("1 Sandbox Family", asks).presses("1" + enter)
	p.sees("User name:").presses("demouser" + enter).sees("not shown").presses("sesame" + enter)
	p.sees("the password is wrong", "User name:").presses("demouser" + enter).sees("not shown").presses("passwortt\x7f\x7fd" + enter)
	p.sees("2 Robin").presses("2"+enter).sees("Sandbox Family is connected", asks)
	p.presses("family"+enter).sees(", connected as Robin (demouser)", asks).presses("1" + enter).sees("2 Disconnect").presses("2" + enter)
	p.sees("yes or no").presses("yes"+enter).sees("Sandbox Family is disconnected", asks)
	p.presses("1" + enter).sees("User name:").presses("code" + enter).sees("not shown").presses("password" + enter)
	p.sees("SAND-BOX1").presses(ctrlD).sees(asks).presses("done" + enter)
	r := p.answer(p.ends(0))
	if len(r.SessionResults.DisconnectedSources) != 1 || len(r.Failures) != 0 {
		t.Errorf("the response is %+v", r)
	}
	p.read.Wait()
	for _, never := range []string{"sesame", "passwort", "\x1b["} {
		if strings.Contains(string(p.all()), never) {
			t.Errorf("%q stands on the terminal", never)
		}
	}
}

func TestCtrlCInASecretClosesTheSession(t *testing.T) {
	t.Parallel()
	p := newPerson(t).opens("--accessible")
	p.sees(`"done":`).presses("1" + enter).sees("User name:").presses("x" + enter).sees("not shown").presses("abc" + ctrlC)
	p.answer(p.ends(130))
	p = newPerson(t).opens("--accessible")
	p.sees(`"done":`).presses(ctrlC)
	p.answer(p.ends(130))
}

func TestSessionExpiresDuringPrompts(t *testing.T) {
	t.Parallel()
	for name, f := range faces() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPerson(t)
			p.issues("--ttl", "8s")
			p.opens(f.flags...).sees("closes", f.ready).connects(f, "family", "Sandbox Family").sees("User name").presses("demo")
			p.sees("The session has ended").presses(" ")
			if r := p.answer(p.ends(exit.Token)); r.Status != event.TokenExpired {
				t.Errorf("the response is %+v", r)
			}
			p.checkRestored()
		})
	}
}

func TestDumbTerminalsGetLines(t *testing.T) {
	t.Parallel()
	for _, variable := range []string{"ACCESSIBLE=1", "TERM=dumb", "TERM=", "TERM=nosuch"} {
		p := newPerson(t)
		c := p.program("open")
		c.Env = append(c.Env, variable)
		p.starts(c)
		p.sees("1 Sandbox Clinic", `"done":`).presses("instant"+enter).sees("1 Sandbox Instant", `"done":`).presses("1" + enter)
		p.sees("Sandbox Instant is connected", `"done":`).presses("done" + enter)
		p.ends(0)
		p.read.Wait()
		if all := string(p.all()); strings.Contains(all, "\x1b") || strings.ContainsAny(all, spinnerAndBoxes) {
			t.Errorf("with %s the terminal got %q", variable, all)
		}
	}
}

// spinnerAndBoxes are what the screens draw and a screen reader stumbles over.
const spinnerAndBoxes = "⠋⠙⠹⠸▌●✗✓╭"

func TestNoColorMeansNone(t *testing.T) {
	t.Parallel()
	colour := regexp.MustCompile("\x1b\\[[0-9;:]*(3[0-7]|38[;:][0-9;:]*|9[0-7]|48[;:][0-9;:]*)m")
	for variable, want := range map[string]bool{"NO_COLOR=1": false, "NO_COLOR=": true} {
		p := newPerson(t)
		c := p.program("open")
		c.Env = append(c.Env, variable)
		p.starts(c)
		p.sees("5 sources").presses(ctrlC)
		p.ends(130)
		p.read.Wait()
		if got := colour.Match(p.all()); got != want {
			t.Errorf("with %s there is colour: %v, want %v", variable, got, want)
		}
	}
}

func TestPersonSeesThatTheSessionIsInUse(t *testing.T) {
	t.Parallel()
	for name, f := range faces() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPerson(t).opens(f.flags...).sees(f.ready)
			other := p.program("open", "--take-over", "--connect", "sandbox-instant")
			if said, err := other.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, said)
			}
			if out := p.ends(exit.InUse); len(out) > 0 {
				t.Errorf("the one that was ousted prints %s", out)
			}
			p.checkRestored()
		})
	}
}

func TestPersonWaitsForASlowSource(t *testing.T) {
	t.Parallel()
	p := newPerson(t).opens()
	p.sees("5 sources").presses("clin" + enter).sees("Password").presses("wait" + enter + "password" + enter)
	p.sees("The sandbox is thinking", "Waiting for the source", "esc cancel").sees("Sandbox Clinic is connected").presses(ctrlC)
	if r := p.answer(p.ends(130)); len(r.SessionResults.ConnectedSources) != 1 {
		t.Errorf("the response is %+v", r)
	}
}

func TestPersonSeesThatThereIsNothingToConnect(t *testing.T) {
	t.Parallel()
	for name, f := range faces() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPerson(t)
			p.issues("--sources", "elsewhere")
			p.opens(f.flags...).sees("No sources to connect", f.ready)
			p.answer(p.finishes(f))
		})
	}
}
