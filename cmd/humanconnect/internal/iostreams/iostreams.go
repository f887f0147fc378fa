// Package iostreams has the input and output of a command: the standard streams and the terminal, output formats, messages and
// progress on standard error, colour, signals, the log of --debug, and the printing of errors.
package iostreams

import (
	"io"
	"os"
	"sync/atomic"

	"golang.org/x/term"

	"github.com/humanconnect/humanconnect/core/clock"
)

// IO is what a command reads from and writes to, and how. Standard output carries the output of a command and nothing else;
// standard error its messages; the terminal its prompts.
type IO struct {
	In       io.Reader
	Out, Err io.Writer

	InTerminal, OutTerminal, ErrTerminal bool

	// OpenTerminal opens the controlling terminal for prompts. It fails if there is none, and with [ErrBackground] if another
	// process group is in front on it.
	OpenTerminal func() (io.ReadWriteCloser, error)
	// Env looks up an environment variable.
	Env   func(name string) (string, bool)
	Clock clock.Clock
	// Args are the arguments without the program's name.
	Args []string

	// Flags are the global flags.
	Flags Flags
	// Accessible: nothing is redrawn and nothing moves.
	Accessible bool

	// restore restores the terminal, or is nil.
	restore atomic.Pointer[func()]
	// unwatch ends watching for fatal signals, or is nil.
	unwatch atomic.Pointer[func()]
}

// Flags are the global flags of input and output.
type Flags struct {
	// Output is OutputJSON, OutputText, or "" where it was not given.
	Output string
	// Quiet prints errors only.
	Quiet bool
	// Colour is one of the words of --color.
	Colour string
	Debug  bool
}

// System returns the streams of this process.
func System(c clock.Clock) *IO {
	return &IO{
		In: os.Stdin, Out: os.Stdout, Err: newNotices(os.Stderr),
		InTerminal:   term.IsTerminal(int(os.Stdin.Fd())),
		OutTerminal:  term.IsTerminal(int(os.Stdout.Fd())),
		ErrTerminal:  term.IsTerminal(int(os.Stderr.Fd())),
		OpenTerminal: openTerminal,
		Env:          os.LookupEnv, Clock: c, Args: os.Args[1:], Flags: Flags{Colour: ColourAuto},
	}
}

func (s *IO) env(name string) string {
	value, _ := s.Env(name)
	return value
}

// Plain says whether output is for a screen reader: nothing is redrawn, nothing moves.
func (s *IO) Plain() bool { return s.Accessible || s.env("ACCESSIBLE") != "" }

// Dumb says whether the terminal is not known to do more than print.
func (s *IO) Dumb() bool { return !draws(s.env("TERM")) }

// Colour says whether a stream gets colour: as --color says, else if it is a terminal with colour and NO_COLOR is not set
// (https://no-color.org).
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

// paint wraps text in a style if colour is on.
func paint(on bool, style, text string) string {
	if !on {
		return text
	}
	return style + text + styleReset
}
