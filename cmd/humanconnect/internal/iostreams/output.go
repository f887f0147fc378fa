package iostreams

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/pflag"

	"github.com/humanconnect/humanconnect/internal/plainjson"
)

// The values of --output.
const (
	OutputJSON = "json"
	OutputText = "text"
)

// NoID is the id of an output that is about no one thing. It is always null.
type NoID struct{}

// MarshalJSON implements [json.Marshaler].
func (NoID) MarshalJSON() ([]byte, error) { return []byte("null"), nil }

// OrNull returns a pointer to v, or nil for the zero value, which JSON prints as null.
func OrNull[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// AsJSON says whether to print JSON, given what the command prints by default.
func (s *IO) AsJSON(byDefault string) bool {
	if s.Flags.Output == "" {
		return byDefault == OutputJSON
	}
	return s.Flags.Output == OutputJSON
}

// WantsJSON says whether JSON output was requested, even if the arguments are invalid and no flag was parsed.
func (s *IO) WantsJSON() bool {
	if s.Flags.Output != "" {
		return s.Flags.Output == OutputJSON
	}
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags.ParseErrorsAllowlist.UnknownFlags = true
	flags.SetOutput(io.Discard)
	flags.Usage = func() {}
	output := flags.StringP("output", "o", "", "")
	_ = flags.Parse(s.Args) // errors were reported already
	return *output == OutputJSON
}

// Print writes the output of a command that prints text by default: v as JSON, or what text writes.
func (s *IO) Print(v any, text func(w io.Writer) error) error {
	if s.AsJSON(OutputText) {
		return WriteJSON(s.Out, v)
	}
	b := s.NewPage()
	if err := text(b); err != nil {
		return err
	}
	return s.Write(b.Bytes())
}

// Write writes output to standard output in one call.
func (s *IO) Write(output []byte) error {
	if _, err := s.Out.Write(output); err != nil {
		return fmt.Errorf("writing to standard output: %w", err)
	}
	return nil
}

// WriteJSON writes a document with an indent of two, without escaping what only HTML needs escaped.
func WriteJSON(w io.Writer, v any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(v)
	if err == nil {
		_, err = w.Write(plainjson.Escape(b.Bytes()))
	}
	if err != nil {
		return fmt.Errorf("writing JSON: %w", err)
	}
	return nil
}

// writeJSONLine writes a document on one line.
func writeJSONLine(w io.Writer, v any) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v)                           // strings and numbers always encode
	_, _ = w.Write(plainjson.Escape(b.Bytes())) // a closed standard error cannot be reported
}

// Indented is a JSON document with an indent of two, its keys and values as they are.
func Indented(doc []byte) []byte {
	var b bytes.Buffer
	if err := json.Indent(&b, bytes.TrimRight(doc, "\n"), "", "  "); err != nil {
		return doc // not JSON: print it unchanged
	}
	return append(plainjson.Escape(b.Bytes()), '\n')
}

// OrNone returns text, or "none" if it is empty.
func OrNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}

// OrEmpty returns list, or an empty one for nil, which JSON prints as [].
func OrEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
