package iostreams_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/iostreams"
)

func TestDetailsAreWrappedBesideTheirLabels(t *testing.T) {
	rows := [][2]string{{"name", "Café of a\x1b[31m long name"}, {"documentation", "https://example.com/a-word-that-is-wider-than-all"}, {"", "more"}}
	for width, want := range map[int]string{
		0: "name           Café of a[31m long name\ndocumentation  https://example.com/a-word-that-is-wider-than-all\n               more\n",
		30: "name           Café of a[31m\n               long name\n" +
			"documentation  https://example.com/a-word-that-is-wider-than-all\n               more\n",
	} {
		var b bytes.Buffer
		if err := iostreams.WriteDetails(&b, width, rows); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, b.String()); d != "" {
			t.Errorf("width %d: %s", width, d)
		}
	}
}
