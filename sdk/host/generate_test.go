package host_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/sdk"
)

// generator makes random values of every type that crosses the wire. Empty slices and maps are nil and times are UTC,
// as they come out at the other end.
type generator struct{ *rand.Rand }

// forEachSeed runs check on many generators; a failure names the seed.
func forEachSeed(t *testing.T, n int, check func(t *testing.T, g generator)) {
	t.Helper()
	for seed := range uint64(n) {
		check(t, generator{rand.New(rand.NewPCG(seed, 1))})
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func (g generator) chance(n int) bool { return g.IntN(n) == 0 }

func (g generator) string() string {
	alphabet := []rune("abcXYZ019 _-/\\\"'<>{}\n\t\x00\x1b\u202e\u200b\uFFFDäß漢字🙂")
	out := make([]rune, g.IntN(12))
	for i := range out {
		out[i] = alphabet[g.IntN(len(alphabet))]
	}
	return string(out)
}

// bytes are not UTF-8 most of the time.
func (g generator) bytes() []byte {
	if g.chance(3) {
		return nil
	}
	out := make([]byte, 1+g.IntN(64))
	for i := range out {
		out[i] = byte(g.IntN(256))
	}
	return out
}

func (g generator) time() sdk.Time {
	if g.chance(3) {
		return sdk.Time{}
	}
	return time.Unix(g.Int64N(4e9)-1e9, g.Int64N(1e9)).UTC()
}

func (g generator) duration() time.Duration {
	if g.chance(3) {
		return 0
	}
	return time.Duration(g.Int64N(int64(time.Hour)))
}

func some[T any](g generator, one func() T) []T {
	var out []T
	for range g.IntN(4) {
		out = append(out, one())
	}
	return out
}

func pick[T any](g generator, from ...T) T { return from[g.IntN(len(from))] }

func (g generator) values() map[string]string {
	var out map[string]string
	for i := range g.IntN(4) {
		if out == nil {
			out = map[string]string{}
		}
		out[fmt.Sprint(g.string(), i)] = g.string()
	}
	return out
}

func (g generator) secrets() map[string]sdk.Secret {
	var out map[string]sdk.Secret
	for name, value := range g.values() {
		if out == nil {
			out = map[string]sdk.Secret{}
		}
		out[name] = sdk.Secret(value)
	}
	return out
}

func (g generator) account() sdk.Account { return sdk.Account{ID: g.string(), Label: g.string()} }

func (g generator) credential() sdk.Credential {
	return sdk.Credential{Data: sdk.Secret(g.bytes()), MediaType: g.string(), ExpiresAt: g.time(), ReconnectBy: g.time()}
}

func (g generator) field() sdk.Field {
	return sdk.Field{
		ID: g.string(), Label: g.string(), Required: g.chance(2), Help: g.string(),
		Kind:    pick(g, sdk.KindText, sdk.KindSecret, sdk.KindURL, sdk.KindChoice, sdk.KindOTP),
		Choices: some(g, func() sdk.Choice { return sdk.Choice{Value: g.string(), Label: g.string()} }),
	}
}

func (g generator) source() sdk.Source {
	return sdk.Source{
		ID: g.string(), Name: g.string(), Group: g.string(),
		Methods: some(g, func() sdk.Method { return pick(g, sdk.MethodForm, sdk.MethodBrowser, sdk.MethodCode) }),
		Capabilities: some(g, func() sdk.Capability {
			return pick(g, sdk.CapabilityRevoke, sdk.CapabilityRefresh, sdk.CapabilityCheck)
		}),
		Fields: some(g, g.field), Hosts: some(g, g.string), Settings: some(g, g.field),
		Scopes: some(g, g.string), DocumentationURL: g.string(), RedirectURIs: g.string(), Notes: some(g, g.string),
		Tested: g.string(), Programme: g.programme(),
	}
}

func (g generator) programme() sdk.Programme {
	if g.chance(3) {
		return sdk.Programme{}
	}
	return sdk.Programme{
		Status:  pick(g, "", sdk.ProgrammeOpen, sdk.ProgrammeApproval, sdk.ProgrammePaid, sdk.ProgrammeRetired),
		Text:    g.string(),
		Changes: some(g, func() sdk.Change { return sdk.Change{Date: g.string(), Text: g.string()} }),
	}
}

func (g generator) definition() *sdk.Definition {
	if g.chance(2) {
		return nil
	}
	return &sdk.Definition{JSON: g.bytes(), NewOnly: g.chance(2)}
}

func (g generator) description() *sdk.Description {
	return &sdk.Description{
		Name: g.string(), Version: g.string(), Sources: some(g, g.source), Settings: some(g, g.field),
		DefinitionSchema: g.string(),
	}
}

func (g generator) step() sdk.Step {
	switch g.IntN(5) {
	case 0:
		return sdk.OpenURL{URL: g.string(), ExpiresAt: g.time(), Resume: g.bytes()}
	case 1:
		return sdk.Form{Title: g.string(), Text: g.string(), Fields: some(g, g.field), Resume: g.bytes()}
	case 2:
		return sdk.ShowCode{
			UserCode: g.string(), VerificationURI: g.string(), VerificationURIComplete: g.string(),
			PollAfter: g.duration(), ExpiresAt: g.time(), Resume: g.bytes(),
		}
	case 3:
		return sdk.Wait{Text: g.string(), PollAfter: g.duration(), ExpiresAt: g.time(), Resume: g.bytes()}
	}
	return sdk.Connected{Account: g.account(), Credential: g.credential(), Scopes: some(g, g.string)}
}

func (g generator) callback() sdk.Callback {
	return sdk.Callback{Parameters: some(g, func() sdk.Parameter {
		return sdk.Parameter{Name: g.string(), Value: g.string()}
	})}
}

func (g generator) reply() sdk.Reply {
	switch g.IntN(4) {
	case 0:
		return sdk.Start{}
	case 1:
		return g.callback()
	case 2:
		return sdk.FormValues{Values: g.secrets()}
	}
	return sdk.TimePassed{}
}

func (g generator) settings() sdk.Settings {
	return sdk.Settings{Values: g.values(), Secrets: g.secrets()}
}

func (g generator) connectRequest() *sdk.ConnectRequest {
	req := &sdk.ConnectRequest{
		Source: g.string(), Settings: g.settings(), AttemptID: g.string(), RedirectURI: g.string(),
		OAuthState: g.string(), Scopes: some(g, g.string), Resume: g.bytes(), Reply: g.reply(), Locale: g.string(),
		FrontEnd:   sdk.FrontEnd{Browser: g.chance(2), Form: g.chance(2), Code: g.chance(2)},
		Definition: g.definition(),
	}
	if g.chance(2) {
		account := g.account()
		req.Expected = &account
	}
	return req
}

func (g generator) credentialRequest() *sdk.CredentialRequest {
	return &sdk.CredentialRequest{
		Source: g.string(), Settings: g.settings(), Account: g.account(), Credential: g.credential(),
		Definition: g.definition(),
	}
}

func (g generator) error() *sdk.Error {
	return &sdk.Error{
		Code: pick(g, sdk.AccessDenied, sdk.ScopeMissing, sdk.InvalidInput, sdk.BadConfiguration,
			sdk.SourceUnavailable, sdk.SourceError, sdk.RateLimited, sdk.Revoked, sdk.NotSupported,
			sdk.AttemptExpired, sdk.AccountMismatch),
		Message: g.string(), Retryable: g.chance(2), Field: g.string(), RetryAfter: g.duration(), Setting: g.string(),
	}
}
