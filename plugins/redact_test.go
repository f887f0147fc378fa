package plugins_test

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/humanconnect/humanconnect/plugins"
	"github.com/humanconnect/humanconnect/sdk"
)

// clinic is what the redaction tests' provider describes.
func clinic() *sdk.Description {
	return &sdk.Description{
		Name: "clinic", Settings: []sdk.Field{{ID: "greeting", Label: "Greeting", Help: "A sentence to show above every form."}},
		Sources: []sdk.Source{{
			ID: "city-hospital", Name: "City Hospital", Hosts: []string{"records.cityhospital.example"},
			Fields: []sdk.Field{
				{ID: "username", Label: "User name", Kind: sdk.KindText},
				{ID: "password", Label: "Password", Kind: sdk.KindSecret},
				{ID: "pin", Label: "Code of the card", Kind: sdk.KindOTP},
				{ID: "server", Label: "Server", Kind: sdk.KindURL},
				{ID: "ward", Label: "Ward", Kind: sdk.KindChoice, Choices: []sdk.Choice{{Value: "outpatients"}}},
			},
		}},
	}
}

// request is the reply to a form of clinic; asked is a form that came before, or nil.
func replied(id, value string) *sdk.ConnectRequest {
	return &sdk.ConnectRequest{
		Source: "city-hospital", AttemptID: "att_1",
		Settings: sdk.Settings{Values: map[string]string{"client_id": "registered-client"}},
		Reply:    sdk.FormValues{Values: map[string]sdk.Secret{id: sdk.Secret(value)}},
	}
}

func TestOnlyAFormValueThatIsSecretCostsASentence(t *testing.T) {
	for name, c := range map[string]struct {
		field, value, says string
		lost               bool
	}{
		"secret":                     {"password", "swordfish", "Nobody has the password swordfish here.", true},
		"one-time code":              {"pin", "48151623", "The code 48151623 is too old.", true},
		"not declared":               {"memorable", "swordfish", "The word swordfish is wrong.", true},
		"text":                       {"username", "janet-doe-1970", "There is no janet-doe-1970 here.", false},
		"choice":                     {"ward", "outpatients", "The ward outpatients is closed.", false},
		"address":                    {"server", "https://nobody.example", "Nobody answers at https://nobody.example.", false},
		"password in an address":     {"server", "https://jo:swordfish@a.example", "401 for jo with swordfish", true},
		"token in an address":        {"server", "https://a.example/?token=jo-8b1c9d3e", "GET /?token=jo-8b1c9d3e: 401", true},
		"wrong":                      {"password", "wrong", "The user name or the password is wrong.", false},
		"seven bytes":                {"password", "passw0r", "The password passw0r is wrong.", false},
		"a field's label":            {"password", "Password", "The user name or the password is wrong.", false},
		"a field's whole label":      {"password", "code of the card", "The code of the card is wrong.", false},
		"a source's name":            {"password", "hospital", "City Hospital is closed.", false},
		"a host":                     {"password", "records.cityhospital.example", "No answer of records.cityhospital.example.", false},
		"a part of a host":           {"password", "cityhospital", "No answer of records.cityhospital.example.", false},
		"a setting":                  {"password", "registered-client", "The client registered-client is unknown.", false},
		"a setting's label":          {"password", "greeting", "No greeting.", false},
		"a help text":                {"password", "sentence", "No sentence.", false},
		"percent-encoded":            {"password", "s3cr/t& word", "POST /?p=" + url.QueryEscape("s3cr/t& word") + ": 401", true},
		"base64":                     {"password", "correct horse", "Basic " + base64.StdEncoding.EncodeToString([]byte("me:correct horse")), true},
		"joined by cleaning":         {"password", "swordfish", "no sword\x00fish", true},
		"secret beyond the cut":      {"password", "swordfish", strings.Repeat("x", 996) + "swordfish", true},
		"nothing of it":              {"password", "swordfish", "The user name or the password is wrong.", false},
		"a form with no such values": {"password", "", "The user name or the password is wrong.", false},
	} {
		t.Run(name, func(t *testing.T) {
			x := &plugins.Redaction{}
			x.Learn(clinic())
			x.Connect(replied(c.field, c.value))
			want := c.says
			if c.lost {
				want = ""
			}
			if got := x.Sentence(c.says); got != want {
				t.Errorf("%q becomes %q", c.says, got)
			}
		})
	}
}

