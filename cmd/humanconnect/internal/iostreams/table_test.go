package iostreams

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
)

func TestTableFitsTheTerminalAndIsUnchangedOnAPipe(t *testing.T) {
	now := time.Date(2026, 11, 22, 20, 0, 0, 0, time.UTC)
	header := []string{"ID", "STATE", "CREATED", "ERROR"}
	row := []string{"dlv_01m8qhzzr7emzs61brhezxajjz", "pending", "2026-11-22T17:00:00.000Z", strings.Repeat("no answer ", 12)}
	for _, columns := range []int{20, 40, 80, 400} {
		p := &Page{columns: columns, now: now}
		if err := WriteTable(p, header, [][]string{row, row}); err != nil {
			t.Fatal(err)
		}
		if got := p.String(); !fits(got, columns) || !strings.Contains(got, "3 hours ago") && columns > 20 || strings.Contains(got, "2026") {
			t.Errorf("at %d columns:\n%s", columns, got)
		}
		if got := p.String(); columns >= 40 && strings.Count(got, row[0]) != 2 {
			t.Errorf("at %d columns an id is broken:\n%s", columns, got)
		}
	}
	var pipe bytes.Buffer
	if err := WriteTable(&pipe, header, [][]string{row}); err != nil {
		t.Fatal(err)
	}
	if got := pipe.String(); strings.Count(got, "\n") != 2 || !strings.Contains(got, row[2]) || ansi.StringWidth(got) < 150 {
		t.Errorf("on a pipe:\n%s", got)
	}
}
