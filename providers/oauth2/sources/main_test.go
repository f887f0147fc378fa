package main

import (
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	key "github.com/humanconnect/humanconnect/providers/key/catalog"
	"github.com/humanconnect/humanconnect/providers/oauth2/catalog"
	"github.com/humanconnect/humanconnect/sdk"
)

func TestWhatIsMadeOfTheCatalogueIsCurrent(t *testing.T) {
	made, err := files()
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range made {
		have, err := os.ReadFile("../../../" + path)
		if err != nil {
			t.Fatal(err)
		}
		if string(have) != want {
			t.Errorf("%s is not what the catalogue says; run: go run ./providers/oauth2/sources", path)
		}
	}
}

// described.go is Go that a program wrote: what it gives is compared too, not its text alone.
func TestProviderDescribesItselfByWhatItsFilesSay(t *testing.T) {
	var want []sdk.Source
	for _, id := range catalog.IDs() {
		s, err := catalog.Load(id)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, s.Describe())
	}
	if diff := cmp.Diff(want, catalog.Described()); diff != "" {
		t.Error(diff)
	}
}

func TestEverySourceHasOneVerdictWithItsReason(t *testing.T) {
	rest, err := readOthers()
	if err != nil {
		t.Fatal(err)
	}
	shipped := catalog.IDs()
	seen := slices.Clone(shipped)
	for _, id := range key.IDs() {
		if slices.Contains(seen, id) {
			t.Errorf("%s has two providers", id)
		}
		seen = append(seen, id)
	}
	for _, o := range rest {
		if slices.Contains(seen, o.ID) {
			t.Errorf("%s is there twice", o.ID)
		}
		seen = append(seen, o.ID)
		known := slices.Contains([]string{"smart", "file", "oauth1"}, o.Kind)
		switch o.Verdict {
		case "in":
			if !slices.Contains(shipped, o.As) {
				t.Errorf("%s is said to be %q", o.ID, o.As)
			}
		case "later":
			if !known {
				t.Errorf("%s belongs to no provider", o.ID)
			}
		case "out":
		default:
			t.Errorf("%s has the verdict %q", o.ID, o.Verdict)
		}
		if o.Name == "" || o.Reason == "" {
			t.Errorf("%s has no name or no reason", o.ID)
		}
	}
	// 104 sources were looked at first, and some more since then.
	if len(seen) < 104 {
		t.Errorf("%d sources have a verdict", len(seen))
	}
}
