// Package browser takes a person to a source: it starts the command of BROWSER or of the desktop, or shows the URL, and takes the
// redirect pasted where the browser cannot return by itself.
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

	"golang.org/x/sys/unix"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/app"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/iostreams"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/redirect"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/terminal"
	"github.com/humanconnect/humanconnect/core/config"
	"github.com/humanconnect/humanconnect/core/session"
	"github.com/humanconnect/humanconnect/internal/child"
	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/host"
)

// Browser takes a person to a source: by the command in BROWSER, or by showing the address. It implements
// session.Browser. One step at a time holds the person; the others wait.
type Browser struct {
	app    *app.App
	engine *session.Engine
	// command is BROWSER, or "" to show addresses.
	command  string
	listener *redirect.Listener
	// line tells what the script does; nil tells nothing.
	line *iostreams.Progress
	// pasted reads what a person pastes; nil where nobody can.
	pasted *pasteReader
}

// Options of a browser.
type Options struct {
	App *app.App
	// Engine gets the redirects.
	Engine *session.Engine
	// Callback is what the config says of the redirect listener.
	Callback config.Callback
	// Screens: a person is asked on screens, which show the URL themselves.
	Screens bool
	// Terminal: --ui terminal.
	Terminal bool
	// NoBrowser: URLs are shown, and the redirect may be pasted.
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
	if !o.Screens && !o.App.Unattended() {
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

// ShowProgress makes way for what a person types on the line of a progress; a nil browser ignores it.
func (b *Browser) ShowProgress(line *iostreams.Progress) {
	if b != nil {
		b.line = line
	}
}

// CommandOf chooses among the commands of BROWSER, which may be a list with colons: the first one that is there, else all
// of it, whose failure will tell.
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

// opener is the command with which this desktop opens an address, or "".
func opener(a *app.App) string {
	for _, name := range []string{"xdg-open", "open"} {
		desktop := name == "open" || a.Variable("DISPLAY") != "" || a.Variable("WAYLAND_DISPLAY") != ""
		if path, err := exec.LookPath(name); err == nil && desktop && (name == "xdg-open" || runtime.GOOS == "darwin") {
			return path
		}
	}
	return ""
}

// ForScreens returns the browser as the screens of a terminal use it.
func (b *Browser) ForScreens() terminal.Browser { return steered{b} }

type steered struct{ b *Browser }

// Open implements terminal.Browser.
func (s steered) Open(ctx context.Context, a *session.Attempt, p session.Prompt, no func(error)) (sdk.Reply, error) {
	step, ok := p.Step.(sdk.OpenURL)
	if !ok {
		return nil, errors.New("this step needs no browser")
	}
	return a.Browse(ctx, step, watchedBrowser{s.b, no})
}

// Paste implements terminal.Browser.
func (s steered) Paste(ctx context.Context, text string) (bool, error) {
	result, err := s.b.engine.PasteRedirect(ctx, text)
	return result.Outcome == session.CallbackAccepted, err
}

// watchedBrowser opens the browser while the screens show the address: what goes wrong is told, and ends nothing.
type watchedBrowser struct {
	b  *Browser
	no func(error)
}

// Open implements session.Browser.
func (w watchedBrowser) Open(ctx context.Context, _ *session.Attempt, address string, _ func(error)) (func(), error) {
	if w.b.command == "" {
		w.no(terminal.ErrNoBrowser)
		return func() {}, nil
	}
	told := &fallback{show: func(err error) func() {
		w.no(err)
		return func() {}
	}}
	link, err := w.b.listener.Link(ctx, address)
	if err == nil {
		err = w.b.launch(ctx, link, told.begin)
	}
	if err != nil {
		told.begin(err)
	}
	return told.end, nil
}

// Close stops listening; nil is fine.
func (b *Browser) Close() {
	if b != nil {
		b.listener.Close()
	}
}

// Open implements session.Browser. Where the command is none that opens anything, and a person is there to paste, the
// address is shown in its place.
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

// fallback shows what is left to do when a browser could not be started, unless it is over.
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

// show prints the address and takes the redirect pasted, while the listener waits for it too. hide ends it.
func (b *Browser) show(ctx context.Context, address string) (hide func()) {
	_, _ = fmt.Fprintf(b.app.IO.Err, "humanconnect: open this address in a browser:\n\n    %s\n\n", CleanURL(address))
	if !b.pasted.ready() {
		return func() {}
	}
	_, _ = fmt.Fprintln(b.app.IO.Err, "humanconnect: if the browser cannot come back by itself, paste the address that it ends at:")
	show := b.line.Hide()
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { b.takePasted(ctx) })
	return func() {
		cancel()
		wg.Wait()
		show()
	}
}

// takePasted takes lines until one is a redirect that somebody waits for.
func (b *Browser) takePasted(ctx context.Context) {
	for {
		line, ok := b.pasted.next(ctx)
		if !ok {
			return
		}
		if len(line) >= maxLineOfTerminal && b.pasted.terminal {
			b.app.IO.Warn("the terminal cut that address; open it on this machine instead, or paste it with: open --no-browser < FILE")
			continue
		}
		result, err := b.engine.PasteRedirect(ctx, line)
		switch {
		case err != nil:
			b.app.IO.Warn("the address could not be kept")
		case result.Outcome == session.CallbackAccepted:
			return
		default:
			b.app.IO.Warn("nobody waits for that address; paste the one that the browser ends at")
		}
	}
}

// launch starts the browser command with the link in the place of %s, or at its end, and returns. failed is told if the
// command ends with an error, whenever that is. What it prints is not ours.
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
		return errors.New("BROWSER names no command")
	}
	cmd := exec.CommandContext(context.WithoutCancel(ctx), argv[0], argv[1:]...)
	cmd.Env = config.Environment(b.app.Environ()).Others()
	cmd.SysProcAttr = child.Group() // Ctrl-C is for us
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(argv[0]), reason(err))
	}
	go func() { // lives as long as the browser, which is not ours to end
		if err := cmd.Wait(); err != nil {
			failed(fmt.Errorf("%s: %w", filepath.Base(argv[0]), err))
		}
	}()
	return nil
}

