package providertest

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/proto/providerv1"
)

// clinic is a provider that keeps every promise: a form, then a browser, and a credential that can do everything. A test
// breaks it with hooks.
type clinic struct {
	describe   func(*sdk.Description)
	connect    func(*sdk.ConnectRequest) (sdk.Step, error)
	step       func(sdk.Step)
	disconnect func(*sdk.CredentialRequest) error
	check      func(*sdk.CredentialRequest) error
	refreshed  func(*sdk.Refreshed)
}

func number() sdk.Field {
	return sdk.Field{ID: "number", Label: "Number", Kind: sdk.KindText, Required: true}
}

func pin() sdk.Field { return sdk.Field{ID: "pin", Label: "PIN", Kind: sdk.KindSecret, Required: true} }

func (p clinic) Describe(context.Context) (*sdk.Description, error) {
	d := &sdk.Description{Name: "clinic", Version: "1.0.0", Sources: []sdk.Source{{
		ID: "clinic", Name: "Clinic", Methods: []sdk.Method{sdk.MethodForm, sdk.MethodBrowser, sdk.MethodCode},
		Fields: []sdk.Field{number(), pin()}, Hosts: []string{"*.clinic.example"},
		Capabilities: []sdk.Capability{sdk.CapabilityCheck, sdk.CapabilityRefresh, sdk.CapabilityRevoke},
	}}}
	if p.describe != nil {
		p.describe(d)
	}
	return d, nil
}

// place is where an attempt stands.
type place struct{ At, Number string }

func (p place) bytes() []byte {
	data, _ := json.Marshal(p)
	return data
}

func (p clinic) Connect(_ context.Context, req *sdk.ConnectRequest) (sdk.Step, error) {
	if p.connect != nil {
		if step, err := p.connect(req); step != nil || err != nil {
			return step, err
		}
	}
	step, err := next(req)
	if err == nil && p.step != nil {
		p.step(step)
	}
	return step, err
}

func next(req *sdk.ConnectRequest) (sdk.Step, error) {
	if _, start := req.Reply.(sdk.Start); start {
		return &sdk.Form{Title: "Sign in", Fields: []sdk.Field{number(), pin()}, Resume: place{At: "form"}.bytes()}, nil
	}
	var at place
	_ = json.Unmarshal(req.Resume, &at)
	switch reply := req.Reply.(type) {
	case sdk.FormValues:
		if at.At != "form" {
			break
		}
		if reply.Values["pin"] != "hunter2" {
			return nil, &sdk.Error{Code: sdk.InvalidInput, Field: "pin", Message: "The PIN is wrong."}
		}
		url := "https://login.clinic.example/?state=" + req.OAuthState
		return &sdk.OpenURL{URL: url, Resume: place{"browser", reply.Values["number"].Reveal()}.bytes()}, nil
	case sdk.Callback:
		if at.At == "browser" && reply.Get("code") == "good" {
			return &sdk.Connected{
				Account: sdk.Account{ID: at.Number}, Credential: sdk.Credential{
					Data: `{"access_token":"t-1","token_type":"Bearer"}`, MediaType: sdk.MediaTypeOAuth2,
				},
			}, nil
		}
	}
	return nil, &sdk.Error{Code: sdk.SourceError, Message: "The state of the attempt is unknown."}
}

func genuine(req *sdk.CredentialRequest) error {
	if req.Credential.MediaType != sdk.MediaTypeOAuth2 {
		return &sdk.Error{Code: sdk.SourceError, Message: "This is no credential."}
	}
	return nil
}

func (p clinic) Disconnect(_ context.Context, req *sdk.CredentialRequest) error {
	if p.disconnect != nil {
		return p.disconnect(req)
	}
	return genuine(req)
}

func (p clinic) Check(_ context.Context, req *sdk.CredentialRequest) error {
	if p.check != nil {
		return p.check(req)
	}
	return genuine(req)
}

func (p clinic) Refresh(_ context.Context, req *sdk.CredentialRequest) (*sdk.Refreshed, error) {
	if err := genuine(req); err != nil {
		return nil, err
	}
	out := &sdk.Refreshed{Credential: req.Credential}
	if p.refreshed != nil {
		p.refreshed(out)
	}
	return out, nil
}

// visit is a journey through the clinic.
func visit() Journey {
	return Journey{
		Source: "clinic", Answers: map[string]string{"number": "7", "pin": "hunter2"}, RedirectURI: "http://127.0.0.1:1/callback",
		Browse: func(context.Context, string) (sdk.Callback, error) {
			return sdk.Callback{Parameters: []sdk.Parameter{{Name: "code", Value: "good"}}}, nil
		},
	}
}

func TestProviderThatKeepsItsPromisesIsVerified(t *testing.T) {
	Verify(t, Of(clinic{}), visit())
	t.Setenv(envRole, "clinic")
	Verify(t, Program(os.Args[0]), visit())
	t.Setenv("TMPDIR", t.TempDir()) // long enough to leave a socket no room
	Verify(t, Program(os.Args[0]))
}

