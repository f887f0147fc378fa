// Package iostreams is how a command speaks: the three standard streams and the terminal, the answer that it prints, notices and
// progress on standard error, colour, signals, the log of --debug, and how an error is printed and which exit code it has.
package iostreams

import (
	"io"
	"os"
	"sync/atomic"

	"golang.org/x/term"

	"github.com/humanconnect/humanconnect/core/clock"
)

// IO is what a command reads from and writes to, and how. Standard output carries the answer of a command and nothing else;
// standard error what a person should know; the terminal what a person is asked.
type IO struct {
	In       io.Reader
	Out, Err io.Writer

	InTerminal, OutTerminal, ErrTerminal bool

	// OpenTerminal opens the controlling terminal to ask a person on. It fails where there is none.
	OpenTerminal func() (io.ReadWriteCloser, error)
	// Env looks up a variable of the environment.
	Env   func(name string) (string, bool)
	Clock clock.Clock
	// Args are the arguments without the program's name.
	Args []string

	// What the global flags say.
	Flags Flags
	// Accessible: nothing is drawn over and nothing moves.
	Accessible bool

	// restore restores the terminal, or is nil.
	restore atomic.Pointer[func()]
}

// Flags are the global flags that say how a command speaks.
type Flags struct {
	// Output is OutputJSON, OutputText, or "" where it was not given.
	Output string
	// Quiet drops all but errors.
	Quiet bool
	// Colour is one of the words of --color.
	Colour string
	Debug  bool
}

// System returns the streams of this process.
func System(c clock.Clock) *IO {
	return &IO{
		In: os.Stdin, Out: os.Stdout, Err: newNotices(os.Stderr),
		InTerminal:  term.IsTerminal(int(os.Stdin.Fd())),
		OutTerminal: term.IsTerminal(int(os.Stdout.Fd())),
		ErrTerminal: term.IsTerminal(int(os.Stderr.Fd())),
		OpenTerminal: func() (io.ReadWriteCloser, error) {
			return os.OpenFile("/dev/tty", os.O_RDWR, 0)
		},
		Env: os.LookupEnv, Clock: c, Args: os.Args[1:], Flags: Flags{Colour: ColourAuto},
	}
}

func (s *IO) env(name string) string {
	value, _ := s.Env(name)
	return value
}

// Plain says whether a person reads with a screen reader: nothing is drawn over, nothing moves.
func (s *IO) Plain() bool { return s.Accessible || s.env("ACCESSIBLE") != "" }

// Dumb says whether the terminal can do no more than print.
func (s *IO) Dumb() bool { return s.env("TERM") == "dumb" }

// Colour says whether a stream gets colour: as --color says, else if it is a terminal that can and the person did not
// opt out (https://no-color.org).
func (s *IO) Colour(terminal bool) bool {
	switch s.Flags.Colour {
	case ColourAlways:
		return true
	case ColourNever:
		return false
	}
	return terminal && s.env("NO_COLOR") == "" && !s.Dumb()
}

// The values of --color.
const (
	ColourAuto   = "auto"
	ColourAlways = "always"
	ColourNever  = "never"
)

// The escape sequences in use (ECMA-48 §8.3.117).
const (
	styleError = "\x1b[1;31m"
	styleHint  = "\x1b[36m"
	styleReset = "\x1b[0m"
)

// paint wraps text in a style where the colour is on.
func paint(on bool, style, text string) string {
	if !on {
		return text
	}
	return style + text + styleReset
}
