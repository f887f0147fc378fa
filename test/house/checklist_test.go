package house_test

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	inTicks    = regexp.MustCompile("`([^`]+)`")
	identifier = regexp.MustCompile(`^[A-Za-z]\w*$`)
	testName   = regexp.MustCompile(`^(?:Test|Fuzz)\w+$`)
)

// goSource joins what is in the Go files of a folder; of all folders for "". Tests are apart.
func goSource(t *testing.T, folder string, tests bool) string {
	t.Helper()
	var all strings.Builder
	for _, path := range files(t) {
		isTest := strings.HasSuffix(path, "_test.go")
		if strings.HasSuffix(path, ".go") && isTest == tests && (folder == "" || filepath.Dir(path) == folder) {
			all.WriteString(read(t, path))
		}
	}
	return all.String()
}

// declares says whether Go source has a function, a method or a type of a name.
func declares(source, name string) bool {
	return regexp.MustCompile(`(?m)^(?:func (?:\([^)]*\) )?|type )` + name + `\b`).MatchString(source)
}

// Each point of the checklist names code that is there and a test that is there, or says that it is not met.
func TestEveryPointOfTheChecklistHasItsCodeAndItsTest(t *testing.T) {
	_, text, found := strings.Cut(read(t, "docs/security.md"), "\n## OAuth checklist\n")
	text, _, ended := strings.Cut(text, "\n## ")
	if !found || !ended {
		t.Fatal("docs/security.md has no checklist")
	}
	tests, code, points := goSource(t, "", true), map[string]string{}, 0
	for line := range strings.Lines(text) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 3 || strings.Contains(line, "---") || strings.TrimSpace(cells[0]) == "Point" {
			continue
		}
		points++
		point, where, shown := strings.TrimSpace(cells[0]), strings.TrimSpace(cells[1]), inTicks.FindAllStringSubmatch(cells[2], -1)
		open := strings.HasPrefix(where, "Not met") || strings.HasPrefix(where, "Does not apply")
		folder, named := "", 0
		for _, m := range inTicks.FindAllStringSubmatch(where, -1) {
			switch {
			case strings.Contains(m[1], "/"):
				if folder = m[1]; code[folder] == "" {
					code[folder] = goSource(t, folder, false)
				}
				named++
			case identifier.MatchString(m[1]) && folder != "" && m[1] != "iss" && !declares(code[folder], m[1]):
				t.Errorf("%s: %s does not declare %s", point, folder, m[1])
			}
		}
		for _, m := range shown {
			if !testName.MatchString(m[1]) || !declares(tests, m[1]) {
				t.Errorf("%s: there is no test %s", point, m[1])
			}
		}
		if !open && (named == 0 || len(shown) == 0) {
			t.Errorf("%s: it names no code or no test", point)
		}
	}
	if points < 35 {
		t.Errorf("the checklist has %d points", points)
	}
	for _, rfc := range []string{"9700", "8252", "7636", "8628", "7009", "9207"} {
		if !slices.ContainsFunc(strings.Split(text, "\n"), func(l string) bool { return strings.HasPrefix(l, "### RFC "+rfc) }) {
			t.Errorf("the checklist has nothing of RFC %s", rfc)
		}
	}
}
