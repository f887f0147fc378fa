package main

import (
	"io"
	"os"

	"golang.org/x/term"
)

// Streams are the three standard streams, and whether each is a terminal. Standard output carries the answer of a
// command and nothing else; standard error what is said to a person; the terminal what is asked of a person.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer

	InTerminal, OutTerminal, ErrTerminal bool

	// OpenTerminal opens the controlling terminal to ask a person on. It fails where there is none.
	OpenTerminal func() (io.ReadWriteCloser, error)
}

func systemStreams() Streams {
	return Streams{
		In: os.Stdin, Out: os.Stdout, Err: &notices{w: os.Stderr},
		InTerminal:  term.IsTerminal(int(os.Stdin.Fd())),
		OutTerminal: term.IsTerminal(int(os.Stdout.Fd())),
		ErrTerminal: term.IsTerminal(int(os.Stderr.Fd())),
		OpenTerminal: func() (io.ReadWriteCloser, error) {
			return os.OpenFile("/dev/tty", os.O_RDWR, 0)
		},
	}
}

// colour says whether a stream gets colour: as --color says, else if it is a terminal that can and the person did not
// opt out (https://no-color.org).
func (a *App) colour(terminal bool) bool {
	switch a.global.colour {
	case colourAlways:
		return true
	case colourNever:
		return false
	}
	return terminal && a.env("NO_COLOR") == "" && a.env("TERM") != "dumb"
}

// The values of --color.
const (
	colourAuto   = "auto"
	colourAlways = "always"
	colourNever  = "never"
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
