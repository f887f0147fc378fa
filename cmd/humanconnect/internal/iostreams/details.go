package iostreams

import (
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// Widths in columns: the least that text is made for, the most that sentences are easy to read in, and that of a terminal that
// does not report its own.
const (
	minWidth     = 40
	maxSentence  = 100
	defaultWidth = 80
)

// Width is how wide text may be on standard output; 0 for any width, where it is no terminal.
func (s *IO) Width() int {
	if !s.OutTerminal {
		return 0
	}
	width := defaultWidth
	if f, ok := s.Out.(*os.File); ok {
		if columns, _, err := term.GetSize(int(f.Fd())); err == nil && columns > 0 {
			width = columns
		}
	}
	return max(width, minWidth)
}

// WriteDetails writes what is known of one thing: a label and a text in each row. Texts are cleaned of control characters,
// and wrapped at a width other than 0; a word that is wider stays whole. A row without a label continues the one before.
func WriteDetails(w io.Writer, width int, rows [][2]string) error {
	column := 0
	for _, r := range rows {
		column = max(column, len([]rune(r[0]))+2)
	}
	var b strings.Builder
	for _, r := range rows {
		label := r[0]
		for _, line := range wrapped(Clean(r[1]), min(width, maxSentence)-column) {
			b.WriteString(strings.TrimRight(label+strings.Repeat(" ", column-len([]rune(label)))+line, " ") + "\n")
			label = ""
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// wrapped breaks text at blanks into lines of a width; one line for a width of 0 or less.
func wrapped(text string, width int) (lines []string) {
	if width <= 0 {
		return []string{text}
	}
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len([]rune(line))+1+len([]rune(word)) > width {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}
