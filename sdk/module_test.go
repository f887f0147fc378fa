package sdk_test

import (
	"os"
	"reflect"
	"regexp"
	"testing"
)

// hclog and x/sys come with go-plugin anyway, and x/oauth2, which needs nothing but the standard library, is in a
// provider's binary only where its author imports sdk/oauth2; everything else that a provider's author would have to carry is a change
// of what this module promises.
func TestModuleAsksForGoPluginGRPCAndOAuth2AndNothingElse(t *testing.T) {
	file, err := os.ReadFile("go.mod")
	noError(t, err)
	var direct []string
	for _, m := range regexp.MustCompile(`(?m)^(?:require)?\s+(\S+) v\S+$`).FindAllStringSubmatch(string(file), -1) {
		direct = append(direct, m[1])
	}
	want := []string{
		"github.com/hashicorp/go-hclog",
		"github.com/hashicorp/go-plugin",
		"golang.org/x/oauth2",
		"golang.org/x/sys",
		"google.golang.org/grpc",
		"google.golang.org/protobuf",
	}
	if !reflect.DeepEqual(direct, want) {
		t.Errorf("go.mod asks for %v, want %v", direct, want)
	}
}
