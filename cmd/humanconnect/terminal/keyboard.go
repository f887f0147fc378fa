package terminal

import (
	"context"
	"errors"
	"io"
	"sync"

	"github.com/muesli/cancelreader"
	"golang.org/x/term"
)

// keyboard reads lines from a terminal that echoes them, and secrets without an echo. One goroutine reads, from open to
// close, so that waiting for a line can end with a context.
type keyboard struct {
	terminal File
	reader   cancelreader.CancelReader
	bytes    chan byte
	reading  sync.WaitGroup
	stop     chan struct{}
	// gone is why the goroutine ended; it is set before bytes is closed.
	gone error
}

// The bytes that mean something while a secret is typed, and an escape on a line of its own.
const (
	keyInterrupt = 0x03
	keyEnd       = 0x04
	keyBackspace = 0x08
	keyKill      = 0x15
	keyEscape    = 0x1b
	keyDelete    = 0x7f
)

func openKeyboard(t File) (*keyboard, error) {
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

// read hands on what is typed. The end of input that Ctrl-D makes is not the end of the terminal.
func (k *keyboard) read() {
	defer close(k.bytes)
	buf := make([]byte, 256)
	for ends := 0; ; {
		n, err := k.reader.Read(buf)
		for _, b := range buf[:n] {
			if !k.hand(b) {
				return
			}
		}
		switch {
		case errors.Is(err, io.EOF) && ends < maxEnds:
			ends++
			if !k.hand(keyEnd) {
				return
			}
		case err != nil:
			k.gone = err
			return
		default:
			ends = 0
		}
	}
}

// maxEnds is how many ends of input in a row are taken for Ctrl-D; a terminal that is gone has no other answer.
const maxEnds = 16

func (k *keyboard) hand(b byte) bool {
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
			return 0, lostTerminal(k.gone)
		}
		return b, nil
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
}

// line reads a line that the terminal echoes. errBack: it was left with Ctrl-D, or by Esc and Enter.
func (k *keyboard) line(ctx context.Context) (string, error) {
	var line []byte
	for {
		b, err := k.next(ctx)
		switch {
		case err != nil:
			return "", err
		case b == keyEnd && len(line) == 0:
			return "", errBack
		case b == '\n' || b == '\r':
			if len(line) > 0 && line[0] == keyEscape {
				return "", errBack
			}
			return string(line), nil
		case len(line) < maxValue:
			line = append(line, b)
		}
	}
}

// secret reads a line that nobody sees. errBack as for line; interrupt is called for Ctrl-C, which is no signal here.
func (k *keyboard) secret(ctx context.Context, interrupt func()) (string, error) {
	was, err := term.MakeRaw(int(k.terminal.Fd()))
	if err != nil {
		return "", err
	}
	defer func() { _ = term.Restore(int(k.terminal.Fd()), was) }()
	var line []byte
	for {
		b, err := k.next(ctx)
		if err != nil {
			return "", err
		}
		switch b {
		case keyInterrupt:
			interrupt()
		case keyEnd, keyEscape:
			return "", errBack
		case '\n', '\r':
			return string(line), nil
		case keyBackspace, keyDelete:
			line = dropRune(line)
		case keyKill:
			line = nil
		default:
			if len(line) < maxValue {
				line = append(line, b)
			}
		}
	}
}

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