// alone describes its source otherwise when it is asked for it.
type alone struct{ clinic }

func (p alone) DescribeSource(ctx context.Context, _ *sdk.DescribeRequest) (*sdk.Description, error) {
	d, err := p.Describe(ctx)
	d.Sources[0].Hosts = append(d.Sources[0].Hosts, "more.example")
	return d, err
}

func TestSourceIsTheSameWhenItIsDescribedAlone(t *testing.T) {
	broken := examine(t.Context(), Of(alone{}), []Journey{visit()})
	if len(broken) != 1 || !strings.Contains(broken[0], "is another one when it is described alone") {
		t.Errorf("%q", broken)
	}
}

func TestEveryBrokenPromiseIsNoticed(t *testing.T) {
	calls := 0
	for want, p := range map[string]clinic{
		"the name \"Clinic\" is none":                   {describe: func(d *sdk.Description) { d.Name = "Clinic" }},
		"the version \"v1\" is not like":                {describe: func(d *sdk.Description) { d.Version = "v1" }},
		"there is no source":                            {describe: func(d *sdk.Description) { d.Sources = nil }},
		"the second answer is not the first":            {describe: func(d *sdk.Description) { calls++; d.Version = "1.0." + string(rune('0'+calls%10)) }},
		"the source id \"clinic\" is invalid, or a dup": {describe: func(d *sdk.Description) { d.Sources = append(d.Sources, d.Sources[0]) }},
		"clinic has no name":                            {describe: func(d *sdk.Description) { d.Sources[0].Name = "" }},
		"the host \"https://clinic.example\" is none":   {describe: func(d *sdk.Description) { d.Sources[0].Hosts[0] = "https://clinic.example" }},
		"has fields, and a form is not among":           {describe: func(d *sdk.Description) { d.Sources[0].Methods = d.Sources[0].Methods[1:] }},
		"the field id \"Number\" is invalid":            {describe: func(d *sdk.Description) { d.Sources[0].Fields[0].ID = "Number" }},
		"the field number has no label":                 {describe: func(d *sdk.Description) { d.Sources[0].Fields[0].Label = "" }},
		"the field pin has no choices":                  {describe: func(d *sdk.Description) { d.Sources[0].Fields[1].Kind = sdk.KindChoice }},
		"the form asks for number (text), which is not": {describe: func(d *sdk.Description) { d.Sources[0].Fields = d.Sources[0].Fields[1:] }},
		"it asks for a browser, which is not among":     {describe: func(d *sdk.Description) { d.Sources[0].Methods = d.Sources[0].Methods[:1] }},
		"no source \"clinic\"":                          {describe: func(d *sdk.Description) { d.Sources[0].ID = "other" }},
		"which is no host of the source":                {step: onURL(func(s *sdk.OpenURL) { s.URL = strings.Replace(s.URL, "clinic", "other", 1) })},
		"has not the state of the request":              {step: onURL(func(s *sdk.OpenURL) { s.URL += "more" })},
		"the step has expired already":                  {step: onURL(func(s *sdk.OpenURL) { s.ExpiresAt = time.Now() })},
		"asks for nothing":                              {step: onForm(func(s *sdk.Form) { s.Fields = nil })},
		"the journey has no answer":                     {step: onForm(func(s *sdk.Form) { s.Fields[0].ID = "extra" })},
		"the verification URI is at other.example":      {connect: once(sdk.ShowCode{UserCode: "A", VerificationURI: "https://other.example"})},
		"the code was not typed":                        {connect: once(sdk.ShowCode{UserCode: "A", VerificationURI: "https://a.clinic.example"})},
		"the code \"moon_phase\" is not of the closed":  {connect: refuses(&sdk.Error{Code: "moon_phase", Message: "Not today."})},
		"access_denied has no message":                  {connect: refuses(&sdk.Error{Code: sdk.AccessDenied})},
		"the message of source_error contains a secret": {connect: refuses(&sdk.Error{Code: sdk.SourceError, Message: "No hunter2."})},
		"names the field \"name\", which the form":      {connect: refuses(&sdk.Error{Code: sdk.InvalidInput, Field: "name", Message: "No."})},
		"names the setting \"region\", which is not":    {connect: refuses(&sdk.Error{Code: sdk.BadConfiguration, Setting: "region", Message: "No."})},
		"start: the journey ended with source_error":    {connect: func(*sdk.ConnectRequest) (sdk.Step, error) { return nil, errors.New("lost") }},
		"the credential is empty":                       {step: onDone(func(s *sdk.Connected) { s.Credential.Data = "" })},
		"the credential is no flat JSON object of strings": {step: onDone(func(s *sdk.Connected) {
			s.Credential = sdk.Credential{Data: `{"token":{"of":"x"}}`, MediaType: sdk.MediaTypeFields}
		})},
		"the credential is not what its media type": {step: onDone(func(s *sdk.Connected) { s.Credential.Data = `{"token":"t"}` })},
		"the credential has expired already":        {refreshed: func(r *sdk.Refreshed) { r.Credential.ExpiresAt = time.Now() }},
		"check: revoked":                            {check: func(*sdk.CredentialRequest) error { return &sdk.Error{Code: sdk.Revoked, Message: "Over."} }},
		"a second disconnect: source_error":         {disconnect: justOnce()},
	} {
		broken := examine(t.Context(), Of(p), []Journey{visit()})
		if !strings.Contains(strings.Join(broken, "\n"), want) {
			t.Errorf("%s is not noticed, but %q", want, broken)
		}
	}
}

