package source_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/humanconnect/humanconnect/core/config"
	"github.com/humanconnect/humanconnect/core/source"
	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/sdk"
)

func TestPlanIsHeldAgainstWhatIsOffered(t *testing.T) {
	path := filepath.Join(t.TempDir(), "plan.yaml")
	text := `actions:
  - connect: clinic
    answers: {usrename: hush, password: {env: A}}
  - connect: clinc
  - disconnect: gone
  - connect: con_01jd0000000000000000000000
    answers: {any: hush}
`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	plan, _, err := config.ReadPlan(path, os.Getuid())
	if err != nil {
		t.Fatal(err)
	}
	form := sdk.Source{ID: "clinic", Name: "Clinic", Fields: []sdk.Field{{ID: "username", Kind: sdk.KindText}, {ID: "password", Kind: sdk.KindSecret}}}
	for name, test := range map[string]struct {
		offered []source.Described
		want    []string
	}{
		"all asked": {[]source.Described{described("acme", form)}, []string{
			":2:5  plan: clinic  nothing asks for the answer usrename; did you mean username?",
			":4:5  plan: clinc  no installed provider offers this source; did you mean clinic?",
		}},
		"one that could not be asked may offer it": {[]source.Described{described("acme", form), {Provider: "mute", Broken: true}}, []string{
			":2:5  plan: clinic  nothing asks for the answer usrename; did you mean username?",
		}},
		"one that two offer": {[]source.Described{described("acme", form), described("other", form)}, []string{
			":2:5  plan: clinic  clinic is offered by acme and other; choose one in the config file: " +
				"sources: [{id: clinic, provider: acme}] or sources: [{id: clinic, provider: other}]",
			":4:5  plan: clinc  no installed provider offers this source; did you mean clinic?",
		}},
	} {
		c, err := source.Load(nil, test.offered)
		if err != nil {
			t.Fatal(err)
		}
		err = c.CheckPlan(plan)
		if problem.CodeOf(err) != config.CodePlan {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(test.want, strings.Split(strings.ReplaceAll(strings.Join(factsOf(t, err), "\n"), path, ""), "\n")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if c.CheckPlan(nil) != nil || c.CheckPlan(&config.Plan{Actions: plan.Actions[2:]}) != nil {
			t.Errorf("%s: what cannot be known is a problem", name)
		}
	}
}
