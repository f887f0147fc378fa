package main

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/humanconnect/humanconnect/sdk"
)

// answered is an answer of a real source, and how it is to be read.
type answered struct {
	Source   string `yaml:"source"`
	Name     string `yaml:"name"`
	Needs    []any  `yaml:"needs"`
	recorded `yaml:",inline"`
	Want     struct {
		Account string   `yaml:"account"`
		Label   string   `yaml:"label"`
		Code    sdk.Code `yaml:"code"`
		Field   string   `yaml:"field"`
		Check   sdk.Code `yaml:"check"`
	} `yaml:"want"`
}

func TestAnswersOfRealSourcesAreReadAsTheyAreMeant(t *testing.T) {
	data, err := os.ReadFile("testdata/responses.yaml")
	if err != nil {
		t.Fatal(err)
	}
	decoder := yaml.NewDecoder(strings.NewReader(string(data)))
	decoder.KnownFields(true)
	var answers []answered
	if err := decoder.Decode(&answers); err != nil || len(answers) < 16 {
		t.Fatalf("%d answers, %v", len(answers), err)
	}
	_, c := offering(t)
	for _, a := range answers {
		t.Run(a.Source+"/"+a.Name, func(t *testing.T) {
			var v *vendor
			file := fileOf(t, filepath.Join("catalog", a.Source+".yaml"))
			for _, kind := range kindsOf(file) {
				if reflect.DeepEqual(kind["needs"], a.Needs) {
					v = newVendor(t, file, kind)
				}
			}
			if v == nil {
				t.Fatal("there is no such kind of credential")
			}
			held := &sdk.CredentialRequest{Source: a.Source, Settings: testServer(v.URL)}
			if a.Want.Code != "" {
				good, err := connects(t, c, a.Source, testServer(v.URL), v.typed)
				if err != nil {
					t.Fatal(err)
				}
				held.Credential = good.Credential
			}
			v.recorded = &a.recorded
			connected, err := connects(t, c, a.Source, testServer(v.URL), v.typed)
			if said := refusal(err); said.Code != a.Want.Code || said.Field != a.Want.Field {
				t.Fatalf("got %+v, want %s %s", said, a.Want.Code, a.Want.Field)
			}
			if a.Want.Code == "" {
				held.Credential = connected.Credential
				id := connected.Account.ID[strings.LastIndexByte(connected.Account.ID, '|')+1:]
				if id != a.Want.Account || connected.Account.Label != a.Want.Label {
					t.Errorf("the account is %+v", connected.Account)
				}
			}
			if said := refusal(c.Check(t.Context(), held)); said.Code != a.Want.Check || said.Field != "" {
				t.Errorf("check: %+v, want %s", said, a.Want.Check)
			}
			for _, problem := range v.problems {
				t.Error(problem)
			}
		})
	}
}
