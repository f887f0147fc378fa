package sqlite

import (
	"bytes"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/humanconnect/humanconnect/core/seal"
)

// field binds a column to a place in a row: database/sql writes what value points to, and scans into it.
type field struct {
	column string
	value  any
}

// The purposes that columns are sealed for.
const (
	purposeResponse   = "response"
	purposeHook       = "hook"
	purposeState      = "oauth-state"
	purposeResume     = "resume"
	purposeStep       = "step"
	purposeHosts      = "hosts"
	purposeCallback   = "callback"
	purposeAccount    = "account"
	purposeCredential = "credential"
	purposeEvent      = "event"
	purposeSecret     = "secret"
)

// instant is a time that is always there: milliseconds since 1970, the zero time included.
type instant struct{ t *time.Time }

func (i instant) Value() (driver.Value, error) { return i.t.UnixMilli(), nil }

func (i instant) Scan(v any) error {
	ms, ok := v.(int64)
	if !ok {
		return fmt.Errorf("a time is stored as %T", v)
	}
	*i.t = time.UnixMilli(ms).UTC()
	return nil
}

// maybeInstant is a time that may be none, which is NULL.
type maybeInstant struct{ t *time.Time }

func (m maybeInstant) Value() (driver.Value, error) {
	if m.t.IsZero() {
		return nil, nil
	}
	return m.t.UnixMilli(), nil
}

func (m maybeInstant) Scan(v any) error {
	if v == nil {
		*m.t = time.Time{}
		return nil
	}
	return instant(m).Scan(v)
}

// maybeID is a reference to another row, or "", which is NULL.
type maybeID struct{ id *string }

func (m maybeID) Value() (driver.Value, error) {
	if *m.id == "" {
		return nil, nil
	}
	return *m.id, nil
}

func (m maybeID) Scan(v any) error {
	s, ok := v.(string)
	if !ok && v != nil {
		return fmt.Errorf("an id is stored as %T", v)
	}
	*m.id = s
	return nil
}

// maybeBytes is a value that may be nil, which is NULL.
type maybeBytes struct{ b *[]byte }

func (m maybeBytes) Value() (driver.Value, error) {
	if *m.b == nil {
		return nil, nil
	}
	return *m.b, nil
}

func (m maybeBytes) Scan(v any) error {
	if v == nil {
		*m.b = nil
		return nil
	}
	b, ok := v.([]byte)
	if !ok {
		return fmt.Errorf("bytes are stored as %T", v)
	}
	*m.b = append([]byte{}, b...)
	return nil
}

// accountKey is a digest, or nil, which is the empty value: NULLs would all differ to a unique index.
type accountKey struct{ b *[]byte }

func (a accountKey) Value() (driver.Value, error) { return keyValue(*a.b), nil }

func (a accountKey) Scan(v any) error {
	b, ok := v.([]byte)
	if !ok && v != nil {
		return fmt.Errorf("an account key is stored as %T", v)
	}
	*a.b = nil
	if len(b) > 0 {
		*a.b = bytes.Clone(b)
	}
	return nil
}

func keyValue(b []byte) []byte { return append([]byte{}, b...) }

// rawText is text that is compared byte for byte, in a BLOB column.
type rawText struct{ s *string }

func (r rawText) Value() (driver.Value, error) { return []byte(*r.s), nil }

func (r rawText) Scan(v any) error {
	b, ok := v.([]byte)
	if !ok {
		return fmt.Errorf("text is stored as %T", v)
	}
	*r.s = string(b)
	return nil
}

// names is a list of names as JSON, or nil, which is NULL.
type names struct{ list *[]string }

func (n names) Value() (driver.Value, error) {
	if *n.list == nil {
		return nil, nil
	}
	b, err := json.Marshal(*n.list)
	return string(b), err
}

func (n names) Scan(v any) error {
	*n.list = nil
	if v == nil {
		return nil
	}
	s, ok := v.(string)
	if !ok {
		return fmt.Errorf("a list is stored as %T", v)
	}
	if err := json.Unmarshal([]byte(s), n.list); err != nil {
		return fail(CodeDamaged, err, "a list of names")
	}
	return nil
}

// box seals the columns of one row. The row's id must be scanned before them: it is part of their place.
type box struct {
	ring  *seal.Ring
	table string
	id    *string
	// damaged gets the error of a value that cannot be read, which is left out; nil where that is the error of the row.
	damaged *error
}

// marking is the box of a row that says itself what of it cannot be read.
func (b box) marking(damaged *error) box {
	b.damaged = damaged
	return b
}

func (b box) place(column string) string { return b.table + "|" + *b.id + "|" + column }

// bytes seals a value that may be nil, which is NULL.
func (b box) bytes(column, purpose string, into *[]byte) field {
	return field{column, sealed{b, column, purpose, into}}
}

// text seals a string; "" is NULL.
func (b box) text(column, purpose string, into *string) field {
	return field{column, sealedText{b, column, purpose, into}}
}

type sealed struct {
	box             box
	column, purpose string
	into            *[]byte
}

func (s sealed) Value() (driver.Value, error) {
	if *s.into == nil {
		return nil, nil
	}
	return s.box.ring.Seal(s.purpose, s.box.place(s.column), *s.into), nil
}

func (s sealed) Scan(v any) error {
	if v == nil {
		*s.into = nil
		return nil
	}
	b, ok := v.([]byte)
	if !ok {
		return fmt.Errorf("a sealed value is stored as %T", v)
	}
	value, err := s.box.ring.Open(s.purpose, s.box.place(s.column), b)
	if err != nil && s.box.damaged != nil {
		*s.box.damaged, *s.into = s.unreadable(err), nil
		return nil
	}
	if err != nil {
		return s.unreadable(err)
	}
	*s.into = append([]byte{}, value...)
	return nil
}

func (s sealed) unreadable(err error) error {
	code := CodeDamaged
	if errors.Is(err, seal.ErrKey) {
		code = CodeKey
	}
	return fail(code, err, "%s of %s %s", s.column, s.box.table, *s.box.id).
		hint("restore the state directory and its key from the same backup")
}

type sealedText struct {
	box             box
	column, purpose string
	into            *string
}

func (s sealedText) Value() (driver.Value, error) {
	if *s.into == "" {
		return nil, nil
	}
	b := []byte(*s.into)
	return sealed{s.box, s.column, s.purpose, &b}.Value()
}

func (s sealedText) Scan(v any) error {
	var b []byte
	err := sealed{s.box, s.column, s.purpose, &b}.Scan(v)
	*s.into = string(b)
	return err
}
