// Package terminal lets a person steer a session at a terminal: with screens, or with plain questions, one line at a
// time, for screen readers and terminals that can do no more. It decides nothing: it drives an open session, renders its
// steps and returns the replies.
//
// The rules of what it shows:
//
//   - It talks to the terminal alone, never to standard input or output. The screens live in the alternate screen and are
//     gone in the end, so that no health data is left in the scrollback.
//   - Esc goes back: it cancels the attempt that is under way. Ctrl-C interrupts the program, like the signal.
//   - What a source says is shown in its words, cleaned of control characters.
//   - Whatever takes time says what is being waited for, and for how long already.
//
// One file has one screen; the desk dispatches between them:
//
//	half-done attempts of the session, one by one ──go on──▶ connecting
//
//	list ──enter──▶ connecting ─▶ form, code, browser, wait ─▶ list, or failure ──try again──▶ connecting
//	 │  └──enter──▶ source ──▶ connecting, or confirm ─▶ disconnecting ─▶ list, or failure
//	 └────esc─────▶ confirm ─▶ the session is closed
package terminal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"github.com/humanconnect/humanconnect/core/clock"
	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/core/session"
	"github.com/humanconnect/humanconnect/core/source"
	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/host"
)

// Session is the open session that a person steers; see [Steer]. It is safe for concurrent use.
type Session interface {
	// Connect begins to connect a source, or to renew a named connection.
	Connect(ctx context.Context, target string) (Attempt, error)
	// Disconnect takes a named connection away.
	Disconnect(ctx context.Context, target string) error
	// Connections returns what the user is connected to now.
	Connections(ctx context.Context) ([]session.Connected, error)
	// HalfDone returns what attempts that another front end left behind would connect: targets of Connect, which goes on
	// with them.
	HalfDone(ctx context.Context) ([]string, error)
	// Allows says whether the token lets a source be connected and disconnected.
	Allows(source string) bool
}

// Attempt is one try to connect a source; its methods are those of [session.Attempt].
type Attempt interface {
	Next(ctx context.Context) (session.Prompt, error)
	Reply(ctx context.Context, r sdk.Reply) (session.Prompt, error)
	WaitDue(ctx context.Context) error
	Fail(ctx context.Context, f *failure.Failure) error
	Cancel(ctx context.Context) error
	// Browse sends the person's browser to where an sdk.OpenURL wants it, and waits for it to come back. no is told, from
	// any goroutine, if no browser is on its way: [ErrNoBrowser], or why it could not be started. The wait goes on.
	Browse(ctx context.Context, p session.Prompt, no func(error)) (sdk.Reply, error)
	// Paste takes the address that the browser ended at, pasted by the person while Browse waits. It returns false for a
	// text that nobody waits for.
	Paste(ctx context.Context, text string) (bool, error)
}

// ErrNoBrowser: the person opens the address, no command does.
var ErrNoBrowser = errors.New("no browser is opened")

// Browser sends a person's browser somewhere and waits until it comes back.
type Browser interface {
	// Open returns the reply to an sdk.OpenURL. It ends early, with the cause, when ctx does. A [*failure.Failure] that
	// it returns ends the attempt. For no see [Attempt].
	Open(ctx context.Context, a *session.Attempt, p session.Prompt, no func(error)) (sdk.Reply, error)
	// Paste takes the address that it ended at; false: nobody waits for it.
	Paste(ctx context.Context, text string) (bool, error)
}

// File is an open terminal.
type File interface {
	io.ReadWriter
	Fd() uintptr
	Name() string
	Close() error
}

// Done is what became of one source: what was done with it, or why it could not be.
type Done struct {
	// Source is its id, Name what it is called.
	Source, Name string
	// Connected, or else disconnected.
	Connected bool
	// Failed is why it could not be, or "".
	Failed string
}

// Options are what [Run] works with.
type Options struct {
	Session Session
	// Sources that can be connected, in the order to show.
	Sources []source.Source
	// Before is what was done in the session before, in its order.
	Before []Done
	// EndsAt is when the session ends by itself.
	EndsAt time.Time
	// Terminal to ask on. It stays the caller's to close.
	Terminal File
	// Plain asks line by line instead of with screens.
	Plain bool
	Clock clock.Clock
	// Environ is the environment that says what the terminal can do; NO_COLOR=1 in it turns the colours off.
	Environ []string
	// Waiting is called when the screens are gone and something that began is still waited for; what it returns is called
	// when it has ended.
	Waiting func() func()
	// Crashed is called before a panic goes on its way: it gives the terminal back.
	Crashed func()
	// Interrupt is called when the person presses Ctrl-C. It must end the context of Run.
	Interrupt func()
}

// errBack is the cause of the end of an attempt that the person left.
var errBack = errors.New("the person went back")

// ErrLost: the terminal is gone. The session can be resumed from another one.
var ErrLost = fmt.Errorf("the terminal is gone: %w", session.ErrFrontEndLost)

// Run lets a person connect and disconnect sources until the person is done, which returns nil. Failures of sources have
// been shown and kept with the session, and are no error. An error is [ErrLost], [session.ErrTakenOver],
// [session.ErrEnded], the cause of ctx's end, or one of the store or of the terminal. When it returns, nothing of it runs any more and the
// terminal is as it was.
func Run(ctx context.Context, o Options) error {
	if o.Plain {
		return runLines(ctx, o)
	}
	return runScreens(ctx, o)
}

// lostTerminal makes an ErrLost of what reading or writing a terminal that is gone ends with.
func lostTerminal(err error) error {
	if errors.Is(err, syscall.EIO) || errors.Is(err, io.EOF) || errors.Is(err, os.ErrClosed) {
		return ErrLost
	}
	return fmt.Errorf("use the terminal: %w", err)
}

// maxText is how much of a text from outside is shown, in characters; maxName how much of a name.
const (
	maxText = 600
	maxName = 80
)

func text(s string) string { return host.CleanText(s, maxText) }

func name(s string) string { return host.CleanText(s, maxName) }
