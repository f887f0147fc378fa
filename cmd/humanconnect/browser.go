package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/redirect"
	"github.com/humanconnect/humanconnect/core/config"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/session"
	"github.com/humanconnect/humanconnect/sdk"
)

// browserStart is how soon a browser command that is none ends with an error. One that runs on is a browser.
const browserStart = 2 * time.Second

// browser takes a person to a source: by the command in BROWSER, or by showing the address. It implements
// session.Browser. One step at a time holds the person; the others wait.
type browser struct {
	app    *App
	engine *session.Engine
	// command is BROWSER, or "" to show addresses.
	command  string
	listener *redirect.Listener
	// screens show addresses themselves.
	screens bool
	// pasted reads what a person pastes; nil where nobody can.
	pasted *pasteReader

	turn chan struct{}
}

// newBrowser returns nil if this call has no browser to use. On a terminal whose screens ask a person it shows nothing by
// itself: they do.
func (a *App) newBrowser(st *state, o openOptions, screens bool) *browser {
	b := &browser{app: a, command: a.env("BROWSER"), screens: screens, turn: make(chan struct{}, 1)}
	if b.command == "" && (screens || o.ui == uiTerminal) {
		b.command = a.opener()
	}
	switch {
	case o.noBrowser:
		b.command = ""
		if !screens && !a.unattended() {
			b.pasted = newPasteReader(a)
		}
	case b.command == "" && !screens && o.ui != uiTerminal:
		return nil
	}
	b.listener = redirect.New(redirect.Options{Listen: st.config.Callback.Listen, URL: st.config.Callback.URL, Engine: b})
	return b
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
func (s steered) Open(ctx context.Context, a *session.Attempt, p session.Prompt) (sdk.Reply, error) {
	step, ok := p.Step.(sdk.OpenURL)
	if !ok {
		return nil, errors.New("this step needs no browser")
	}
	return a.Browse(ctx, step, s.b)
}

// attach gives the engine what it needs of a browser.
func (b *browser) attach(e *session.Engine) {
	b.engine = e
	e.FrontEnd.Browser = true
	e.Redirects = b.listener
}

// Callback and Progress implement redirect.Engine: the engine is there before the first attempt binds an address.
func (b *browser) Callback(ctx context.Context, c sdk.Callback) (session.CallbackResult, error) {
	return b.engine.Callback(ctx, c)
}

// Progress implements redirect.Engine.
func (b *browser) Progress(ctx context.Context, attempt id.Attempt) (session.Progress, error) {
	return b.engine.Progress(ctx, attempt)
}

// Moved implements redirect.Engine.
func (b *browser) Moved() <-chan struct{} { return b.engine.Moved() }

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

// Open implements session.Browser.
func (b *browser) Open(ctx context.Context, _ *session.Attempt, address string, failed func(error)) (func(), error) {
	select {
	case b.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	done := func() { <-b.turn }
	if b.command == "" {
		return b.show(ctx, address, done), nil
	}
	link, err := b.listener.Link(ctx, address)
	if err == nil {
		err = b.launch(ctx, link, failed)
	}
	if err != nil {
		done()
		return nil, err
	}
	return done, nil
}

// show prints the address and takes the redirect pasted, while the listener waits for it too.
func (b *browser) show(ctx context.Context, address string, done func()) func() {
	if b.screens {
		return done
	}
	_, _ = fmt.Fprintf(b.app.Streams.Err, "humanconnect: open this address in a browser:\n\n    %s\n\n", cleanAddress(address))
	if b.pasted == nil {
		return done
	}
	_, _ = fmt.Fprintln(b.app.Streams.Err, "humanconnect: if the browser cannot come back by itself, paste the address that it ends at:")
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { b.takePasted(ctx) })
	return func() {
		cancel()
		wg.Wait()
		done()
	}
}

// takePasted takes lines until one is a redirect that somebody waits for.
func (b *browser) takePasted(ctx context.Context) {
	for {
		line, ok := b.pasted.next(ctx)
		if !ok {
			return
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
// command ends with an error soon. What it prints is not ours.
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
		return fmt.Errorf("start the browser: %w", err)
	}
	began := b.app.Clock.Now()
	go func() { // lives as long as the browser, which is not ours to end
		if err := cmd.Wait(); err != nil && b.app.Clock.Now().Sub(began) < browserStart {
			failed(fmt.Errorf("the browser: %w", err))
		}
	}()
	return nil
}

// pasteReader reads lines of the terminal, or of standard input where there is none, for whoever waits for one. Its
// goroutine lives as long as the program: a read of a terminal cannot be taken back.
type pasteReader struct {
	open  func() io.Reader
	once  sync.Once
	lines chan string
}

func newPasteReader(a *App) *pasteReader {
	return &pasteReader{
		lines: make(chan string),
		open: func() io.Reader {
			if tty, err := a.Streams.OpenTerminal(); err == nil {
				return tty
			}
			return a.Streams.In
		},
	}
}

// next returns the next line, or false when ctx or the input ended.
func (p *pasteReader) next(ctx context.Context) (string, bool) {
	p.once.Do(func() { go p.read() })
	select {
	case line, ok := <-p.lines:
		return line, ok
	case <-ctx.Done():
		return "", false
	}
}

func (p *pasteReader) read() {
	defer close(p.lines)
	in := bufio.NewScanner(io.LimitReader(p.open(), 1<<20))
	in.Buffer(nil, maxInput)
	for in.Scan() {
		if line := strings.TrimSpace(in.Text()); line != "" {
			p.lines <- line
		}
	}
}

var _ session.Browser = (*browser)(nil)
