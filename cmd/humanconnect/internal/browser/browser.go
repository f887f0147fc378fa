// Package browser opens the authorization URL of a source: it starts the command in BROWSER or that of the desktop, or prints the
// URL, and accepts a pasted redirect URL if the browser cannot reach the redirect URI.
package browser

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/app"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/iostreams"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/redirect"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/terminal"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/tty"
	"github.com/humanconnect/humanconnect/core/config"
	"github.com/humanconnect/humanconnect/core/session"
	"github.com/humanconnect/humanconnect/internal/child"
	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/host"
)

// Browser opens URLs: by the command in BROWSER, or by printing them. It implements session.Browser. One step at a time
// uses the browser; the others wait.
type Browser struct {
	app    *app.App
	engine *session.Engine
	// command is BROWSER, or "" to print URLs.
	command  string
	listener *redirect.Listener
	// progress shows what the script does; it may be nil.
	progress *iostreams.Progress
	// pasted reads pasted redirect URLs; nil if there is nothing to read from.
	pasted *pasteReader
}

// Options of a browser.
type Options struct {
	App *app.App
	// Engine takes the redirects.
	Engine *session.Engine
	// Callback is what the config says of the redirect listener.
	Callback config.Callback
	// Screens: the terminal screens are used, which show the URL themselves.
	Screens bool
	// Terminal: --ui terminal.
	Terminal bool
	// NoBrowser: URLs are printed, and the redirect URL may be pasted.
	NoBrowser bool
}

// New returns nil if this call has no browser to use. Close it.
func New(o Options) *Browser {
	b := &Browser{app: o.App, engine: o.Engine, command: CommandOf(o.App.Variable("BROWSER"))}
	if b.command == "" && (o.Screens || o.Terminal) {
		b.command = opener(o.App)
	}
	switch {
	case o.NoBrowser:
		b.command = ""
	case b.command == "" && !o.Screens && !o.Terminal:
		return nil
	}
	if !o.Screens && !o.App.NonInteractive() {
		b.pasted = newPasteReader(o.App, o.NoBrowser)
	}
	b.listener = redirect.New(redirect.Options{Listen: o.Callback.Listen, URL: o.Callback.URL, Engine: o.Engine})
	return b
}

// Redirects listens for the redirects of sources; nil for no browser.
func (b *Browser) Redirects() session.Redirects {
	if b == nil {
		return nil
	}
	return b.listener
}

// SetProgress sets the progress line that is hidden while a person types; a nil browser ignores it.
func (b *Browser) SetProgress(line *iostreams.Progress) {
	if b != nil {
		b.progress = line
	}
}

// CommandOf chooses among the commands of BROWSER, which may be a colon-separated list: the first that exists, else the whole
// value, which then fails with a message.
func CommandOf(browser string) string {
	for _, command := range append([]string{browser}, strings.Split(browser, ":")...) {
		if words := strings.Fields(command); len(words) > 0 {
			if _, err := exec.LookPath(words[0]); err == nil {
				return command
			}
		}
	}
	return browser
}

// opener is the command that opens a URL on this desktop, or "".
func opener(a *app.App) string {
	for _, name := range []string{"xdg-open", "open"} {
		desktop := name == "open" || a.Variable("DISPLAY") != "" || a.Variable("WAYLAND_DISPLAY") != ""
		if path, err := exec.LookPath(name); err == nil && desktop && (name == "xdg-open" || runtime.GOOS == "darwin") {
			return path
		}
	}
	return ""
}

// ForScreens returns the browser for the screens of a terminal.
func (b *Browser) ForScreens() terminal.Browser { return screenBrowser{b} }

type screenBrowser struct{ b *Browser }

// Open implements terminal.Browser.
func (s screenBrowser) Open(ctx context.Context, a *session.Attempt, p session.Prompt, notOpened func(error)) (sdk.Reply, error) {
	step, ok := p.Step.(sdk.OpenURL)
	if !ok {
		return nil, errors.New("this step does not use a browser")
	}
	return a.Browse(ctx, step, reportingBrowser{s.b, notOpened})
}

// Paste implements terminal.Browser.
func (s screenBrowser) Paste(ctx context.Context, text string) (session.CallbackOutcome, error) {
	return s.b.paste(ctx, text)
}

