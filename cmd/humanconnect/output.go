package main

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
	outputJSON = "json"
	outputText = "text"
)

// asJSON says whether to print JSON, given what the command prints by default.
func (a *App) asJSON(byDefault string) bool {
	if a.global.output == "" {
		return byDefault == outputJSON
	}
	return a.global.output == outputJSON
}

// wantsJSON says whether JSON was asked for, even where the arguments are so wrong that no flag was read.
func (a *App) wantsJSON() bool {
	if a.global.output != "" {
		return a.global.output == outputJSON
	}
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags.ParseErrorsAllowlist.UnknownFlags = true
	flags.SetOutput(io.Discard)
	flags.Usage = func() {}
	output := flags.StringP("output", "o", "", "")
	_ = flags.Parse(a.Args) // what is wrong with them was said already
	return *output == outputJSON
}

// print writes the answer of a command that prints text by default: v as JSON, or what text writes.
func (a *App) print(v any, text func(w io.Writer) error) error {
	if a.asJSON(outputText) {
		return writeJSON(a.Streams.Out, v)
	}
	var b bytes.Buffer
	if err := text(&b); err != nil {
		return err
	}
	return a.write(b.Bytes())
}

// write writes an answer to standard output in one go.
func (a *App) write(answer []byte) error {
	if _, err := a.Streams.Out.Write(answer); err != nil {
		return fmt.Errorf("writing to standard output: %w", err)
	}
	return nil
}

// writeJSON writes a document with an indent of two, without escaping what only HTML needs escaped.
func writeJSON(w io.Writer, v any) error {
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

// writeTable writes rows in aligned columns. Cells are cleaned of control characters, and no line ends with blanks.
func writeTable(w io.Writer, header []string, rows [][]string) error {
	var b bytes.Buffer
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	if len(header) > 0 {
		rows = append([][]string{header}, rows...)
	}
	for _, row := range rows {
		// All cells, empty ones too: a row that ends early would end the columns that it lacks for those below it.
		if _, err := fmt.Fprintln(t, strings.Join(cleanAll(row), "\t")); err != nil {
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
