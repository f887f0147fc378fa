package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"testing"

	"github.com/humanconnect/humanconnect/providers/key/catalog"
	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/host"
)

func TestEverySourceConnectsAndEndsAsItsDataSays(t *testing.T) {
	c := process(t)
	described, err := c.Describe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(described.Sources) != len(catalog.IDs()) || len(described.Sources) < 3 {
		t.Fatalf("%d sources are described", len(described.Sources))
	}
	for _, source := range described.Sources {
		file := fileOf(t, filepath.Join("catalog", source.ID+".yaml"))
		for i, kind := range kindsOf(file) {
			t.Run(fmt.Sprintf("%s/%d", source.ID, i), func(t *testing.T) { lives(t, c, source.ID, newVendor(t, file, kind)) })
		}
	}
}

func TestWaysThatNoShippedSourceNeedsWork(t *testing.T) {
	file := fileOf(t, "testdata/whole.yaml")
	for i, kind := range kindsOf(file) {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			_, c := offering(t, whole(t))
			lives(t, c, "whole", newVendor(t, file, kind))
		})
	}
}

// lives goes through the life of a connection.
func lives(t *testing.T, c *host.Client, source string, v *vendor) {
	t.Helper()
	defer func() {
		for _, problem := range v.problems {
			t.Error(problem)
		}
	}()
	connected, err := connects(t, c, source, testServer(v.URL), v.typed)
	if err != nil {
		t.Fatal(err)
	}
	account, label := accountNumber, ""
	switch at2(v.kind, "account", "from") {
	case "nothing":
		account = ""
	case "input":
		account = v.typed[at2(v.kind, "account", "id").(string)]
	default:
		if labels := at2(v.kind, "account", "label"); labels != nil {
			label = fmt.Sprint(v.label(labels))
		}
	}
	if authority, ok := at2(v.kind, "account", "authority").(string); ok {
		account = v.typed[authority] + "|" + account
	}
	if want := (sdk.Account{ID: account, Label: label}); connected.Account != want {
		t.Errorf("the account is %+v, want %+v", connected.Account, want)
	}
	var fields map[string]string
	if err := json.Unmarshal([]byte(connected.Credential.Data.Reveal()), &fields); err != nil || !maps.Equal(fields, v.typed) {
		t.Errorf("the credential is not what was typed (%v)", err)
	}
	if connected.Credential.MediaType != "application/vnd.humanconnect.fields+json" || !connected.Credential.ExpiresAt.IsZero() {
		t.Errorf("the credential is %+v", connected.Credential)
	}
	held := &sdk.CredentialRequest{Source: source, Settings: testServer(v.URL), Account: connected.Account, Credential: connected.Credential}
	if err := c.Check(t.Context(), held); err != nil {
		t.Errorf("check: %v", err)
	}
	if _, err := c.Refresh(t.Context(), held); refusal(err).Code != sdk.NotSupported {
		t.Errorf("refresh: %v", err)
	}
	v.ends(t, c, held)
}

// ends disconnects, or lets the owner end the key at the source where there is no other transport.
func (v *vendor) ends(t *testing.T, c *host.Client, held *sdk.CredentialRequest) {
	t.Helper()
	v.asked = false
	err := c.Disconnect(t.Context(), held)
	if at2(v.kind, "revocation") == nil {
		if refusal(err).Code != sdk.NotSupported || v.asked {
			t.Errorf("disconnect without a revocation: %v, asked %v", err, v.asked)
		}
		v.known = false
	} else if err != nil || v.known {
		t.Errorf("disconnect: %v, known %v", err, v.known)
	} else if err := c.Disconnect(t.Context(), held); err != nil {
		t.Errorf("a second disconnect: %v", err)
	}
	if err := c.Check(t.Context(), held); refusal(err).Code != sdk.Revoked {
		t.Errorf("check of a key that has ended: %v", err)
	}
}

// label is the name that the vendor's answer has by the first template.
func (v *vendor) label(templates any) string {
	out := hole2.ReplaceAllStringFunc(fmt.Sprint(templates.([]any)[0]), func(path string) string {
		if path == fmt.Sprintf("{%s}", at2(v.kind, "account", "id")) {
			return accountNumber
		}
		return "Ada Lovelace"
	})
	return out
}

func TestEverySourceSaysWhatIsWrongWithAKeyThatItDoesNotKnow(t *testing.T) {
	_, c := offering(t)
	for _, id := range catalog.IDs() {
		file := fileOf(t, filepath.Join("catalog", id+".yaml"))
		for _, kind := range kindsOf(file) {
			v := newVendor(t, file, kind)
			v.known = false
			_, err := connects(t, c, id, testServer(v.URL), v.typed)
			said := refusal(err)
			needs, _ := kind["needs"].([]any)
			if said.Code != sdk.InvalidInput || said.Field == "url" || said.Field == "environment" || !slices.Contains(needs, any(said.Field)) || said.Retryable {
				t.Errorf("%s: %+v", id, said)
			}
		}
	}
}

func TestDescriptionOfOneSourceIsThatOfAll(t *testing.T) {
	p := newProvider()
	for _, id := range catalog.IDs() {
		d, err := p.DescribeSource(t.Context(), &sdk.DescribeRequest{Source: id})
		if err != nil || len(d.Sources) != 1 || d.Sources[0].ID != id || len(d.Settings) == 0 {
			t.Errorf("%s: %+v, %v", id, d, err)
		}
		s := d.Sources[0]
		if s.DocumentationURL == "" || s.Tested == "" || len(s.Notes) == 0 || s.Capabilities[0] != sdk.CapabilityCheck || slices.Contains(s.Capabilities, sdk.CapabilityRefresh) {
			t.Errorf("%s is described as %+v", id, s)
		}
	}
	if d, err := p.DescribeSource(t.Context(), &sdk.DescribeRequest{Source: "no-such"}); err != nil || len(d.Sources) != 0 {
		t.Errorf("a source that does not exist: %+v, %v", d, err)
	}
}
