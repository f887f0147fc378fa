package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// known are the sources that were looked into: 104 at first, and those that were found since. None disappears: what is not
// connected stays in the document with its reason.
func known(t *testing.T) []string {
	t.Helper()
	data, err := os.ReadFile("testdata/known.txt")
	if err != nil {
		t.Fatal(err)
	}
	ids := strings.Fields(string(data))
	if len(ids) != 112 || !slices.IsSorted(ids) || len(slices.Compact(slices.Clone(ids))) != len(ids) {
		t.Fatalf("%d known sources, in order: %v", len(ids), slices.IsSorted(ids))
	}
	return ids
}

// section is the title of a part of the document, and row the id of a line in it.
var section, row = regexp.MustCompile(`^## (\S+)`), regexp.MustCompile("^\\| `([^`]+)` \\|.*\\| ([^|]*) \\|$")

func TestEveryKnownSourceHasARowWithItsVerdict(t *testing.T) {
	text, err := document()
	if err != nil {
		t.Fatal(err)
	}
	verdicts, part := map[string]string{}, ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if title := section.FindStringSubmatch(line); title != nil {
			part = title[1]
		}
		cells := row.FindStringSubmatch(line)
		if cells == nil {
			continue
		}
		if verdicts[cells[1]] != "" {
			t.Errorf("%s has two rows", cells[1])
		}
		verdicts[cells[1]] = part
		if part != "In" && strings.TrimSpace(cells[2]) == "" {
			t.Errorf("%s is %s without a reason", cells[1], part)
		}
	}
	for _, id := range known(t) {
		if !slices.Contains([]string{"In", "Under", "Later", "Out"}, verdicts[id]) {
			t.Errorf("%s has no row (%q)", id, verdicts[id])
		}
	}
}
