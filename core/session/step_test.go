package session

import (
	"errors"
	"strings"
	"testing"

	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/core/source"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/sdk"
)

// What a person is sent to is refused as the fault of the provider, with the host and the rule.
func TestStepThatTheSourceDoesNotDeclareIsRefusedWithTheRule(t *testing.T) {
	all := []sdk.Method{sdk.MethodForm, sdk.MethodBrowser, sdk.MethodCode}
	for name, c := range map[string]struct {
		step    sdk.Step
		methods []sdk.Method
		says    string
	}{
		"a script":         {sdk.OpenURL{URL: "javascript:alert(1)"}, all, `"javascript"`},
		"a file":           {sdk.OpenURL{URL: "file:///etc/passwd"}, all, `"file"`},
		"a user":           {sdk.OpenURL{URL: "https://me@source.example/"}, all, `user information before its host "source.example"`},
		"a port":           {sdk.OpenURL{URL: "https://port.example:1/"}, all, `"port.example:1", which is declared with another port`},
		"a host":           {sdk.OpenURL{URL: "https://other.example/?token=1"}, all, `"other.example", which is not declared`},
		"a code's host":    {sdk.ShowCode{VerificationURI: "https://other.example/"}, all, `"other.example", which is not declared`},
		"a code's link":    {sdk.ShowCode{VerificationURI: "https://source.example/", VerificationURIComplete: "http://source.example/"}, all, "must be https"},
		"a browser's step": {sdk.OpenURL{URL: "https://source.example/"}, all[:1], `the method "browser", which the source does not declare`},
		"a code":           {sdk.ShowCode{VerificationURI: "https://source.example/"}, all[:2], `the method "code", which`},
		"a form":           {sdk.Form{}, all[1:], `the method "form", which`},
	} {
		t.Run(name, func(t *testing.T) {
			a := &Attempt{
				Source: source.Source{Source: sdk.Source{ID: "a", Hosts: []string{"source.example", "port.example:8443"}, Methods: c.methods}},
				row:    store.Attempt{OAuthState: []byte("state")},
			}
			_, err := a.after(sdk.Start{}, c.step)
			var f *failure.Failure
			if !errors.As(err, &f) || f.Code != failure.SourceError || !strings.Contains(f.Message, c.says) || strings.Contains(f.Message, "token") {
				t.Error(err)
			}
		})
	}
}
