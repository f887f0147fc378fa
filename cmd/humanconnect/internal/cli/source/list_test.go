package source

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/iostreams"
	"github.com/humanconnect/humanconnect/sdk"
)

func TestSourcesAreListedByGroupWithinTheWidth(t *testing.T) {
	approval, open := sdk.ProgrammeApproval, sdk.ProgrammeOpen
	rows := []row{
		{ID: "a-plain-one", Name: "A name that is longer than others\x1b[1m", Methods: []sdk.Method{sdk.MethodBrowser}, Ready: true, Programme: &programme{Status: &open}},
		{ID: "lab", Name: "Lab", Group: iostreams.OrNull("Clinics")},
		{ID: "b", Name: "B", Group: iostreams.OrNull("Wearables"), Methods: []sdk.Method{sdk.MethodForm, sdk.MethodCode}, Programme: &programme{Status: &approval}},
		{ID: "c", Name: "C", Group: iostreams.OrNull("wearables"), Ready: true, Programme: &programme{Status: &approval}},
	}
	for width, want := range map[int]string{
		0: `  SOURCE       NAME                                  STATE            METHODS

Other
  a-plain-one  A name that is longer than others[1m  ready            browser

Clinics
  lab          Lab                                                    at once

Wearables
  b            B                                     approval         form, code
  c            C                                     ready, approval  at once
`,
		60: `  SOURCE       NAME              STATE            METHODS

Other
  a-plain-one  A name that is …  ready            browser

Clinics
  lab          Lab                                at once

Wearables
  b            B                 approval         form, code
  c            C                 ready, approval  at once
`,
	} {
		var out strings.Builder
		if err := writeByGroup(&out, rows, width); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, out.String()); d != "" {
			t.Errorf("width %d: %s", width, d)
		}
	}
}
