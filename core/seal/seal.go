// Package seal makes values unreadable to whoever has the state but not its key.
//
// A sealed value is
//
//	version(1) | key id(4) | nonce(12) | AES-256-GCM ciphertext and tag
//
// under a key derived by HKDF-SHA256 (RFC 5869) from the master key for one purpose. The associated data names the row
// and column that the value belongs to, so that a value moved to another place does not open.
package seal

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
)

// KeySize is the size of a master key in bytes.
const KeySize = 32

const (
	version   = 1
	keyIDSize = 4
	nonceSize = 12
	header    = 1 + keyIDSize
)

// ErrKey: the value was sealed with a key that is not in the ring.
var ErrKey = errors.New("sealed with another key")

// ErrDamaged: the value is cut, changed, or stands in another place than the one it was sealed for.
var ErrDamaged = errors.New("sealed value is damaged or not in its place")

// KeyID names a master key without telling it.
type KeyID [keyIDSize]byte

func (k KeyID) String() string { return hex.EncodeToString(k[:]) }

// Ring holds the master keys of one state: it seals with the first and opens with any. Safe for concurrent use.
type Ring struct {
	primary KeyID
	keys    map[KeyID]*master
}

type master struct {
	secret []byte
	mu     sync.Mutex
	aeads  map[string]cipher.AEAD
}

// NewRing makes a ring of master keys of [KeySize] bytes, the primary first.
func NewRing(primary []byte, older ...[]byte) (*Ring, error) {
	r := &Ring{keys: make(map[KeyID]*master)}
	for i, secret := range append([][]byte{primary}, older...) {
		if len(secret) != KeySize {
			return nil, fmt.Errorf("a key has %d bytes, not %d", KeySize, len(secret))
		}
		kid := IDOf(secret)
		if i == 0 {
			r.primary = kid
		}
		r.keys[kid] = &master{secret: bytes.Clone(secret), aeads: make(map[string]cipher.AEAD)}
	}
	return r, nil
}

// IDOf returns the id of a master key.
func IDOf(secret []byte) KeyID { return KeyID(derive(secret, "key id")[:keyIDSize]) }

// Primary returns the id of the key that the ring seals with.
func (r *Ring) Primary() KeyID { return r.primary }

// Seal seals a value for a purpose and a place.
func (r *Ring) Seal(purpose, place string, value []byte) []byte {
	out := make([]byte, header+nonceSize, header+nonceSize+len(value)+16)
	out[0] = version
	copy(out[1:], r.primary[:])
	_, _ = rand.Read(out[header:]) // never fails: crypto/rand
	return r.keys[r.primary].aead(purpose).Seal(out, out[header:], value, associated(out[:header], place))
}

// Open opens what Seal sealed for the same purpose and place. It returns [ErrKey] or [ErrDamaged].
func (r *Ring) Open(purpose, place string, sealed []byte) ([]byte, error) {
	if len(sealed) < header+nonceSize || sealed[0] != version {
		return nil, ErrDamaged
	}
	key, ok := r.keys[KeyID(sealed[1:header])]
	if !ok {
		return nil, ErrKey
	}
	nonce, rest := sealed[header:header+nonceSize], sealed[header+nonceSize:]
	value, err := key.aead(purpose).Open(nil, nonce, rest, associated(sealed[:header], place))
	if err != nil {
		return nil, ErrDamaged
	}
	return value, nil
}

// MAC returns an HMAC-SHA256 of data for a purpose, to look up what must not be readable. It uses the primary key, so that
// whoever changes that one has to carry the keys derived from it over, as secrets that the state keeps.
func (r *Ring) MAC(purpose string, data ...[]byte) []byte {
	h := hmac.New(sha256.New, derive(r.keys[r.primary].secret, "mac "+purpose))
	for _, d := range data {
		var size [8]byte
		for i := range size {
			size[i] = byte(len(d) >> (8 * i))
		}
		h.Write(size[:])
		h.Write(d)
	}
	return h.Sum(nil)
}

func (m *master) aead(purpose string) cipher.AEAD {
	m.mu.Lock()
	defer m.mu.Unlock()
	if a, ok := m.aeads[purpose]; ok {
		return a
	}
	block, err := aes.NewCipher(derive(m.secret, "seal "+purpose))
	if err != nil {
		panic(err) // a derived key always has 32 bytes
	}
	a, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // AES has the block size that GCM wants
	}
	m.aeads[purpose] = a
	return a
}

func derive(secret []byte, info string) []byte {
	key, err := hkdf.Key(sha256.New, secret, nil, "humanconnect/v1/"+info, KeySize)
	if err != nil {
		panic(err) // KeySize is far below the limit of HKDF
	}
	return key
}

func associated(head []byte, place string) []byte { return append(bytes.Clone(head), place...) }
