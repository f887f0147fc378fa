package terminal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/muesli/cancelreader"
	"golang.org/x/term"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/tty"
)

// keyboard reads lines from a terminal that echoes them, and secrets without an echo. One goroutine reads, from open to
// close, so that waiting for a line can end with a context.
type keyboard struct {
	terminal tty.File
	reader   cancelreader.CancelReader
	bytes    chan byte
	reading  sync.WaitGroup
	stop     chan struct{}
	// err is why the goroutine ended; it is set before bytes is closed.
	err error
	// suspend stops the program, for a Ctrl-Z that a raw terminal passes on as a key.
	suspend func()

	// settings guards was: the settings of the terminal before a secret, nil without one.
	settings sync.Mutex
	was      *term.State
}

// The control bytes of secret input, and Esc of line input.
const (
	keyInterrupt = 0x03
	keyEnd       = 0x04
	keyBackspace = 0x08
	keyKill      = 0x15
	keyWord      = 0x17
	keySuspend   = 0x1a
	keyEscape    = 0x1b
	keyDelete    = 0x7f
)

func openKeyboard(t tty.File) (*keyboard, error) {
	r, err := cancelreader.NewReader(t)
	if err != nil {
		return nil, err
	}
	k := &keyboard{terminal: t, reader: r, bytes: make(chan byte), stop: make(chan struct{})}
	k.reading.Go(k.read)
	return k, nil
}

// close ends the goroutine and waits for it.
func (k *keyboard) close() {
	close(k.stop)
	k.reader.Cancel()
	k.reading.Wait()
	_ = k.reader.Close()
}

// read sends the typed bytes. An end of input by Ctrl-D is not the end of the terminal.
func (k *keyboard) read() {
	defer close(k.bytes)
	buf := make([]byte, 256)
	for ends := 0; ; {
		n, err := k.reader.Read(buf)
		for _, b := range buf[:n] {
			if !k.send(b) {
				return
			}
		}
		switch {
		case errors.Is(err, io.EOF) && ends < maxEnds:
			ends++
			if !k.send(keyEnd) {
				return
			}
		case err != nil:
			k.err = err
			return
		default:
			ends = 0
		}
	}
}

// maxEnds is how many ends of input in a row count as Ctrl-D; a lost terminal returns nothing else.
const maxEnds = 16

func (k *keyboard) send(b byte) bool {
	select {
	case k.bytes <- b:
		return true
	case <-k.stop:
		return false
	}
}

