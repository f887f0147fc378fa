package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/core/session"
	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/providertest"
)

const providerManual = "docs/writing-a-provider.md"

// listings are the fenced blocks of the manual for authors, in one language.
func listings(t *testing.T, language string, atLeast int) (blocks []string) {
	t.Helper()
	fence := regexp.MustCompile("(?ms)^```" + language + "\n(.*?)^```$")
	for _, m := range fence.FindAllStringSubmatch(readDocument(t, providerManual), -1) {
		blocks = append(blocks, m[1])
	}
	if len(blocks) < atLeast {
		t.Fatalf("%s has %d listings in %s", providerManual, len(blocks), language)
	}
	return blocks
}

// listing is the one with a text in it.
func listing(t *testing.T, language, with string) string {
	t.Helper()
	for _, block := range listings(t, language, 1) {
		if strings.Contains(block, with) {
			return block
		}
	}
	t.Fatalf("%s has no listing in %s with %q", providerManual, language, with)
	return ""
}

func writeFile(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// authorsShell is a shell in which commands of the manual for authors work: the SDK is that of this checkout, and modules
// come from where Go has them already. go mod tidy would also fetch what the tests of others need, and ask for checksums.
// TMPDIR cannot be the directory of a module.
func authorsShell(t *testing.T, dir, script string) string {
	t.Helper()
	checkout, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	known, err := exec.CommandContext(t.Context(), "go", "env", "GOCACHE", "GOMODCACHE", "GOPROXY").Output()
	places := strings.Split(string(known), "\n")
	if err != nil || len(places) < 3 {
		t.Fatalf("go env: %v, %q", err, places)
	}
	const sdkModule = "github.com/humanconnect/humanconnect/sdk"
	script = strings.ReplaceAll(script, "go mod tidy\n", "go mod edit -require "+sdkModule+"@v0.0.0\ncp $CHECKOUT/sdk/go.sum .\n")
	return shellWithin(t, buildLimit, dir, fmt.Sprintf(`export CHECKOUT='%s' GOCACHE='%s' GOMODCACHE='%s' GOPROXY='%s'
unset TMPDIR
export GOFLAGS=-mod=mod GOTOOLCHAIN=local GOWORK=off CGO_ENABLED=0
`, checkout, places[0], places[1], places[2])+script)
}

// TestFirstProviderOfTheManualIsBuiltRunProvenAndInstalled does what the page says, from an empty directory on.
func TestFirstProviderOfTheManualIsBuiltRunProvenAndInstalled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, dir, "main.go", listing(t, "go", "type diary struct"))
	writeFile(t, dir, "main_test.go", listing(t, "go", "providertest.Verify"))
	writeFile(t, dir, "config.yaml", listing(t, "yaml", "dev: true"))
	said := authorsShell(t, dir, strings.Join([]string{
		listing(t, "sh", "go mod init"), listing(t, "sh", "humanconnect provider show diary"),
		listing(t, "sh", "go test"), listing(t, "sh", "provider lock diary"),
	}, ""))
	for _, want := range []string{
		`runs without a pin`, `"status": "SUCCESS"`, `"id": "diary"`, "ok  \texample.com/diary", "diary     user     user",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("the commands do not print %s:\n%s", want, said)
		}
	}
}

// TestOAuthProviderOfTheManualConnects runs it against the authorization server that it is for, at another port.
func TestOAuthProviderOfTheManualConnects(t *testing.T) {
	t.Parallel()
	p := newAuthorizedPlace(t)
	writeFile(t, p.dir, "main.go", listing(t, "go", "type bracelet struct"))
	config := strings.ReplaceAll(listing(t, "yaml", "dev: true"), "diary", "bracelet")
	writeFile(t, p.dir, "config.yaml", config+fmt.Sprintf("sources:\n  - id: bracelet\n    settings: {server: %q}\n", p.server))
	build := strings.ReplaceAll(listing(t, "sh", "go mod init"), "diary", "bracelet")
	said := authorsShell(t, p.dir, "export BROWSER='humanconnect-sandbox consent'\n"+build+listing(t, "sh", "--connect bracelet"))
	for _, want := range []string{`"status": "SUCCESS"`, `"id": "bracelet"`, `"outcome": "revoked"`, `"failures": []`} {
		if !strings.Contains(said, want) {
			t.Errorf("the commands do not print %s:\n%s", want, said)
		}
	}
	j := p.journey("bracelet")
	providertest.Verify(t, providertest.Program(filepath.Join(p.dir, "humanconnect-provider-bracelet")), j)
}

