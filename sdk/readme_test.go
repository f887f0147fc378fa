package sdk_test

import (
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/providertest"
)

func noError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("unexpected error: %v", err)
	}
}

func TestExampleIsAProvider(t *testing.T) {
	c := providertest.Wire(t, diary{})
	description, err := c.Describe(t.Context())
	noError(t, err)
	req := &sdk.ConnectRequest{Source: description.Sources[0].ID, Reply: sdk.Start{}}
	step, err := c.Connect(t.Context(), req)
	noError(t, err)
	if form := step.(sdk.Form); !reflect.DeepEqual(form.Fields, description.Sources[0].Fields) {
		t.Errorf("the form asks for %v, and %v is declared", form.Fields, description.Sources[0].Fields)
	}
	req.Reply = sdk.FormValues{Values: map[string]sdk.Secret{"token": "short"}}
	_, err = c.Connect(t.Context(), req)
	if said := (*sdk.Error)(nil); !errors.As(err, &said) || said.Code != sdk.InvalidInput {
		t.Errorf("got %v, want invalid_input", err)
	}
	req.Reply = sdk.FormValues{Values: map[string]sdk.Secret{"token": sdk.Secret(strings.Repeat("x", 32))}}
	step, err = c.Connect(t.Context(), req)
	noError(t, err)
	if credential := step.(sdk.Connected).Credential; credential.MediaType != "text/plain" {
		t.Errorf("the credential is %q", credential.MediaType)
	}
}

func TestExamplePassesTheConformanceSuite(t *testing.T) {
	providertest.Verify(t, providertest.Of(diary{}), providertest.Journey{
		Source: "diary", Answers: map[string]string{"token": strings.Repeat("x", 32)},
	})
}

// The README shows the example that is compiled, not a copy that has grown old.
func TestReadmeShowsTheExampleThatCompiles(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	noError(t, err)
	example, err := os.ReadFile("example_test.go")
	noError(t, err)
	want := strings.NewReplacer("package sdk_test", "package main", "func Example()", "func main()").Replace(string(example))
	_, shown, _ := strings.Cut(string(readme), "```go\n")
	shown, _, _ = strings.Cut(shown, "```\n")
	if shown != want {
		t.Errorf("README.md shows\n%s\nexample_test.go would be\n%s", shown, want)
	}
}