// reason is an error of exec without the command, which is named already.
func reason(err error) error {
	if e := (*exec.Error)(nil); errors.As(err, &e) {
		return e.Err
	}
	if e := (*os.PathError)(nil); errors.As(err, &e) {
		return e.Err
	}
	return err
}

// maxLineOfTerminal is the longest line that a terminal hands on, in bytes; it cuts what is longer (termios(3), MAX_CANON
// of Linux).
const maxLineOfTerminal = 4095

// maxPasted is the longest line that may be pasted, in bytes.
const maxPasted = 64 << 10

// pasteReader reads lines of the terminal, or of standard input where that was asked for, for whoever waits for one. Its
// goroutine lives as long as the program: a read of a terminal cannot be taken back. nil reads nothing.
type pasteReader struct {
	app *app.App
	// stdin says that standard input will do.
	stdin bool

	opened   sync.Once
	in       io.Reader
	terminal bool
	reading  sync.Once
	lines    chan string
}

func newPasteReader(a *app.App, stdin bool) *pasteReader {
	return &pasteReader{app: a, stdin: stdin, lines: make(chan string)}
}

// ready says whether there is anything to read from. A terminal that another program has in front is not: the system
// would stop whoever reads from it.
func (p *pasteReader) ready() bool {
	if p == nil {
		return false
	}
	p.opened.Do(func() {
		tty, err := p.app.IO.OpenTerminal()
		switch {
		case err == nil && foreground(tty):
			p.in, p.terminal = tty, true
		case p.stdin:
			p.in = p.app.IO.In
		}
	})
	return p.in != nil
}

func foreground(tty io.ReadWriteCloser) bool {
	f, ok := tty.(*os.File)
	if !ok {
		return true
	}
	front, err := unix.IoctlGetInt(int(f.Fd()), unix.TIOCGPGRP)
	return err == nil && front == unix.Getpgrp()
}

// next returns the next line, or false when ctx or the input ended.
func (p *pasteReader) next(ctx context.Context) (string, bool) {
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

// CleanURL makes a URL of a source fit for the terminal. It is not cut: half a URL leads nowhere.
func CleanURL(s string) string { return host.CleanText(s, session.MaxURL) }
