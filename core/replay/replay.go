// Package replay remembers the tokens whose sessions were closed here, so that a call with one of them, which prints what is stored,
// starts no provider. It is a hint and no record: what it says wrong, or has forgotten, costs a start or a few milliseconds, and what
// cannot be read or written is left.
//
// The file cache/closed of the state directory has 4096 places of 8 bytes. A token has one of them, by its SHA-256, of which 8 other
// bytes stand there; the next token of the same place takes it over.
package replay

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/humanconnect/humanconnect/sdk"
)

const (
	places    = 4096
	placeSize = 8
)

// Closed are the tokens of a state whose sessions are closed, as far as they are known. It is safe for use by many processes.
type Closed struct{ path string }

// In returns those of a state directory.
func In(stateDir string) Closed { return Closed{filepath.Join(stateDir, "cache", "closed")} }

// Has says whether the session of a token is known to be closed.
func (c Closed) Has(token sdk.Secret) bool {
	file, err := os.Open(c.path)
	if err != nil {
		return false
	}
	defer func() { _ = file.Close() }() // it was only read
	at, mark := place(token)
	var there [placeSize]byte
	n, _ := file.ReadAt(there[:], at)
	return n == placeSize && there == mark
}

// Add notes that the session of a token is closed.
func (c Closed) Add(token sdk.Secret) {
	if err := os.Mkdir(filepath.Dir(c.path), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return
	}
	file, err := os.OpenFile(c.path, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return
	}
	at, mark := place(token)
	_, _ = file.WriteAt(mark[:], at) // one that is not written is not known
	_ = file.Close()
}

func place(token sdk.Secret) (at int64, mark [placeSize]byte) {
	sum := sha256.Sum256([]byte("closed\x00" + token.Reveal()))
	copy(mark[:], sum[:placeSize])
	return int64(binary.BigEndian.Uint16(sum[placeSize:])%places) * placeSize, mark
}
