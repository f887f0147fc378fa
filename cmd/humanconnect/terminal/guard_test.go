package terminal

import (
	"bytes"
	"errors"
	"os"
	"testing"

	"github.com/creack/pty"
	"golang.org/x/term"
)

func TestTerminalIsGivenBackWhateverIsDrawn(t *testing.T) {
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
	g.GiveBack()
	g.GiveBack()
	if _, err := g.Write([]byte("more")); !errors.Is(err, os.ErrClosed) {
		t.Errorf("what is drawn later is written: %v", err)
	}
	if now, err := term.GetState(int(near.Fd())); err != nil || *now != *was {
		t.Errorf("the terminal is set to %+v, %v; it was %+v", now, err, was)
	}
	buf := make([]byte, 1024)
	n, err := far.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	_, after, drawn := bytes.Cut(buf[:n], []byte("picture"))
	for _, off := range []string{"\x1b[?1049l", "\x1b[?25h", "\x1b[?2004l"} {
		if !drawn || bytes.Count(after, []byte(off)) != 1 {
			t.Errorf("%q is not switched off once in %q", off, after)
		}
	}
}

func TestTerminalWithoutScreensGetsNothingBack(t *testing.T) {
	far, near, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = far.Close(), near.Close() })
	g := Guard(near)
	if _, err := g.Write([]byte("\x1b[?1049h\x1b[?1049lend")); err != nil {
		t.Fatal(err)
	}
	g.GiveBack()
	buf := make([]byte, 1024)
	if n, err := far.Read(buf); err != nil || !bytes.HasSuffix(buf[:n], []byte("end")) {
		t.Errorf("after the screens comes %q, %v", buf[:n], err)
	}
}
