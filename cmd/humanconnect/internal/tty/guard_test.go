package tty

import (
	"bytes"
	"errors"
	"os"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"github.com/creack/pty"
	"golang.org/x/term"
)

func TestTerminalIsRestoredWhileDrawing(t *testing.T) {
	far, near, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = far.Close(), near.Close() })
	was, err := term.GetState(int(near.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	g := Guard(near)
	if _, err := term.MakeRaw(int(g.Fd())); err != nil {
		t.Fatal(err)
	}
	if _, err := g.Write([]byte("\x1b[?1049h\x1b[?25lpicture")); err != nil {
		t.Fatal(err)
	}
	g.Restore()
	g.Restore()
	if _, err := g.Write([]byte("more")); !errors.Is(err, os.ErrClosed) {
		t.Errorf("what is drawn later is written: %v", err)
	}
	if now, err := term.GetState(int(near.Fd())); err != nil || *now != *was {
		t.Errorf("the terminal is set to %+v, %v; it was %+v", now, err, was)
	}
	_, after, drawn := bytes.Cut(readUntil(t, far, ansi.ResetStyle), []byte("picture"))
	for _, off := range []string{"\x1b[?1049l", "\x1b[?25h", "\x1b[?2004l"} {
		if !drawn || bytes.Count(after, []byte(off)) != 1 {
			t.Errorf("%q is not switched off once in %q", off, after)
		}
	}
}

func TestTerminalWithoutScreensGetsNoSequences(t *testing.T) {
	far, near, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = far.Close(), near.Close() })
	g := Guard(near)
	if _, err := g.Write([]byte("\x1b[?1049h\x1b[?1049lend")); err != nil {
		t.Fatal(err)
	}
	g.Restore()
	if _, err := near.Write([]byte("mark")); err != nil {
		t.Fatal(err)
	}
	if got := readUntil(t, far, "mark"); !bytes.HasSuffix(got, []byte("endmark")) {
		t.Errorf("after the screens comes %q", got)
	}
}

// readUntil reads what a terminal got, up to a mark.
func readUntil(t *testing.T, far *os.File, mark string) []byte {
	t.Helper()
	var got []byte
	buf := make([]byte, 1024)
	for !bytes.HasSuffix(got, []byte(mark)) {
		n, err := far.Read(buf)
		if err != nil {
			t.Fatalf("%v after %q", err, got)
		}
		got = append(got, buf[:n]...)
	}
	return got
}
