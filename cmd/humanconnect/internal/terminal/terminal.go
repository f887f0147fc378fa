// Package terminal is the interactive user interface of a session: screens, or line-by-line prompts for screen readers and
// dumb terminals. It decides nothing: it drives an open session, renders its steps and returns the replies.
//
// Rules:
//
//   - It uses the terminal only, never standard input or output. The screens use the alternate screen, so that no health
//     data remains in the scrollback.
//   - Esc goes back: it cancels the attempt that is under way. Ctrl-C interrupts the program, like the signal.
//   - Texts of a source are shown unchanged, except for control characters.
//   - Each wait shows what it waits for, and the elapsed time.
//
// Each screen has its own file; the model dispatches between them:
//
//	unfinished attempts of the session, one by one ──continue──▶ connecting
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

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/tty"
	"github.com/humanconnect/humanconnect/core/clock"
	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/core/session"
	"github.com/humanconnect/humanconnect/core/source"
	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/host"
)

// Session is an open session; see [NewSession]. It is safe for concurrent use.
type Session interface {
	// Connect starts an attempt for a source, or to renew a connection.
	Connect(ctx context.Context, target string) (Attempt, error)
	// Disconnect disconnects a connection.
	Disconnect(ctx context.Context, target string) error
	// Connections returns the current connections of the user.
	Connections(ctx context.Context) ([]session.Connected, error)
	// HalfDone returns the targets of unfinished attempts of an earlier front end; Connect resumes them.
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
	// Browse opens the browser at the URL of an sdk.OpenURL, and waits for the redirect. notOpened is called, from any
	// goroutine, if no browser was started: with [ErrNoBrowser], or the error. The wait continues.
	Browse(ctx context.Context, p session.Prompt, notOpened func(error)) (sdk.Reply, error)
	// Paste takes what the person pasted as the redirect URL while Browse waits, and says what became of it.
	Paste(ctx context.Context, text string) (session.CallbackOutcome, error)
}

// ErrNoBrowser: no command opens the URL; the person does.
var ErrNoBrowser = errors.New("no browser is opened")

// Browser opens the browser of a person and waits for the redirect.
type Browser interface {
	// Open returns the reply to an sdk.OpenURL. It ends early, with the cause, when ctx does. A [*failure.Failure] that
	// it returns ends the attempt. For notOpened see [Attempt].
	Open(ctx context.Context, a *session.Attempt, p session.Prompt, notOpened func(error)) (sdk.Reply, error)
	// Paste takes what the person pasted as the redirect URL; see [Attempt].
	Paste(ctx context.Context, text string) (session.CallbackOutcome, error)
}

// Outcome is the outcome of one action on a source.
type Outcome struct {
	// Source is its id, Name its name.
	Source, Name string
	// Connected, or else disconnected.
	Connected bool
	// Failed is why the action failed, or "".
	Failed string
}

// Options are what [Run] works with.
type Options struct {
	Session Session
	// Sources that can be connected, in the order to show.
	Sources []source.Source
	// Before are the outcomes of the session so far, in order.
	Before []Outcome
	// EndsAt is when the session expires.
	EndsAt time.Time
	// Terminal for input and output. The caller closes it.
	Terminal tty.File
	// Plain prompts line by line instead of with screens.
	Plain bool
	Clock clock.Clock
	// Environ is the environment with the capabilities of the terminal; NO_COLOR=1 in it turns colours off.
	Environ []string
	// Waiting is called when the screens have closed and work is still running; the function that it returns is called when
	// that ends.
	Waiting func() func()
	// Crashed is called before a panic continues: it restores the terminal.
	Crashed func()
	// Interrupt is called when the person presses Ctrl-C. It must end the context of Run.
	Interrupt func()
}

// errBack is the cause of the end of an attempt that the person cancelled.
var errBack = errors.New("the person went back")

// ErrLost: the terminal is gone. The session can be resumed from another one.
var ErrLost = fmt.Errorf("the terminal is gone: %w", session.ErrFrontEndLost)

// Run lets a person connect and disconnect sources until the person finishes: then it returns nil. Failures of sources are
// shown and stored with the session, and are no error. An error is [ErrLost], [session.ErrTakenOver], [session.ErrEnded],
// the cause of ctx, or an error of the store or the terminal. When it returns, no goroutine of it runs and the terminal is
// restored.
func Run(ctx context.Context, o Options) error {
	if o.Plain {
		return runLines(ctx, o)
	}
	return runScreens(ctx, o)
}

// lostTerminal returns ErrLost for the errors of reading or writing a lost terminal.
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
