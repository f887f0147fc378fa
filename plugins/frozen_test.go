package plugins_test

import (
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/humanconnect/humanconnect/plugins"
	"github.com/humanconnect/humanconnect/sdk"
)

// frozenProvider builds the program of testdata/frozen and serves it with the real host.
func frozenProvider(t *testing.T) sdk.Provider {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	program := filepath.Join(t.TempDir(), "humanconnect-provider-frozen")
	if said, err := exec.CommandContext(ctx, "go", "build", "-o", program, "./testdata/frozen").CombinedOutput(); err != nil {
		t.Fatalf("build the provider: %v\n%s", err, said)
	}
	h := newStage(t).hostOf(plugins.Spec{Name: "frozen", Dev: true, Command: []string{program}})
	p, err := h.Provider(t.Context(), "frozen", "instant")
	if err != nil {
		t.Fatal(explain(err))
	}
	return p
}

func same(t *testing.T, what string, got any, err error, want any) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %s", what, explain(err))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestProviderOfTheFrozenProtocolStillWorks(t *testing.T) {
	p := frozenProvider(t)
	t.Run("describe", func(t *testing.T) { describesFrozen(t, p) })
	t.Run("connect", func(t *testing.T) { connectsFrozen(t, p) })
	t.Run("credential", func(t *testing.T) { keepsFrozen(t, p) })
}

func frozenFields() []sdk.Field {
	return []sdk.Field{
		{ID: "user", Label: "User", Kind: sdk.KindText, Required: true, Help: "Your name"},
		{ID: "password", Label: "Password", Kind: sdk.KindSecret},
		{ID: "otp", Label: "Code", Kind: sdk.KindOTP},
		{ID: "portal", Label: "Portal", Kind: sdk.KindURL},
		{ID: "country", Label: "Country", Kind: sdk.KindChoice, Choices: []sdk.Choice{{Value: "at", Label: "Austria"}, {Value: "de", Label: "Germany"}}},
	}
}

func frozenSettings() sdk.Settings {
	return sdk.Settings{
		Values: map[string]string{"client_id": "us"}, Secrets: map[string]sdk.Secret{"client_secret": "hush-hush"},
	}
}

func frozenCredential(data sdk.Secret) sdk.Credential {
	return sdk.Credential{Data: data, MediaType: "text/plain", ExpiresAt: frozenUntil()}
}

func frozenUntil() time.Time { return time.Date(2099, 1, 2, 3, 4, 5, 0, time.UTC) }

func describesFrozen(t *testing.T, p sdk.Provider) {
	described, err := p.Describe(t.Context())
	same(t, "describe", described, err, &sdk.Description{
		Name: "frozen", Version: "1.0.0", Settings: []sdk.Field{{ID: "region", Label: "Region", Kind: sdk.KindText}},
		Sources: []sdk.Source{{
			ID: "frozen", Name: "Frozen", Group: "Tests", Fields: frozenFields(), Hosts: []string{"frozen.example"},
			Methods:      []sdk.Method{sdk.MethodForm, sdk.MethodBrowser, sdk.MethodCode},
			Capabilities: []sdk.Capability{sdk.CapabilityRevoke, sdk.CapabilityRefresh, sdk.CapabilityCheck},
			Settings:     []sdk.Field{{ID: "client_id", Label: "Client", Kind: sdk.KindText}},
		}},
	})
}

func connectsFrozen(t *testing.T, p sdk.Provider) {
	req := &sdk.ConnectRequest{
		Source: "frozen", Settings: frozenSettings(), AttemptID: "att_1", RedirectURI: "http://127.0.0.1:1/callback",
		OAuthState: "state-1", Expected: &sdk.Account{ID: "7", Label: "Seven"}, Scopes: []string{"read", "write"},
		FrontEnd: sdk.FrontEnd{Browser: true, Code: true}, Locale: "de-AT", Reply: sdk.Start{},
	}
	heard := "frozen us hush-hush att_1 http://127.0.0.1:1/callback state-1 7 Seven read+write true false true de-AT"
	step, err := p.Connect(t.Context(), req)
	same(t, "start", step, err, sdk.Form{Title: "Sign in", Text: heard, Fields: frozenFields(), Resume: []byte("form")})

	req.Reply, req.Resume = sdk.FormValues{Values: map[string]sdk.Secret{"password": "wrong"}}, []byte("form")
	_, err = p.Connect(t.Context(), req)
	refuses(t, "wrong form", err, sdk.Error{Code: sdk.InvalidInput, Field: "password", Message: "Not this one."})

	for _, s := range []struct {
		resume string
		reply  sdk.Reply
		want   sdk.Step
	}{
		{"form", sdk.FormValues{Values: map[string]sdk.Secret{"password": "right"}}, sdk.OpenURL{
			URL: "https://frozen.example/?state=state-1", ExpiresAt: frozenUntil(), Resume: []byte("browser"),
		}},
		{"browser", sdk.Callback{Parameters: []sdk.Parameter{{Name: "b", Value: "1"}, {Name: "a", Value: "2"}}}, sdk.ShowCode{
			UserCode: "b1-a2", VerificationURI: "https://frozen.example/device", PollAfter: 2 * time.Second, ExpiresAt: frozenUntil(),
			VerificationURIComplete: "https://frozen.example/device?code=1", Resume: []byte("code"),
		}},
		{"code", sdk.TimePassed{}, sdk.Wait{
			Text: "The source is working.", PollAfter: 3 * time.Second, ExpiresAt: frozenUntil(), Resume: []byte("wait"),
		}},
		{"wait", sdk.TimePassed{}, sdk.Connected{
			Account: sdk.Account{ID: "7", Label: "Seven"}, Scopes: []string{"read", "write"}, Credential: frozenCredential("first"),
		}},
	} {
		req.Reply, req.Resume = s.reply, []byte(s.resume)
		step, err := p.Connect(t.Context(), req)
		same(t, s.resume, step, err, s.want)
	}
}

func keepsFrozen(t *testing.T, p sdk.Provider) {
	req := &sdk.CredentialRequest{
		Source: "frozen", Settings: frozenSettings(), Account: sdk.Account{ID: "7", Label: "Seven"}, Credential: frozenCredential("first"),
	}
	refresher, checker := p.(sdk.Refresher), p.(sdk.Checker)
	refreshed, err := refresher.Refresh(t.Context(), req)
	same(t, "refresh", refreshed, err, &sdk.Refreshed{Credential: frozenCredential("second"), Scopes: []string{"read"}})
	same(t, "check", nil, checker.Check(t.Context(), req), nil)
	same(t, "disconnect", nil, p.Disconnect(t.Context(), req), nil)

	req.Account.ID = "8" // another account than that of the credential
	want := sdk.Error{Code: sdk.RateLimited, Message: "Not so fast.", Retryable: true, RetryAfter: time.Minute, Setting: "client_id"}
	_, err = refresher.Refresh(t.Context(), req)
	refuses(t, "refresh", err, want)
	refuses(t, "check", checker.Check(t.Context(), req), want)
	refuses(t, "disconnect", p.Disconnect(t.Context(), req), want)
}

func refuses(t *testing.T, what string, err error, want sdk.Error) {
	t.Helper()
	var said *sdk.Error
	if !errors.As(err, &said) {
		t.Fatalf("%s: %s, want %v", what, explain(err), &want)
	}
	if diff := cmp.Diff(want, *said); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}