// next waits for a byte.
func (k *keyboard) next(ctx context.Context) (byte, error) {
	select {
	case b, ok := <-k.bytes:
		if !ok {
			return 0, lostTerminal(k.err)
		}
		return b, nil
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
}

// maxLine is the longest line that a terminal passes on, in bytes; it drops the rest (termios(3), MAX_CANON of Linux).
const maxLine = 4095

// line reads a line that the terminal echoes, and prompts again if it is invalid. errBack: the person pressed Ctrl-D, or Esc
// and Enter.
func (k *keyboard) line(ctx context.Context) (string, error) {
	for {
		typed, err := k.typed(ctx)
		if err != nil {
			return "", err
		}
		line, back := stripSequences(typed)
		switch {
		case back:
			return "", errBack
		case len(typed) >= maxLine:
			k.again(fmt.Sprintf("The terminal truncates a line at %d characters, and this one may be longer. Type a shorter one:", maxLine))
		case !utf8.Valid(line):
			k.again("The text is not valid UTF-8. Type it again:")
		default:
			return string(line), nil
		}
	}
}

func (k *keyboard) again(why string) { _, _ = io.WriteString(k.terminal, why+" ") }

// typed reads the bytes of a line.
func (k *keyboard) typed(ctx context.Context) ([]byte, error) {
	var line []byte
	for {
		b, err := k.next(ctx)
		switch {
		case err != nil:
			return nil, err
		case b == keyEnd:
			return nil, errBack
		case b == '\n' || b == '\r':
			return line, nil
		case len(line) < maxLine:
			line = append(line, b)
		}
	}
}

// secret reads a line without echo. errBack as for line, but Esc needs no Enter; interrupt is called for Ctrl-C, which is
// not a signal in raw mode.
func (k *keyboard) secret(ctx context.Context, interrupt func()) (string, error) {
	if err := k.hide(); err != nil {
		return "", err
	}
	defer k.unhide()
	var line []byte
	for pasting := false; ; {
		b, err := k.next(ctx)
		if err != nil {
			return "", err
		}
		switch {
		case b == keyInterrupt:
			interrupt()
		case b == keySuspend:
			k.suspend()
		case b == keyEnd:
			return "", errBack
		case b == keyEscape:
			what, err := k.escape(ctx)
			if err != nil {
				return "", err
			}
			pasting = what == pasteBegins || pasting && what != pasteEnds
		case (b == '\n' || b == '\r') && !pasting:
			if secret, ok := k.accept(line); ok {
				return secret, nil
			}
			line = nil
		default:
			line = edited(line, b)
		}
	}
}

// hide ends the echo of the terminal.
func (k *keyboard) hide() (err error) {
	k.settings.Lock()
	defer k.settings.Unlock()
	k.was, err = term.MakeRaw(int(k.terminal.Fd()))
	return err
}

// unhide restores the settings of before hide.
func (k *keyboard) unhide() {
	k.giveBack()
	k.settings.Lock()
	defer k.settings.Unlock()
	k.was = nil
}

// giveBack restores the settings of the terminal for the shell, unless another program is in front already.
func (k *keyboard) giveBack() {
	k.settings.Lock()
	defer k.settings.Unlock()
	if k.was != nil && !tty.Background(k.terminal) {
		_ = term.Restore(int(k.terminal.Fd()), k.was)
	}
}

// retake ends the echo again, if a secret is being typed.
func (k *keyboard) retake() {
	k.settings.Lock()
	defer k.settings.Unlock()
	if k.was != nil {
		_, _ = term.MakeRaw(int(k.terminal.Fd()))
	}
}

// edited applies an editing key or a character to a line.
func edited(line []byte, b byte) []byte {
	switch {
	case b == keyBackspace || b == keyDelete:
		return dropRune(line)
	case b == keyKill || b == keyWord:
		return nil
	case b >= ' ' && len(line) <= maxSecret:
		return append(line, b)
	}
	return line
}

// maxSecret is how long a secret may be in bytes, so that it has at most maxValue characters whatever they are.
const maxSecret = 4 * maxValue

// accept checks a typed secret; if it is invalid, it prompts again.
func (k *keyboard) accept(line []byte) (string, bool) {
	switch {
	case !utf8.Valid(line) && len(line) <= maxSecret:
		k.again("\r\nThe text is not valid UTF-8. Type it again:")
	case utf8.RuneCount(line) > maxValue:
		k.again(fmt.Sprintf("\r\nAt most %d characters are allowed. Type it again:", maxValue))
	default:
		return string(line), true
	}
	return "", false
}

// escapeTime is how long after Esc the rest of an escape sequence may arrive.
const escapeTime = 100 * time.Millisecond

// escape reads the rest of an escape sequence. If there is none, the person pressed Esc: errBack.
func (k *keyboard) escape(ctx context.Context) (string, error) {
	short, cancel := context.WithTimeoutCause(ctx, escapeTime, errBack)
	defer cancel()
	seq := []byte{keyEscape}
	for !isComplete(seq) {
		b, err := k.next(short)
		if err != nil {
			k.discardInput()
			return "", err
		}
		if b == keyEscape && len(seq) == 1 {
			return "", errBack
		}
		if len(seq) < maxSequence {
			seq = append(seq, b)
		}
	}
	return string(seq), nil
}

// discardInput drops typed input that was not read yet, also an incomplete line.
func (k *keyboard) discardInput() {
	tty.FlushInput(k.terminal.Fd())
	for {
		quiet := time.NewTimer(quietTime)
		select {
		case _, ok := <-k.bytes:
			quiet.Stop()
			if !ok {
				return
			}
		case <-quiet.C:
			return
		}
	}
}

// quietTime is the longest delay between reading a byte and sending it.
const quietTime = 5 * time.Millisecond

// dropRune drops the last character, which may be several bytes of UTF-8.
func dropRune(b []byte) []byte {
	for len(b) > 0 {
		last := b[len(b)-1]
		b = b[:len(b)-1]
		if last&0xC0 != 0x80 {
			break
		}
	}
	return b
}
