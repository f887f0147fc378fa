package source_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/humanconnect/humanconnect/core/source"
	"github.com/humanconnect/humanconnect/sdk"
)

func TestFilterSelectsByAllThatItHas(t *testing.T) {
	cfg, _ := sourcesOf(t, "  - {id: watch, clientId: x, clientSecret: {file: none}}\n  - {id: ring, clientId: x}\n")
	ring := sdk.Source{ID: "ring", Name: "Ring", Group: "Wearables", Methods: []sdk.Method{sdk.MethodBrowser, sdk.MethodForm}}
	ring.Settings = []sdk.Field{{ID: "client_id", Kind: sdk.KindText, Required: true}}
	strap := watch()
	strap.Group = "wearables"
	c := loadAll(t, cfg, described("a", ring, strap, sdk.Source{ID: "lab", Name: "Lab", Group: "Clinics", Methods: []sdk.Method{sdk.MethodCode}}))
	for name, x := range map[string]struct {
		filter source.Filter
		want   []string
	}{
		"all":               {source.Filter{}, []string{"lab", "ring", "watch"}},
		"a group":           {source.Filter{Group: "WEARABLES"}, []string{"ring", "watch"}},
		"a part of a group": {source.Filter{Group: "wear"}, nil},
		"a method":          {source.Filter{Method: sdk.MethodForm}, []string{"ring"}},
		"ready":             {source.Filter{Ready: true}, []string{"lab", "ring"}},
		"all of it":         {source.Filter{Query: "ri", Group: "Wearables", Method: sdk.MethodBrowser, Ready: true}, []string{"ring"}},
		"a query":           {source.Filter{Query: "wear", Ready: true}, []string{"ring"}},
	} {
		if d := cmp.Diff(x.want, ids(c.Select(x.filter, nil))); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
	if d := cmp.Diff([]string{"Clinics", "Wearables"}, c.Groups()); d != "" {
		t.Error(d)
	}
}
