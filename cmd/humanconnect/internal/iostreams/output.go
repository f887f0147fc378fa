package iostreams

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/pflag"
)

// The values of --output.
const (
	OutputJSON = "json"
	OutputText = "text"
)

// AsJSON says whether to print JSON, given what the command prints by default.
func (s *IO) AsJSON(byDefault string) bool {
	if s.Flags.Output == "" {
		return byDefault == OutputJSON
	}
	return s.Flags.Output == OutputJSON
}

// WantsJSON says whether JSON was asked for, even where the arguments are so wrong that no flag was read.
func (s *IO) WantsJSON() bool {
	if s.Flags.Output != "" {
		return s.Flags.Output == OutputJSON
	}
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags.ParseErrorsAllowlist.UnknownFlags = true
	flags.SetOutput(io.Discard)
	flags.Usage = func() {}
	output := flags.StringP("output", "o", "", "")
	_ = flags.Parse(s.Args) // what is wrong with them was said already
	return *output == OutputJSON
}

// Print writes the answer of a command that prints text by default: v as JSON, or what text writes.
func (s *IO) Print(v any, text func(w io.Writer) error) error {
	if s.AsJSON(OutputText) {
		return WriteJSON(s.Out, v)
	}
	var b bytes.Buffer
	if err := text(&b); err != nil {
		return err
	}
	return s.Write(b.Bytes())
}

// Write writes an answer to standard output in one go.
func (s *IO) Write(answer []byte) error {
	if _, err := s.Out.Write(answer); err != nil {
		return fmt.Errorf("writing to standard output: %w", err)
	}
	return nil
}

// WriteJSON writes a document with an indent of two, without escaping what only HTML needs escaped.
func WriteJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("writing JSON: %w", err)
	}
	return nil
}

// writeJSONLine writes a document on one line.
func writeJSONLine(w io.Writer, v any) {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // strings and numbers always encode, and nobody is left to tell that standard error is closed
}

// WriteTable writes rows in aligned columns. Cells are cleaned of control characters, and no line ends with blanks.
func WriteTable(w io.Writer, header []string, rows [][]string) error {
	var b bytes.Buffer
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	if len(header) > 0 {
		rows = append([][]string{header}, rows...)
	}
	for _, row := range rows {
		// All cells, empty ones too: a row that ends early would end the columns that it lacks for those below it.
		if _, err := fmt.Fprintln(t, strings.Join(CleanAll(row), "\t")); err != nil {
			return fmt.Errorf("writing a table: %w", err)
		}
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("writing a table: %w", err)
	}
	var out strings.Builder
	for line := range strings.Lines(b.String()) {
		out.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	if _, err := io.WriteString(w, out.String()); err != nil {
		return fmt.Errorf("writing a table: %w", err)
	}
	return nil
}

// Indented is a JSON document with an indent of two, its keys and values as they are.
func Indented(doc []byte) []byte {
	var b bytes.Buffer
	if err := json.Indent(&b, bytes.TrimRight(doc, "\n"), "", "  "); err != nil {
		return doc // it is not JSON, and better shown than hidden
	}
	return append(b.Bytes(), '\n')
}

// OrNone is what a table shows of a value that may be empty.
func OrNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}

// OrEmpty makes of nil a list that JSON shows as [].
func OrEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