func (b *Browser) paste(ctx context.Context, text string) (session.CallbackOutcome, error) {
	result, err := b.engine.PasteRedirect(ctx, text)
	return result.Outcome, err
}

// reportingBrowser opens the browser while the screens show the URL: an error is reported and does not end the step.
type reportingBrowser struct {
	b         *Browser
	notOpened func(error)
}

// Open implements session.Browser.
func (w reportingBrowser) Open(ctx context.Context, _ *session.Attempt, address string, _ func(error)) (func(), error) {
	if w.b.command == "" {
		w.notOpened(terminal.ErrNoBrowser)
		return func() {}, nil
	}
	report := &fallback{show: func(err error) func() {
		w.notOpened(err)
		return func() {}
	}}
	link, err := w.b.listener.Link(ctx, address)
	if err == nil {
		err = w.b.launch(ctx, link, report.begin)
	}
	if err != nil {
		report.begin(err)
	}
	return report.end, nil
}

// Close stops listening; nil is fine.
func (b *Browser) Close() {
	if b != nil {
		b.listener.Close()
	}
}

// Open implements session.Browser. If the command cannot be started, or fails, and a person can paste, the URL is printed
// instead.
func (b *Browser) Open(ctx context.Context, _ *session.Attempt, address string, failed func(error)) (func(), error) {
	if b.command == "" {
		return b.show(ctx, address), nil
	}
	link, err := b.listener.Link(ctx, address)
	if err != nil {
		return nil, err
	}
	shown := &fallback{show: func(err error) func() {
		b.app.IO.Warn("the browser could not be started: %s", err)
		return b.show(ctx, address)
	}}
	if b.pasted.ready() {
		failed = shown.begin
	}
	if err := b.launch(ctx, link, failed); err != nil {
		if !b.pasted.ready() {
			return nil, err
		}
		shown.begin(err)
	}
	return shown.end, nil
}

// fallback shows what else to do when a browser could not be started, until end is called.
type fallback struct {
	show func(error) (hide func())

	mu   sync.Mutex
	over bool
	hide func()
}

func (f *fallback) begin(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.over && f.hide == nil {
		f.hide = f.show(err)
	}
}

func (f *fallback) end() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.over = true
	if f.hide != nil {
		f.hide()
	}
}

// show prints the URL and reads a pasted redirect URL, while the listener also waits for the redirect. hide ends it.
func (b *Browser) show(ctx context.Context, address string) (hide func()) {
	_, _ = fmt.Fprintf(b.app.IO.Err, "humanconnect: open this URL in a browser:\n\n    %s\n\n", CleanURL(address))
	if !b.pasted.ready() {
		return func() {}
	}
	_, _ = fmt.Fprintln(b.app.IO.Err, "humanconnect: if the last page looks broken, that is fine: paste its full URL here:")
	show := b.progress.Hide()
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { b.readPasted(ctx) })
	return func() {
		cancel()
		wg.Wait()
		show()
	}
}

// readPasted reads lines until one is the redirect URL of a pending authorization.
func (b *Browser) readPasted(ctx context.Context) {
	var pasted session.Pasted
	for {
		line, ok := b.pasted.next(ctx)
		if !ok {
			return
		}
		if len(line) >= maxLineOfTerminal && b.pasted.terminal {
			b.app.IO.Warn("the terminal truncated the URL; open it on this machine instead, or pass it with: open --no-browser < FILE")
			continue
		}
		outcome, err := pasted.Take(ctx, line, b.paste)
		switch {
		case err != nil:
			b.app.IO.Warn("the redirect could not be stored; paste the URL again")
		case outcome == session.CallbackAccepted:
			return
		case outcome == session.CallbackNoAddress:
			b.app.IO.Warn("this text contains no redirect URL; copy it from the address bar of the browser")
		case outcome == session.CallbackNoState:
			b.app.IO.Warn("this URL has no state; copy all of it from the address bar of the browser")
		default:
			b.app.IO.Warn("no pending authorization matches this URL; paste the full redirect URL")
		}
	}
}

