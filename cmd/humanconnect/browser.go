package main

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
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/redirect"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/terminal"
	"github.com/humanconnect/humanconnect/core/config"
	"github.com/humanconnect/humanconnect/core/session"
	"github.com/humanconnect/humanconnect/sdk"
)

// browser takes a person to a source: by the command in BROWSER, or by showing the address. It implements
// session.Browser. One step at a time holds the person; the others wait.
type browser struct {
	app    *App
	engine *session.Engine
	// command is BROWSER, or "" to show addresses.
	command  string
	listener *redirect.Listener
	// line tells what the script does; nil tells nothing.
	line *Progress
	// pasted reads what a person pastes; nil where nobody can.
	pasted *pasteReader
}

// newBrowser returns nil if this call has no browser to use. The state is open. On a terminal whose screens ask a person it shows nothing by
// itself: they do.
func (a *App) newBrowser(st *state, o openOptions, screens bool) *browser {
	b := &browser{app: a, engine: st.engine, command: commandOf(a.env("BROWSER"))}
	if b.command == "" && (screens || o.ui == uiTerminal) {
		b.command = a.opener()
	}
	switch {
	case o.noBrowser:
		b.command = ""
	case b.command == "" && !screens && o.ui != uiTerminal:
		return nil
	}
	if !screens && !a.unattended() {
		b.pasted = newPasteReader(a, o.noBrowser)
	}
	b.listener = redirect.New(redirect.Options{Listen: st.config.Callback.Listen, URL: st.config.Callback.URL, Engine: st.engine})
	return b
}

// commandOf chooses among the commands of BROWSER, which may be a list with colons: the first one that is there, else all
// of it, whose failure will tell.
func commandOf(browser string) string {
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
func (a *App) opener() string {
	for _, name := range []string{"xdg-open", "open"} {
		desktop := name == "open" || a.env("DISPLAY") != "" || a.env("WAYLAND_DISPLAY") != ""
		if path, err := exec.LookPath(name); err == nil && desktop && (name == "xdg-open" || runtime.GOOS == "darwin") {
			return path
		}
	}
	return ""
}

// steered lets the screens of a terminal send a person to a source.
type steered struct{ b *browser }

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
	b  *browser
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

// describe says in a request what this call can do; nil is fine.
func (b *browser) describe(r *session.OpenRequest) {
	if b != nil {
		r.FrontEnd.Browser, r.Redirects = true, b.listener
	}
}

// close stops listening; nil is fine.
func (b *browser) close() {
	if b != nil {
		b.listener.Close()
	}
}

// person is whom a script may turn to.
func (st *state) person(b *browser) session.Person {
	p := session.Person{Show: st.app.showCode}
	if b != nil {
		p.Browser = b
	}
	return p
}

// Open implements session.Browser. Where the command is none that opens anything, and a person is there to paste, the
// address is shown in its place.
func (b *browser) Open(ctx context.Context, _ *session.Attempt, address string, failed func(error)) (func(), error) {
	if b.command == "" {
		return b.show(ctx, address), nil
	}
	link, err := b.listener.Link(ctx, address)
	if err != nil {
		return nil, err
	}
	shown := &fallback{show: func(err error) func() {
		b.app.warn("the browser could not be started: %s", err)
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
func (b *browser) show(ctx context.Context, address string) (hide func()) {
	_, _ = fmt.Fprintf(b.app.Streams.Err, "humanconnect: open this address in a browser:\n\n    %s\n\n", cleanAddress(address))
	if !b.pasted.ready() {
		return func() {}
	}
	_, _ = fmt.Fprintln(b.app.Streams.Err, "humanconnect: if the browser cannot come back by itself, paste the address that it ends at:")
	show := b.line.hide()
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
func (b *browser) takePasted(ctx context.Context) {
	for {
		line, ok := b.pasted.next(ctx)
		if !ok {
			return
		}
		if len(line) >= maxLineOfTerminal && b.pasted.terminal {
			b.app.warn("the terminal cut that address; open it on this machine instead, or paste it with: open --no-browser < FILE")
			continue
		}
		result, err := b.engine.PasteRedirect(ctx, line)
		switch {
		case err != nil:
			b.app.warn("the address could not be kept")
		case result.Outcome == session.CallbackAccepted:
			return
		default:
			b.app.warn("nobody waits for that address; paste the one that the browser ends at")
		}
	}
}

// launch starts the browser command with the link in the place of %s, or at its end, and returns. failed is told if the
// command ends with an error, whenever that is. What it prints is not ours.
func (b *browser) launch(ctx context.Context, link string, failed func(error)) error {
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
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for us
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

// pasteReader reads lines of the terminal, or of standard input where that was asked for, for whoever waits for one. Its
// goroutine lives as long as the program: a read of a terminal cannot be taken back. nil reads nothing.
type pasteReader struct {
	app *App
	// stdin says that standard input will do.
	stdin bool

	opened   sync.Once
	in       io.Reader
	terminal bool
	reading  sync.Once
	lines    chan string
}

func newPasteReader(a *App, stdin bool) *pasteReader {
	return &pasteReader{app: a, stdin: stdin, lines: make(chan string)}
}

// ready says whether there is anything to read from. A terminal that another program has in front is not: the system
// would stop whoever reads from it.
func (p *pasteReader) ready() bool {
	if p == nil {
		return false
	}
	p.opened.Do(func() {
		tty, err := p.app.Streams.OpenTerminal()
		switch {
		case err == nil && foreground(tty):
			p.in, p.terminal = tty, true
		case p.stdin:
			p.in = p.app.Streams.In
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
	in.Buffer(nil, maxInput)
	for in.Scan() {
		if line := strings.TrimSpace(in.Text()); line != "" {
			p.lines <- line
		}
	}
}

var _ session.Browser = (*browser)(nil)
