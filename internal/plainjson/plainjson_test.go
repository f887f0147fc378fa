package plainjson_test

import (
	"encoding/json"
	"testing"

	"github.com/humanconnect/humanconnect/internal/plainjson"
)

func TestWhatCannotBeSeenIsEscapedAndMeansTheSame(t *testing.T) {
	for text, want := range map[string]string{
		"a\u009bb": `"a\u009bb"`, "\x7f": `"\u007f"`, "\u202egpj.exe": `"\u202egpj.exe"`, "\u2066x\u2069": `"\u2066x\u2069"`,
		"\u200b\ufeff\u200f\u061c": `"\u200b\ufeff\u200f\u061c"`, "\U000e0041": `"\udb40\udc41"`, "äöü 漢字 😀": `"äöü 漢字 😀"`, "": `""`,
	} {
		raw, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		got := plainjson.Escape(raw)
		var back string
		if err := json.Unmarshal(got, &back); err != nil || back != text || string(got) != want {
			t.Errorf("%q became %s, which is %q, %v; want %s", text, got, back, err, want)
		}
	}
}
