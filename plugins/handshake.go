package plugins

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/hashicorp/go-plugin"

	"github.com/humanconnect/humanconnect/sdk/host"
)

// handshakeLine is the longest line that go-plugin's handshake can be: it may hold a certificate.
const handshakeLine = 16 << 10

// handshake reads the one line on stdout in which a plugin names its socket, checks it before go-plugin sees it, and drains
// what comes after it. It is the io.Reader that go-plugin reads: the line if it is valid, else nothing.
type handshake struct {
	provider  string
	socketDir string
	out       *output

	// read is closed when the line has been read, or cannot come any more.
	read chan struct{}
	line *bytes.Reader
	// failure is what is wrong with the line; silent says that no line came, and address is that of the socket in a valid one.
	failure *Error
	silent  bool
	address string
	// await gives a program without a line time to exit: go-plugin kills it when the line does not come. killed says whether it
	// has been killed, which also ends stdout; closed, that stdout ended before.
	await  func()
	killed func() bool
	closed bool

	mu sync.Mutex
	// begun is what stdout holds so far, to the end of its first line.
	begun []byte
}

func newHandshake(provider, socketDir string, out *output) *handshake {
	return &handshake{
		provider: provider, socketDir: socketDir, out: out,
		read: make(chan struct{}), line: bytes.NewReader(nil),
	}
}

// Read implements io.Reader. It blocks until the line is there, or the program has had the time to exit without one.
func (h *handshake) Read(b []byte) (int, error) {
	<-h.read
	if h.silent {
		h.await()
	}
	return h.line.Read(b)
}

// Close implements io.Closer; the process closes the pipe.
func (h *handshake) Close() error { return nil }

// run reads stdout to its end.
func (h *handshake) run(stdout io.Reader) {
	after := h.readFirst(stdout)
	if line := string(h.begun); line == "" {
		h.silent, h.closed = true, !h.killed()
	} else if h.failure = h.check(strings.TrimSuffix(line, "\n")); h.failure == nil {
		h.line = bytes.NewReader([]byte(strings.TrimSpace(line) + "\n"))
	}
	close(h.read)
	eachLine(bufio.NewReaderSize(io.MultiReader(bytes.NewReader(after), stdout), lineBuffer), h.out.pass)
}

// readFirst reads the first line with its line feed, or what there is of it at the end of stdout, or what is too long for a
// handshake. It returns what was read of the next line.
func (h *handshake) readFirst(stdout io.Reader) (after []byte) {
	chunk := make([]byte, 4096)
	for {
		n, err := stdout.Read(chunk)
		line, rest, ended := bytes.Cut(chunk[:n], []byte("\n"))
		if ended {
			line = chunk[:len(line)+1]
		}
		h.mu.Lock()
		h.begun = append(h.begun, line...)
		h.mu.Unlock()
		if ended || err != nil || len(h.begun) > handshakeLine {
			return slices.Clone(rest)
		}
	}
}

// unfinished is what the program has printed of a line that it has not ended; empty for nothing.
func (h *handshake) unfinished() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.quote(string(h.begun))
}

// quote shows what a program printed, with its carriage returns, which are easily overlooked.
func (h *handshake) quote(printed string) string {
	return h.out.secrets.shown(strings.ReplaceAll(printed, "\r", `\r`), 200)
}

// isGood says whether a valid handshake has been read.
func (h *handshake) isGood() bool {
	select {
	case <-h.read:
		return h.failure == nil && !h.silent
	default:
		return false
	}
}

// isClosed says whether the program ended stdout without a line.
func (h *handshake) isClosed() bool {
	select {
	case <-h.read:
		return h.closed
	default:
		return false
	}
}

// check returns what is wrong with CORE|APP|NETWORK|ADDRESS|PROTOCOL|CERTIFICATE|MULTIPLEX, or nil.
func (h *handshake) check(line string) *Error {
	parts := strings.Split(strings.TrimSpace(line), "|")
	core, errCore := strconv.Atoi(parts[0])
	if len(parts) < 4 || errCore != nil || len(line) > handshakeLine {
		return h.printed(line)
	}
	app, errApp := strconv.Atoi(parts[1])
	switch {
	case errApp != nil:
		return h.printed(line)
	case core != plugin.CoreProtocolVersion:
		return h.mismatch("go-plugin's protocol version", core, plugin.CoreProtocolVersion)
	case app != host.ProtocolVersion:
		return h.mismatch("protocol version", app, host.ProtocolVersion)
	case len(parts) < 5 || parts[4] != string(plugin.ProtocolGRPC):
		return newError(CodeProtocol, h.provider, "does not speak gRPC").
			hint("serve it with sdk.Serve, or set GRPCServer in go-plugin's ServeConfig")
	case !h.isOurs(parts[2], parts[3]):
		return newError(CodeProtocol, h.provider, "listens on %q, not on a socket in its directory",
			h.out.secrets.shown(parts[2]+" "+parts[3], 120)).
			hint("listen on a Unix socket in the directory that %s names", plugin.EnvUnixSocketDir)
	}
	h.address = parts[3]
	return h.checkRest(parts[5:])
}

// checkRest checks the fields after the protocol. Each must be empty, because we requested nothing that they are for;
// go-plugin would add a certificate to a TLS configuration that it does not have, and panic.
func (h *handshake) checkRest(rest []string) *Error {
	at := slices.IndexFunc(rest, func(field string) bool { return field != "" })
	switch at {
	case -1:
		return nil
	case 0:
		return newError(CodeProtocol, h.provider, "sends a certificate in its handshake, but its socket has no TLS").
			hint("serve without TLS: set no TLSProvider in go-plugin's ServeConfig, and leave the sixth field empty")
	}
	said := h.out.secrets.shown(rest[at], 40)
	if at == 1 {
		return newError(CodeProtocol, h.provider, "sends %q for multiplexing in its handshake, which humanconnect does not use", said).
			hint("leave the seventh field out of the handshake")
	}
	return newError(CodeProtocol, h.provider, "sends %q in field %d of its handshake, which has five", said, at+6).
		hint("end the handshake after its fifth field")
}

func (h *handshake) printed(line string) *Error {
	said := "printed an empty line on standard output before the handshake"
	if printed := h.quote(line); printed != "" {
		said = fmt.Sprintf("printed on standard output before the handshake: «%s»", printed)
	}
	return newError(CodePrinted, h.provider, "%s", said).
		hint("a provider prints nothing on standard output: move the message to standard error").
		hint("if this program is not a provider, correct its command in the config")
}

func (h *handshake) mismatch(what string, its, ours int) *Error {
	e := newError(CodeProtocol, h.provider, "speaks %s %d, this humanconnect speaks %d", what, its, ours)
	if its > ours {
		return e.hint("update humanconnect, or install an older version of the provider")
	}
	return e.hint("install a newer version of the provider")
}

func (h *handshake) isOurs(network, address string) bool {
	if network != "unix" {
		return false
	}
	inside, err := filepath.Rel(h.socketDir, address)
	return err == nil && filepath.IsLocal(inside) && inside != "."
}