// launch starts the browser command with the link in place of %s, or as its last argument, and returns. failed is called
// if the command ends with an error, at any time. Its output is discarded.
func (b *Browser) launch(ctx context.Context, link string, failed func(error)) error {
	argv := strings.Fields(b.command)
	placed := false
	for i, arg := range argv {
		if strings.Contains(arg, "%s") {
			argv[i], placed = strings.ReplaceAll(arg, "%s", link), true
		}
	}
	if !placed {
		argv = append(argv, link)
	}
	if len(argv) < 2 {
		return errors.New("BROWSER contains no command")
	}
	cmd := exec.CommandContext(context.WithoutCancel(ctx), argv[0], argv[1:]...)
	cmd.Env = config.Environment(b.app.Environ()).Others()
	cmd.SysProcAttr = child.Group() // Ctrl-C is for us
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(argv[0]), withoutCommand(err))
	}
	go func() { // runs as long as the browser, which is never stopped here
		if err := cmd.Wait(); err != nil {
			failed(fmt.Errorf("%s: %w", filepath.Base(argv[0]), err))
		}
	}()
	return nil
}

// withoutCommand removes the command from an error of exec: the message has it already.
func withoutCommand(err error) error {
	if e := (*exec.Error)(nil); errors.As(err, &e) {
		return e.Err
	}
	if e := (*os.PathError)(nil); errors.As(err, &e) {
		return e.Err
	}
	return err
}

// maxLineOfTerminal is the longest line that a terminal passes on, in bytes; it truncates longer ones (termios(3), MAX_CANON
// of Linux).
const maxLineOfTerminal = 4095

// maxPasted is the longest line that may be pasted, in bytes.
const maxPasted = 64 << 10

// pasteReader reads lines of the terminal, or of standard input with --no-browser, for one step after the other. Its
// goroutine runs until the program exits: a read of a terminal cannot be cancelled. nil reads nothing.
type pasteReader struct {
	app *app.App
	// stdin allows standard input.
	stdin bool

	opened   sync.Once
	in       io.Reader
	terminal bool
	reading  sync.Once
	lines    chan string
	// wanted counts the waiting calls of next.
	wanted atomic.Int32
}

func newPasteReader(a *app.App, stdin bool) *pasteReader {
	return &pasteReader{app: a, stdin: stdin, lines: make(chan string)}
}

// patient reads from a terminal when lines are wanted: forms read from it too. In the background it waits.
type patient struct {
	terminal io.ReadWriteCloser
	wanted   *atomic.Int32
}

// pastePoll is how often it looks whether lines are wanted.
const pastePoll = 100 * time.Millisecond

// Read implements [io.Reader].
func (p patient) Read(b []byte) (int, error) {
	f, ok := p.terminal.(tty.File)
	if !ok {
		return p.terminal.Read(b)
	}
	for {
		if p.wanted.Load() == 0 {
			<-time.After(pastePoll)
			continue
		}
		ready, err := unix.Poll([]unix.PollFd{{Fd: int32(f.Fd()), Events: unix.POLLIN}}, int(pastePoll.Milliseconds()))
		if ready == 0 || errors.Is(err, unix.EINTR) || p.wanted.Load() == 0 {
			continue
		}
		if n, err := tty.Guard(f).Read(b); n > 0 || err != nil {
			return n, err
		}
	}
}

// ready says whether there is anything to read from.
func (p *pasteReader) ready() bool {
	if p == nil {
		return false
	}
	p.opened.Do(func() {
		opened, err := p.app.IO.OpenTerminal()
		switch {
		case err == nil:
			p.in, p.terminal = patient{opened, &p.wanted}, true
		case p.stdin:
			p.in = p.app.IO.In
		}
	})
	return p.in != nil
}

// next returns the next line, or false when ctx or the input ended.
func (p *pasteReader) next(ctx context.Context) (string, bool) {
	p.wanted.Add(1)
	defer p.wanted.Add(-1)
	p.reading.Do(func() { go p.read() })
	select {
	case line, ok := <-p.lines:
		return line, ok
	case <-ctx.Done():
		return "", false
	}
}

func (p *pasteReader) read() {
	defer close(p.lines)
	in := bufio.NewScanner(p.in)
	in.Buffer(nil, maxPasted)
	for in.Scan() {
		if line := strings.TrimSpace(in.Text()); line != "" {
			p.lines <- line
		}
	}
}

var _ session.Browser = (*Browser)(nil)

// CleanURL removes control characters from a URL of a source, for the terminal. It is not truncated.
func CleanURL(s string) string { return host.CleanText(s, session.MaxURL) }
