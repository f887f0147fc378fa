package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/humanconnect/humanconnect/providers/oauth2/catalog"
)

func TestReadmeNamesTestsAndSourcesThatExist(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var tests strings.Builder
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		tests.Write(data)
	}
	_, table, found := strings.Cut(string(readme), "## Which test shows what")
	table, _, ends := strings.Cut(table, "\n## ")
	words := regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(table, -1)
	if !found || !ends || len(words) < 40 {
		t.Fatalf("the table has %d names", len(words))
	}
	for _, w := range words {
		name := w[1]
		switch {
		case name == "User-Agent":
		case strings.HasPrefix(name, "Test"):
			if !strings.Contains(tests.String(), "func "+name+"(") {
				t.Errorf("there is no %s", name)
			}
		case !slices.Contains(catalog.IDs(), name):
			t.Errorf("there is no source %s", name)
		}
	}
}