// Words that are learned after a secret was sent count as those that were known before.
func TestWordsOfAProviderCountWheneverTheyAreLearned(t *testing.T) {
	x := &plugins.Redaction{}
	x.Connect(replied("password", "Hospital"))
	const says = "City Hospital is closed."
	if got := x.Sentence(says); got != "" {
		t.Errorf("%q", got)
	}
	x.Learn(clinic())
	if got := x.Sentence(says); got != says {
		t.Errorf("%q", got)
	}
}

func TestFieldThatNothingSaysToBeOpenIsSecret(t *testing.T) {
	asked := func(kind sdk.Kind) sdk.Form {
		return sdk.Form{Fields: []sdk.Field{{ID: "maiden", Label: "Name", Kind: kind}, {ID: "password", Kind: sdk.KindText}}}
	}
	for name, c := range map[string]struct {
		field   string
		prepare func(*plugins.Redaction)
		lost    bool
	}{
		"asked as text":                     {"maiden", func(x *plugins.Redaction) { x.Step(replied("", ""), asked(sdk.KindText)) }, false},
		"asked as secret":                   {"maiden", func(x *plugins.Redaction) { x.Step(replied("", ""), asked(sdk.KindSecret)) }, true},
		"asked of nobody":                   {"maiden", func(*plugins.Redaction) {}, true},
		"asked in another attempt":          {"maiden", func(x *plugins.Redaction) { x.Step(&sdk.ConnectRequest{AttemptID: "att_2"}, asked(sdk.KindText)) }, true},
		"declared as secret, asked as text": {"password", func(x *plugins.Redaction) { x.Step(replied("", ""), asked(sdk.KindText)) }, true},
		"asked as text, and later as a secret": {"maiden", func(x *plugins.Redaction) {
			x.Step(replied("", ""), asked(sdk.KindText))
			x.Step(replied("", ""), asked(sdk.KindSecret))
		}, true},
		"after many others": {"maiden", func(x *plugins.Redaction) {
			x.Step(replied("", ""), asked(sdk.KindText))
			for n := range 1000 {
				x.Step(&sdk.ConnectRequest{AttemptID: fmt.Sprint(n)}, asked(sdk.KindText))
			}
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			x := &plugins.Redaction{}
			x.Learn(clinic())
			c.prepare(x)
			x.Connect(replied(c.field, "Featherstone"))
			if got := x.Sentence("no Featherstone"); (got == "") != c.lost {
				t.Errorf("the sentence becomes %q", got)
			}
		})
	}
}

// What a provider keeps between two steps is mostly no secret: only what looks like one is looked for.
func TestAddressesAndWordsOfAResumeBlobMayBeSaid(t *testing.T) {
	const verifier = "dBjftJeZ4CVP-mBmqK27uhbUJU1p1r_wW1gFWFOEjXk" // RFC 7636 appendix B
	open := []string{
		"http://127.0.0.1:43817", "127.0.0.1:43817", "[::1]:43817", "localhost:43817", "api2.sandbox.example", "heart_rate.read activity:read_all",
		"2026-11-30T10:00:00.000Z", "demouser7", "sandbox-tracker", "refresh_token_expires_in", "authorizationEndpoint", "1782864000", "patient/*.read",
	}
	for _, form := range []string{`{"stage":%q,"list":[{"v":%q}]}`, "%s|%s", "stage=%s&verifier=%s", "%s\n%s"} {
		for _, word := range open {
			x := &plugins.Redaction{}
			x.Connect(&sdk.ConnectRequest{Resume: fmt.Appendf(nil, form, word, verifier), Reply: sdk.TimePassed{}})
			if says := "Nobody answers at " + word + "."; x.Sentence(says) != says {
				t.Errorf("%s with %q: the sentence is lost", form, word)
			}
			if got := x.Sentence("POST code_verifier=" + verifier); got != "" {
				t.Errorf("%s with %q: %q", form, word, got)
			}
		}
	}
	x := &plugins.Redaction{}
	x.Step(replied("", ""), sdk.Wait{Resume: []byte(`{"device":"GmRhmhcxhwAzkoEqiMEg_DnyEysNkuNhszIySk9eS"}`)})
	if got := x.Sentence("device GmRhmhcxhwAzkoEqiMEg_DnyEysNkuNhszIySk9eS"); got != "" {
		t.Errorf("%q", got)
	}
}

