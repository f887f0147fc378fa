package doctor

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/humanconnect/humanconnect/internal/problem"
)

// TestFindingHasNounNameHintAndFactsApart: for a program as for a person.
func TestFindingHasNounNameHintAndFactsApart(t *testing.T) {
	d := &examination{}
	d.ok("state", "it is %s", "intact")
	d.warn("hook journal", "enable it", "disabled")
	d.failed("source clinic", problem.New("bad", "it is wrong").Fact("c.yaml:3:5  sources[0].id  no such id; did you mean a?").Fact("it was right").
		WithPlaces(problem.NewPlace("c.yaml", 3, 5, "sources[0].id", "no such id; did you mean a?")).Hint("mend it").Hint("or leave it out"))
	got, err := json.Marshal(d.findings)
	if err != nil {
		t.Fatal(err)
	}
	want := `[{"check":"state","name":null,"state":"ok","code":null,"message":"it is intact","hint":null,"facts":[],"problems":[]},` +
		`{"check":"hook","name":"journal","state":"warning","code":null,"message":"disabled","hint":"enable it","facts":[],"problems":[]},` +
		`{"check":"source","name":"clinic","state":"failed","code":"bad","message":"it is wrong","hint":"mend it\nor leave it out","facts":["it was right"],` +
		`"problems":[{"file":"c.yaml","line":3,"column":5,"key":"sources[0].id","message":"no such id","suggestion":"a"}]}]`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
	var text strings.Builder
	if err := Write(&text, d.findings); err != nil {
		t.Fatal(err)
	}
	want = "ok       state: it is intact\nwarning  hook journal: disabled\n         hint: enable it\nfailed   source clinic: it is wrong [bad]\n" +
		"         hint: mend it\n         hint: or leave it out\n         c.yaml:3:5  sources[0].id  no such id; did you mean a?\n         it was right\n"
	if diff := cmp.Diff(want, text.String()); diff != "" {
		t.Error(diff)
	}
}
