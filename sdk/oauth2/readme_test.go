package oauth2_test

import (
	"os"
	"strings"
	"testing"
)

func TestReadmeShowsTheExampleThatCompiles(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	want := strings.NewReplacer("package oauth2_test", "package main", "func Example()", "func main()").Replace(string(example))
	if !strings.Contains(string(readme), "```go\n"+want+"```\n") {
		t.Errorf("README.md does not show\n%s", want)
	}
}