func TestOfAnAuthorizationResponseTheCodeIsSecret(t *testing.T) {
	x := &plugins.Redaction{}
	x.Connect(&sdk.ConnectRequest{OAuthState: "qsJ3W1bKxSf0", Reply: sdk.Callback{Parameters: []sdk.Parameter{
		{Name: "code", Value: "splendid-code"},
		{Name: "error", Value: "temporarily_unavailable"},
		{Name: "error_description", Value: "Closed for maintenance 9f8e7d6c"},
		{Name: "iss", Value: "https://as.example/9f8e7d6c5b"},
		{Name: "scope", Value: "heartrate activity"},
		{Name: "region", Value: "australia"},
		{Name: "session", Value: "a81bc81b-dead-4e5d-abff-90865d1e13b1"},
	}}})
	for _, says := range []string{
		"error temporarily_unavailable", "Closed for maintenance 9f8e7d6c", "issuer https://as.example/9f8e7d6c5b", "only heartrate", "no australia here",
	} {
		if x.Sentence(says) != says {
			t.Errorf("%q is lost", says)
		}
	}
	for _, says := range []string{"code splendid-code", "state qsJ3W1bKxSf0", "session a81bc81b-dead-4e5d-abff-90865d1e13b1"} {
		if got := x.Sentence(says); got != "" {
			t.Errorf("%q is said", got)
		}
	}
}

// An account is health data: no line has it. The sentence that names it to its owner stays.
func TestAccountMayBeSaidAndIsNotLogged(t *testing.T) {
	account := sdk.Account{ID: "8210", Label: "Jane"}
	for name, take := range map[string]func(*plugins.Redaction){
		"expected":  func(x *plugins.Redaction) { x.Connect(&sdk.ConnectRequest{Expected: &account, Reply: sdk.Start{}}) },
		"connected": func(x *plugins.Redaction) { x.Step(replied("", ""), sdk.Connected{Account: account}) },
		"refreshed": func(x *plugins.Redaction) {
			x.CredentialRequest(&sdk.CredentialRequest{Account: account, Credential: sdk.Credential{Data: `{"user":"Jane","token":"Jane"}`}})
		},
	} {
		x := &plugins.Redaction{}
		x.Learn(clinic())
		take(x)
		if got := x.Line("loading 8210 of Jane"); got != "loading [secret] of [secret]" {
			t.Errorf("%s: logged %q", name, got)
		}
		if says := "You signed in as Jane (8210)."; x.Sentence(says) != says {
			t.Errorf("%s: the sentence is lost", name)
		}
	}
	x := &plugins.Redaction{}
	x.Learn(clinic())
	x.Connect(replied("username", "jane.doe@post.example"))
	if got := x.Line("no such user: jane.doe@post.example"); strings.Contains(got, "jane") {
		t.Errorf("logged %q", got)
	}
}

func TestOfACredentialWhatIsNoAddressAndNoAccountIsSecret(t *testing.T) {
	x := &plugins.Redaction{}
	x.CredentialRequest(&sdk.CredentialRequest{
		Account: sdk.Account{Label: "nightingale"},
		Credential: sdk.Credential{Data: `{"access_token":"letmein-please","token_type":"BearerToken","scope":"heartrate activity","n":[{"p":"swordfish"}],
			"url":"https://ns.example","login":"nightingale","server":"ns.example:1337"}`},
		Settings: sdk.Settings{Secrets: map[string]sdk.Secret{"client_private_key": "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ\n-----END PRIVATE KEY-----\n"}},
	})
	for _, says := range []string{
		"token type BearerToken", "only heartrate activity", "Nobody answers at https://ns.example", "nightingale is locked", "no ns.example:1337",
		"the key does not begin with -----BEGIN PRIVATE KEY-----",
	} {
		if x.Sentence(says) != says {
			t.Errorf("%q is lost", says)
		}
	}
	for _, says := range []string{"letmein-please is old", "no swordfish", "MC4CAQAwBQYDK2VwBCIEIJ"} {
		if got := x.Sentence(says); got != "" {
			t.Errorf("%q is said", got)
		}
	}
}

// A line is for the author of a provider: there a secret is replaced within it, and short ones that are no word are too.
func TestLineKeepsWhatIsNotSecretInIt(t *testing.T) {
	x := &plugins.Redaction{}
	x.Learn(clinic())
	for id, value := range map[string]string{"password": "hunter2", "pin": "4815", "memorable": "swordfish", "username": "user", "ward": "outpatients"} {
		x.Connect(replied(id, value))
	}
	x.Connect(replied("password", "wrong"))
	x.Connect(replied("password", "password"))
	const line = "the password hunter2 of the user is wrong: 4815, swordfish, outpatients"
	if got, want := x.Line(line), "the password [secret] of the user is wrong: [secret], [secret], outpatients"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
