package plugins

import (
	"os"
	"time"

	"github.com/humanconnect/humanconnect/sdk"
)

// DigestOf is the digest of a file with what a directory remembers.
func DigestOf(path, cacheDir string, now func() time.Time) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer closeFiles(file)
	return digests{dir: cacheDir, now: now}.of(file, path)
}

// Clean, CleanText, ParseLock, BuiltFor and WithoutUserInfo are what their lower-case namesakes are.
var (
	Clean           = clean
	CleanText       = cleanText
	ParseLock       = parseLock
	BuiltFor        = builtFor
	WithoutUserInfo = withoutUserInfo
)

// WritePrivate writes a file of a cache.
func WritePrivate(path string, data []byte) error { return writePrivate(path, data) }

// DefaultLimits are those of a host that is given none.
func DefaultLimits() Limits { return Limits{}.withDefaults() }

// Shown is a text of a provider as a person sees it.
func Shown(text string, secrets ...string) string {
	r := &redactor{}
	r.add(secrets...)
	return r.shown(text, 1000)
}

// Cleared is a text without secrets.
func Cleared(text string, secrets ...string) string {
	r := &redactor{}
	r.add(secrets...)
	return r.clear(text)
}

// ClearedAfter is a text without what a provider knows after it was asked for a step.
func ClearedAfter(req *sdk.ConnectRequest, text string) string {
	r := &redactor{}
	r.addConnect(req)
	r.addConnect(req)
	return r.clear(text)
}

// Redaction is what is kept out of the text of a provider.
type Redaction struct{ r redactor }

// Learn, Connect, Step and Credential take what a provider said or was sent.
func (x *Redaction) Learn(d *sdk.Description)                     { x.r.learn(d) }
func (x *Redaction) Connect(req *sdk.ConnectRequest)              { x.r.addConnect(req) }
func (x *Redaction) Step(req *sdk.ConnectRequest, step sdk.Step)  { x.r.addStep(req, step) }
func (x *Redaction) CredentialRequest(req *sdk.CredentialRequest) { x.r.addCredentialRequest(req) }

// Line is a line that a provider writes, and Sentence what it says to a person, as they are shown.
func (x *Redaction) Line(text string) string     { return x.r.shown(text, 1000) }
func (x *Redaction) Sentence(text string) string { return x.r.sentence(text, 1000) }

// Tail is what an error shows of the lines on stderr.
func Tail(lines ...string) []string {
	o := &output{secrets: &redactor{}}
	for _, line := range lines {
		o.keep(line)
	}
	return o.tail()
}

// CheckHandshake says what is wrong with a handshake line of a provider whose sockets lie in a directory; nil for nothing.
func CheckHandshake(line, socketDir string) error {
	if e := newHandshake("test", socketDir, &output{secrets: &redactor{}}).check(line); e != nil {
		return e
	}
	return nil
}

// Busy is how many processes have a call.
func (h *Host) Busy() (n int) {
	h.room.mu.Lock()
	defer h.room.mu.Unlock()
	for inst := range h.room.running {
		inst.mu.Lock()
		if inst.inFlight > 0 {
			n++
		}
		inst.mu.Unlock()
	}
	return n
}
