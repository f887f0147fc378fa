package terminal

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/term"
)

// typist types on a terminal whose lines a keyboard reads.
type typist struct {
	t   *testing.T
	far *os.File
	k   *keyboard
	was *term.State
}

func newTypist(t *testing.T) *typist {
	t.Helper()
	far, near, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	was, err := term.GetState(int(near.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	k, err := openKeyboard(near)
	if err != nil {
		t.Fatal(err)
	}
	var echo sync.WaitGroup
	echo.Go(func() { _, _ = io.Copy(io.Discard, far) })
	t.Cleanup(func() {
		k.close()
		_ = near.Close()
		echo.Wait()
		_ = far.Close()
	})
	return &typist{t, far, k, was}
}

func (y *typist) types(keys string) {
	y.t.Helper()
	if _, err := io.WriteString(y.far, keys); err != nil {
		y.t.Error(err)
	}
}

// waitsRaw waits until the terminal passes on each byte immediately.
func (y *typist) waitsRaw() {
	y.t.Helper()
	poll := time.NewTicker(time.Millisecond)
	defer poll.Stop()
	over := time.After(limit)
	for {
		if state, err := term.GetState(int(y.k.terminal.Fd())); err != nil || *state != *y.was {
			return
		}
		select {
		case <-poll.C:
		case <-over:
			y.t.Fatal("the terminal is not raw")
		}
	}
}

// reads reads a line or a secret, with a limit.
func (y *typist) reads(secret bool) (string, error) {
	ctx, cancel := context.WithTimeout(y.t.Context(), limit)
	defer cancel()
	if secret {
		return y.k.secret(ctx, func() {})
	}
	return y.k.line(ctx)
}

func TestEscapeSequencesAreNotPartOfALine(t *testing.T) {
	for name, c := range map[string]struct{ typed, want string }{
		"arrow":                {"ab\x1b[Dc", "abc"},
		"arrow first":          {"\x1b[Aabc", "abc"},
		"arrow of other kind":  {"\x1bOAabc\x1bOD", "abc"},
		"modified arrow":       {"a\x1b[1;5Cbc", "abc"},
		"bracketed paste":      {"\x1b[200~abc\x1b[201~", "abc"},
		"mouse":                {"a\x1b[<0;10;10Mbc\x1b[<0;10;10m", "abc"},
		"old mouse":            {"a\x1b[M !!bc", "abc"},
		"answer of a terminal": {"a\x1b]11;rgb:0000/0000/0000\x1b\\bc", "abc"},
		"alt":                  {"a\x1bxbc", "abc"},
		"control bytes":        {"\x01a\x02b\x0ec", "abc"},
		"nothing but a key":    {"\x1b[A", ""},
		"blanks":               {"  a b\u00a0 ", "  a b\u00a0 "},
		"other scripts":        {"åß日本🧑‍⚕️e\u0301", "åß日本🧑‍⚕️e\u0301"},
	} {
		for _, secret := range []bool{false, true} {
			y := newTypist(t)
			end := "\n"
			if secret {
				end = "\r"
			}
			go y.types(c.typed + end)
			if got, err := y.reads(secret); err != nil || got != c.want {
				t.Errorf("%s, secret %v: %q, %v; want %q", name, secret, got, err, c.want)
			}
			y.types("next\n")
			if got, err := y.reads(false); err != nil || got != "next" {
				t.Errorf("%s, secret %v: the next line is %q, %v", name, secret, got, err)
			}
		}
	}
}

func TestEscAndCtrlDGoBackAndLeaveNothing(t *testing.T) {
	for name, c := range map[string]struct {
		typed  string
		secret bool
	}{
		"esc and enter": {"\x1b\n", false}, "esc after text": {"abc\x1b\n", false}, "esc and text": {"\x1babc\n", false},
		"ctrl-d": {ctrlD, false}, "ctrl-d after text": {"abc" + ctrlD + ctrlD, false},
		"esc in a secret": {"abc\x1b", true}, "ctrl-d in a secret": {"abc" + ctrlD, true}, "half a key": {"abc\x1b[1;", true},
	} {
		y := newTypist(t)
		read := make(chan error)
		go func() {
			_, err := y.reads(c.secret)
			read <- err
		}()
		if c.secret {
			y.waitsRaw()
		}
		y.types(c.typed)
		if err := <-read; !errors.Is(err, errBack) {
			t.Errorf("%s: %v, want errBack", name, err)
		}
		y.types("next\n")
		if got, err := y.reads(false); err != nil || got != "next" {
			t.Errorf("%s: the next line is %q, %v", name, got, err)
		}
	}
}

const ctrlD = "\x04"

func TestInvalidLineIsPromptedAgain(t *testing.T) {
	for name, c := range map[string]struct {
		typed  string
		secret bool
	}{
		"cut by the terminal": {strings.Repeat("a", maxLine+1) + "\n", false},
		"no text":             {"a\xff\n", false},
		"secret too long":     {strings.Repeat("a", maxValue+1) + "\r", true},
		"secret far too long": {strings.Repeat("a", 5*maxValue) + "\r", true},
		"secret of no text":   {"a\xff\r", true},
	} {
		y := newTypist(t)
		read := make(chan string)
		go func() {
			line, err := y.reads(c.secret)
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			read <- line
		}()
		if c.secret {
			y.waitsRaw()
		}
		y.types(c.typed)
		y.types("short\r")
		if got := <-read; got != "short" {
			t.Errorf("%s: %.20q was taken", name, got)
		}
	}
}

func TestLongestSecretIsAccepted(t *testing.T) {
	y := newTypist(t)
	want := strings.Repeat("日", maxValue)
	go y.types(want + "\r")
	if got, err := y.reads(true); err != nil || got != want {
		t.Errorf("%d bytes were taken, %v", len(got), err)
	}
}

func TestIncompleteLineIsDiscarded(t *testing.T) {
	y := newTypist(t)
	y.types("whole\nhalf")
	if got, err := y.reads(false); err != nil || got != "whole" {
		t.Fatalf("%q, %v", got, err)
	}
	y.k.discardInput()
	y.types("next\n")
	if got, err := y.reads(false); err != nil || got != "next" {
		t.Errorf("the next line is %q, %v", got, err)
	}
}
