package house_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// below are the packages that lie below everything, which the list of imports leaves out.
func below(path string) bool {
	tree, _, _ := strings.Cut(path, "/")
	return tree == "internal" || tree == "sdk" || tree == "test" || slices.Contains([]string{"core/id", "core/clock", "core/retry"}, path)
}

// short is a path as the document writes it.
func short(path string) string {
	path = strings.TrimPrefix(path, module+"/")
	if rest, ok := strings.CutPrefix(path, "cmd/humanconnect/internal/"); ok {
		path = "@" + rest
	}
	return path
}

// listedImports returns the imports of our packages as docs/architecture.md lists them.
func listedImports(t *testing.T) map[string][]string {
	t.Helper()
	_, list, found := strings.Cut(read(t, "docs/architecture.md"), "```imports\n")
	list, _, ended := strings.Cut(list, "```")
	if !found || !ended {
		t.Fatal("docs/architecture.md has no list of imports")
	}
	imports := make(map[string][]string)
	for line := range strings.Lines(list) {
		name, what, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if !ok || imports[name] != nil {
			t.Fatalf("docs/architecture.md: %q is no line of imports, or its package is listed twice", line)
		}
		imports[name] = slices.DeleteFunc(strings.Fields(what), func(s string) bool { return s == "—" })
	}
	return imports
}

// differences lists where imports are not what a document says, one line each.
func differences(packages []pkg, listed map[string][]string) (lines []string) {
	seen := make(map[string]bool)
	for _, p := range packages {
		name := short(p.ImportPath)
		if below(name) || strings.HasPrefix(name, "@cli/") || strings.HasSuffix(name, "test") {
			continue
		}
		seen[name] = true
		says, ok := listed[name]
		if !ok {
			lines = append(lines, name+" is not listed")
			continue
		}
		lines = append(lines, differencesOf(name, p.Imports, says)...)
	}
	for name := range listed {
		if !seen[name] {
			lines = append(lines, name+" is listed and does not exist")
		}
	}
	return lines
}

func differencesOf(name string, imports, says []string) (lines []string) {
	var real []string
	for _, path := range imports {
		at := short(path)
		switch {
		case !strings.HasPrefix(path, module+"/") || below(at):
		case strings.HasPrefix(at, "@cli/"):
			if !slices.Contains(real, "@cli/…") {
				real = append(real, "@cli/…")
			}
		default:
			real = append(real, at)
		}
	}
	for _, at := range real {
		if !slices.Contains(says, at) {
			lines = append(lines, name+" imports "+at+", which is not listed")
		}
	}
	for _, at := range says {
		if !slices.Contains(real, at) {
			lines = append(lines, name+" is said to import "+at+", and does not")
		}
	}
	return lines
}

func TestImportsAreThoseOfTheDrawing(t *testing.T) {
	for _, line := range differences(list(t, root, "./..."), listedImports(t)) {
		t.Error(line)
	}
}

func TestEveryDifferenceFromTheDrawingIsNoticed(t *testing.T) {
	ours := func(path string) string { return module + "/" + path }
	listed := map[string][]string{"core/a": {"core/b"}, "core/b": {}, "core/gone": {}, "@cli": {"@cli/…"}}
	packages := []pkg{
		{ImportPath: ours("core/a"), Imports: []string{ours("core/id"), ours("internal/problem"), "context"}},
		{ImportPath: ours("core/b"), Imports: []string{ours("core/c")}},
		{ImportPath: ours("core/new")},
		{ImportPath: ours("cmd/humanconnect/internal/cli"), Imports: []string{ours("cmd/humanconnect/internal/cli/open")}},
	}
	want := []string{
		"core/a is said to import core/b, and does not", "core/b imports core/c, which is not listed", "core/gone is listed and does not exist",
		"core/new is not listed",
	}
	got := differences(packages, listed)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

// TestEveryRoomHasItsRow: somebody who is new finds what belongs in a folder.
func TestEveryRoomHasItsRow(t *testing.T) {
	_, rooms, _ := strings.Cut(read(t, "docs/architecture.md"), "## Packages")
	rooms, _, _ = strings.Cut(rooms, "\n## ")
	named := regexp.MustCompile("`([^`]+)`")
	var rows []string
	for _, m := range named.FindAllStringSubmatch(rooms, -1) {
		rows = append(rows, m[1])
	}
	for _, p := range list(t, root, "./...") {
		path := strings.TrimPrefix(p.ImportPath, module+"/")
		in := slices.ContainsFunc(rows, func(row string) bool { return path == row || strings.HasPrefix(path, row+"/") })
		if !in {
			t.Errorf("docs/architecture.md has no row for %s", path)
		}
	}
}
