package sdk

import (
	"fmt"
	"io"
	"log/slog"
)

// Secret is text that must not be printed: every way of formatting, logging or encoding it gives "[secret]".
// Reveal it where it is needed and nowhere else.
type Secret string

const redacted = "[secret]"

// Reveal returns the secret itself.
func (s Secret) Reveal() string { return string(s) }

// String implements [fmt.Stringer].
func (s Secret) String() string { return redacted }

// Format implements [fmt.Formatter] for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue implements [slog.LogValuer].
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText implements [encoding.TextMarshaler], so that JSON and YAML do not carry it.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