// journey connects a source at the authorization server, as its person would.
func (p *authorizedPlace) journey(source string) providertest.Journey {
	return providertest.Journey{
		Source: source, Settings: sdk.Settings{Values: map[string]string{"server": p.server}},
		RedirectURI: "http://127.0.0.1:9/callback",
		Browse: func(_ context.Context, address string) (sdk.Callback, error) {
			c, ok := session.ParseRedirect(p.consents(address, "none"))
			if !ok {
				return c, fmt.Errorf("%s sends the browser nowhere", source)
			}
			return c, nil
		},
		Type: func(_ context.Context, code sdk.ShowCode) error {
			p.consents(code.VerificationURI+"?user_code="+url.QueryEscape(code.UserCode), "none")
			return nil
		},
	}
}

func TestOurProviderKeepsWhatIsPromisedOfEveryOne(t *testing.T) {
	t.Parallel()
	p := newAuthorizedPlace(t)
	answers := map[string]string{"username": "demouser", "password": "password", "member": "robin"}
	providertest.Verify(t, providertest.Program(filepath.Join(binDir(), "humanconnect-provider-sandbox")),
		providertest.Journey{Source: "sandbox-instant"},
		providertest.Journey{Source: "sandbox-clinic", Answers: answers},
		providertest.Journey{Source: "sandbox-family", Answers: answers},
		p.journey("sandbox-tracker"), p.journey("sandbox-scale"))
}

func TestManualForAuthorsShowsTheProviderForNodeAsItIs(t *testing.T) {
	program := readDocument(t, "test/peers/provider/humanconnect-provider-notebook")
	for _, block := range listings(t, "js", 1) {
		if !strings.Contains(program, block) {
			t.Errorf("the provider for Node does not have\n%s", block)
		}
	}
}

// rows are the codes in the first column of the tables of a section.
func rows(text, section string) (codes []string) {
	_, text, _ = strings.Cut(text, "\n## "+section+"\n")
	text, _, _ = strings.Cut(text, "\n## ")
	for _, row := range regexp.MustCompile("(?m)^\\| (`[^|]+) \\|").FindAllStringSubmatch(text, -1) {
		for _, code := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(row[1], -1) {
			codes = append(codes, code[1])
		}
	}
	return codes
}

func TestManualForAuthorsHasTheClosedListOfCodes(t *testing.T) {
	listed := map[string]int{}
	for _, code := range rows(readDocument(t, providerManual), "Errors") {
		listed[code]++
	}
	for _, e := range failure.Entries() {
		if listed[string(e.Code)] != 1 {
			t.Errorf("%s stands there %d times", e.Code, listed[string(e.Code)])
		}
		delete(listed, string(e.Code))
	}
	if len(listed) > 0 {
		t.Errorf("there is no such code: %v", listed)
	}
}

func TestManualForAuthorsHasEveryDiagnosis(t *testing.T) {
	listed := map[string]bool{}
	for _, code := range rows(readDocument(t, providerManual), "Diagnostics") {
		listed[code] = true
	}
	kinds := regexp.MustCompile(`Code = "(provider_\w+)"`).FindAllStringSubmatch(readDocument(t, "plugins/error.go"), -1)
	if len(kinds) < 10 || len(kinds) != len(listed) {
		t.Errorf("%d diagnoses, of which the page has %d", len(kinds), len(listed))
	}
	for _, kind := range kinds {
		if !listed[kind[1]] {
			t.Errorf("%s is not there", kind[1])
		}
	}
}