func onURL(change func(*sdk.OpenURL)) func(sdk.Step) {
	return func(s sdk.Step) {
		if s, is := s.(*sdk.OpenURL); is {
			change(s)
		}
	}
}

func onForm(change func(*sdk.Form)) func(sdk.Step) {
	return func(s sdk.Step) {
		if s, is := s.(*sdk.Form); is {
			change(s)
		}
	}
}

func onDone(change func(*sdk.Connected)) func(sdk.Step) {
	return func(s sdk.Step) {
		if s, is := s.(*sdk.Connected); is {
			change(s)
		}
	}
}

// once answers a start with a step of its own.
func once(step sdk.Step) func(*sdk.ConnectRequest) (sdk.Step, error) {
	return func(req *sdk.ConnectRequest) (sdk.Step, error) {
		if _, start := req.Reply.(sdk.Start); start {
			return step, nil
		}
		return nil, nil
	}
}

// refuses says no to every form.
func refuses(refusal *sdk.Error) func(*sdk.ConnectRequest) (sdk.Step, error) {
	return func(req *sdk.ConnectRequest) (sdk.Step, error) {
		if _, form := req.Reply.(sdk.FormValues); form {
			return nil, refusal
		}
		return nil, nil
	}
}

func justOnce() func(*sdk.CredentialRequest) error {
	done := false
	return func(req *sdk.CredentialRequest) error {
		if err := genuine(req); err != nil || !done {
			done = done || err == nil
			return err
		}
		return &sdk.Error{Code: sdk.SourceError, Message: "There is no such token."}
	}
}

// rude ends calls with a status.
type rude struct {
	providerv1.UnimplementedProviderServer
}

func (rude) Describe(ctx context.Context, _ *providerv1.DescribeRequest) (*providerv1.DescribeResponse, error) {
	return &providerv1.DescribeResponse{Name: "clinic", Version: "1.0.0", Sources: []*providerv1.Source{{Id: "clinic", Name: "Clinic"}}}, ctx.Err()
}

func TestCallThatEndsWithAStatusIsNoticed(t *testing.T) {
	broken := examine(t.Context(), Subject{register: func(s *grpc.Server) { providerv1.RegisterProviderServer(s, rude{}) }}, []Journey{visit()})
	if len(broken) != 1 || !strings.Contains(broken[0], "Unimplemented") {
		t.Errorf("%q", broken)
	}
}

func TestProviderThatKeepsSomethingBetweenTwoCallsIsNoticed(t *testing.T) {
	t.Setenv(envRole, "forgetful")
	broken := strings.Join(examine(t.Context(), Program(os.Args[0]), []Journey{visit()}), "\n")
	if !strings.Contains(broken, "form: the journey ended with source_error") {
		t.Error(broken)
	}
}

func TestProviderThatCrashesOnUnknownBytesIsNoticed(t *testing.T) {
	t.Setenv(envRole, "brittle")
	broken := strings.Join(examine(t.Context(), Program(os.Args[0]), []Journey{visit()}), "\n")
	if !strings.Contains(broken, "with bytes that are not its own: the call ended with") {
		t.Error(broken)
	}
}

func TestProgramThatBreaksARuleOfProcessesIsNoticed(t *testing.T) {
	for role, want := range map[string][]string{
		"silent":   {"the provider could not be started", "I have nothing to say", "its first line is \"\""},
		"prints":   {"its first line is \"welcome \""},
		"stays":    {"it does not end when its standard input does"},
		"anywhere": {"and not in the directory that PLUGIN_UNIX_SOCKET_DIR names"},
		"careless": {"nothing on standard output"},
	} {
		t.Setenv(envRole, role)
		broken := strings.Join(examine(t.Context(), Program(os.Args[0]), nil), "\n")
		for _, w := range want {
			if !strings.Contains(broken, w) {
				t.Errorf("%s: %s is not noticed, but\n%s", role, w, broken)
			}
		}
	}
}

func TestProgramThatIsNotThereIsNoticed(t *testing.T) {
	if broken := examine(t.Context(), Program(filepath.Join(t.TempDir(), "none")), nil); len(broken) == 0 {
		t.Error("nothing is wrong with it")
	}
	if broken := examine(t.Context(), Program(), nil); len(broken) != 1 || !strings.Contains(broken[0], "no program is named") {
		t.Errorf("%q", broken)
	}
}
