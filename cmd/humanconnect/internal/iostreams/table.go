package iostreams

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/charmbracelet/x/ansi"
	"golang.org/x/term"
)

// Page is output that is made for a terminal of a width, in columns; 0 is no terminal.
type Page struct {
	bytes.Buffer
	columns int
	now     time.Time
}

// NewPage returns an empty page for standard output.
func (s *IO) NewPage() *Page { return &Page{columns: s.columns(), now: s.Clock.Now()} }

// columns is the width of the terminal that standard output is, or 0.
func (s *IO) columns() int {
	f, ok := s.Out.(*os.File)
	if !ok || !s.OutTerminal {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// WriteTable writes rows in aligned columns. Cells are cleaned of control characters, and no line ends with blanks. On a
// terminal, see [IO.Print], no line is wider than it: a table that does not fit becomes a block of lines for each row, so
// that ids stay whole; and the times of a list are relative.
func WriteTable(w io.Writer, header []string, rows [][]string) error {
	cleaned := make([][]string, len(rows))
	for i, row := range rows {
		cleaned[i] = CleanAll(row)
	}
	var text string
	var err error
	if p, ok := w.(*Page); ok && p.columns > 0 {
		text, err = p.table(header, cleaned)
	} else {
		text, err = aligned(header, cleaned)
	}
	if err == nil {
		_, err = io.WriteString(w, text)
	}
	if err != nil {
		return fmt.Errorf("writing a table: %w", err)
	}
	return nil
}

// WriteText writes a paragraph: on a terminal, see [IO.Print], it is folded to the width.
func WriteText(w io.Writer, text string) error {
	if p, ok := w.(*Page); ok && p.columns > 0 {
		text = ansi.Wrap(text, p.columns, " -")
	}
	_, err := fmt.Fprintln(w, text)
	return err
}

// aligned is a table in columns.
func aligned(header []string, rows [][]string) (string, error) {
	var b bytes.Buffer
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	if len(header) > 0 {
		rows = append([][]string{header}, rows...)
	}
	for _, row := range rows {
		// All cells, empty ones too: a row that ends early would end the columns that it lacks for those below it.
		if _, err := fmt.Fprintln(t, strings.Join(row, "\t")); err != nil {
			return "", err
		}
	}
	if err := t.Flush(); err != nil {
		return "", err
	}
	var out strings.Builder
	for line := range strings.Lines(b.String()) {
		out.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	return out.String(), nil
}

// table is a table for a terminal.
func (p *Page) table(header []string, rows [][]string) (string, error) {
	for _, row := range rows {
		for i := range row {
			if len(header) > 0 { // of one thing the times are exact
				row[i] = relative(row[i], p.now)
			}
		}
	}
	text, err := aligned(header, rows)
	if err != nil || fits(text, p.columns) {
		return text, err
	}
	if len(header) == 0 {
		return p.fields(rows), nil
	}
	var out strings.Builder
	for i, row := range rows {
		if i > 0 {
			out.WriteString("\n")
		}
		var block [][]string
		for n, cell := range row {
			if cell != "" {
				block = append(block, []string{header[n], cell})
			}
		}
		out.WriteString(p.fields(block))
	}
	return out.String(), nil
}

func fits(text string, columns int) bool {
	for line := range strings.Lines(text) {
		if ansi.StringWidth(line) > columns {
			return false
		}
	}
	return true
}

// fields are lines of a name and what belongs to it, folded to the width.
func (p *Page) fields(rows [][]string) string {
	names := 0
	for _, row := range rows {
		names = max(names, ansi.StringWidth(row[0]))
	}
	indent := min(names+2, max(p.columns/2, 1))
	var out strings.Builder
	for _, row := range rows {
		name := ansi.Truncate(row[0], indent-1, "…")
		rest := strings.TrimSpace(strings.Join(row[1:], "  "))
		for i, line := range strings.Split(ansi.Wrap(rest, max(p.columns-indent, 1), " -"), "\n") {
			if i > 0 {
				name = ""
			}
			out.WriteString(strings.TrimRight(name+strings.Repeat(" ", max(indent-ansi.StringWidth(name), 0))+line, " ") + "\n")
		}
	}
	return out.String()
}

// relative is the distance of a time, as all times are printed, to now; other text stays.
func relative(cell string, now time.Time) string {
	at, err := time.Parse("2006-01-02T15:04:05.000Z", cell)
	if err != nil {
		return cell
	}
	if d := now.Sub(at); d >= 0 {
		return distance(d) + " ago"
	}
	return "in " + distance(at.Sub(now))
}

// distance is a duration in its largest unit, rounded down.
func distance(d time.Duration) string {
	for _, unit := range []struct {
		of   time.Duration
		name string
	}{{24 * time.Hour, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}, {time.Second, "second"}} {
		if n := int(d / unit.of); n == 1 {
			return "1 " + unit.name
		} else if n > 1 {
			return fmt.Sprintf("%d %ss", n, unit.name)
		}
	}
	return "0 seconds"
}
