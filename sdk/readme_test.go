package sdk_test

import (
	"os"
	"strings"
	"testing"

	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/providertest"
)

func TestExampleIsAProvider(t *testing.T) {
	c := providertest.Wire(t, diary{})
	description, err := c.Describe(t.Context())
	noError(t, err)
	req := &sdk.ConnectRequest{Source: description.Sources[0].ID, Reply: sdk.Start{}}
	step, err := c.Connect(t.Context(), req)
	noError(t, err)
	same(t, "fields", step.(sdk.Form).Fields, description.Sources[0].Fields)
	req.Reply = sdk.FormValues{Values: map[string]sdk.Secret{"token": "short"}}
	_, err = c.Connect(t.Context(), req)
	refusedWith(t, err, sdk.InvalidInput)
	req.Reply = sdk.FormValues{Values: map[string]sdk.Secret{"token": sdk.Secret(strings.Repeat("x", 32))}}
	step, err = c.Connect(t.Context(), req)
	noError(t, err)
	same(t, "credential", step.(sdk.Connected).Credential.MediaType, "text/plain")
}

func TestExampleKeepsWhatIsPromised(t *testing.T) {
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
