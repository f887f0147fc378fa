package main

import (
	"encoding/json"
	"errors"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/humanconnect/humanconnect/providers/oauth2/catalog"
	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/providertest"
)

// answered is an answer of a real source, and how it is to be read.
type answered struct {
	Source   string `yaml:"source"`
	Variant  string `yaml:"variant"`
	Name     string `yaml:"name"`
	recorded `yaml:",inline"`
	Want     reading `yaml:"want"`
}

type reading struct {
	Code         sdk.Code `yaml:"code"`
	Setting      string   `yaml:"setting"`
	Names        string   `yaml:"names"`
	AccessToken  string   `yaml:"access_token"`
	RefreshToken string   `yaml:"refresh_token"`
	ExpiresIn    int      `yaml:"expires_in"`
	Scopes       []string `yaml:"scopes"`
	Account      string   `yaml:"account"`
	Label        string   `yaml:"label"`
	ReconnectIn  int      `yaml:"reconnect_in"`
	ReconnectBy  string   `yaml:"reconnect_by"`
}

// alive is a provider that connects retired sources too.
func alive() *provider {
	p := newProvider()
	p.load = func(id string) (*catalog.Source, error) {
		s, err := catalog.Load(id)
		if err == nil {
			s.Programme.Status = "open"
		}
		return s, err
	}
	return p
}

func TestAnswersOfRealSourcesAreReadAsTheyAreMeant(t *testing.T) {
	data, err := os.ReadFile("testdata/responses.yaml")
	if err != nil {
		t.Fatal(err)
	}
	decoder := yaml.NewDecoder(strings.NewReader(string(data)))
	decoder.KnownFields(true)
	var answers []answered
	if err := decoder.Decode(&answers); err != nil || len(answers) < 60 {
		t.Fatalf("%d answers, %v", len(answers), err)
	}
	c := providertest.Wire(t, alive())
	for _, a := range answers {
		t.Run(a.Source+"/"+a.Name, func(t *testing.T) {
			v := newVendor(t, factsOf(t, a.Source, a.Variant), nil)
			j := newJourney(t, c, v, a.Source, a.Variant)
			connected, err := j.replays(a)
			if err != nil || a.Want.Code != "" {
				a.Want.refused(t, err, a.Body)
				return
			}
			if connected != nil {
				a.Want.connected(t, v, *connected, a)
			}
			for _, problem := range v.problems {
				t.Error(problem)
			}
		})
	}
}

// replays goes to the request that is answered so.
func (j *journey) replays(a answered) (*sdk.Connected, error) {
	j.t.Helper()
	switch a.At {
	case "exchange", "account", "granted_scopes", "after_connect":
		j.v.recorded = &a.recorded
		return j.tries()
	case "authorize":
		return nil, j.refusedInBrowser(a.Body)
	}
	connected := j.connect()
	held := j.holds(connected.Credential, connected.Account)
	j.v.recorded = &a.recorded
	switch a.At {
	case "refresh":
		refreshed, err := j.c.Refresh(j.t.Context(), held)
		if err != nil {
			return nil, err
		}
		return &sdk.Connected{Account: connected.Account, Credential: refreshed.Credential, Scopes: refreshed.Scopes}, nil
	case "check":
		return nil, j.c.Check(j.t.Context(), held)
	case "revoke":
		return nil, j.c.Disconnect(j.t.Context(), held)
	}
	j.t.Fatalf("there is no request %q", a.At)
	return nil, nil
}

// tries connects, or says why it cannot.
func (j *journey) tries() (*sdk.Connected, error) {
	j.t.Helper()
	step, err := j.reply(sdk.Start{})
	open, ok := step.(sdk.OpenURL)
	if !ok {
		j.t.Fatalf("step %+v, %v", step, err)
	}
	step, err = j.reply(j.browse(open.URL))
	connected, ok := step.(sdk.Connected)
	if err == nil && !ok {
		j.t.Fatalf("step %+v", step)
	}
	return &connected, err
}

func (j *journey) refusedInBrowser(address string) error {
	j.t.Helper()
	if _, err := j.reply(sdk.Start{}); err != nil {
		j.t.Fatal(err)
	}
	u, err := url.Parse(address)
	if err != nil {
		j.t.Fatal(err)
	}
	var answer sdk.Callback
	for name, values := range u.Query() {
		answer.Parameters = append(answer.Parameters, sdk.Parameter{Name: name, Value: values[0]})
	}
	_, err = j.reply(answer)
	return err
}

// refused checks an error, which has no words of the source but its code.
func (w reading) refused(t *testing.T, err error, body string) {
	t.Helper()
	var said *sdk.Error
	if !errors.As(err, &said) || said.Code != w.Code || said.Setting != w.Setting {
		t.Fatalf("got %+v (%v), want %s %s", said, err, w.Code, w.Setting)
	}
	if w.Names != "" && !strings.Contains(said.Message, "("+w.Names+")") {
		t.Errorf("%q does not name %s", said.Message, w.Names)
	}
	for _, word := range strings.FieldsFunc(body, func(r rune) bool { return strings.ContainsRune(`":,{}[] `, r) }) {
		if strings.HasPrefix(word, "eyJ") && strings.Contains(said.Message, word) {
			t.Errorf("%q repeats what may be a token", said.Message)
		}
	}
	passes := w.Code == sdk.SourceUnavailable || w.Code == sdk.NotSupported
	if said.Retryable != passes {
		t.Errorf("retryable is %v", said.Retryable)
	}
}

func (w reading) connected(t *testing.T, v *vendor, c sdk.Connected, a answered) {
	t.Helper()
	if w.Account != "" && c.Account.ID != w.Account || w.Label != "" && c.Account.Label != w.Label {
		t.Errorf("the account is %+v, want %s, %s", c.Account, w.Account, w.Label)
	}
	if w.Scopes != nil && !slices.Equal(c.Scopes, w.Scopes) {
		t.Errorf("the scopes are %q, want %q", c.Scopes, w.Scopes)
	}
	if a.At != "exchange" && a.At != "refresh" {
		return
	}
	var have struct {
		Access      string    `json:"access_token"`
		Refresh     string    `json:"refresh_token"`
		ReconnectBy time.Time `json:"reconnect_by"`
	}
	if err := json.Unmarshal([]byte(c.Credential.Data.Reveal()), &have); err != nil {
		t.Fatal(err)
	}
	for _, token := range []struct{ got, want, old string }{
		{have.Access, w.AccessToken, "access-1/+="}, {have.Refresh, w.RefreshToken, "refresh-1/+="},
	} {
		if token.want == "old" {
			token.want = token.old
		}
		if token.got != token.want {
			t.Errorf("the token is %q, want %q", token.got, token.want)
		}
	}
	near(t, "the access expires", c.Credential.ExpiresAt, w.ExpiresIn)
	if !c.Credential.ReconnectBy.Equal(have.ReconnectBy) {
		t.Errorf("core gets reconnect by %v, and not %v", c.Credential.ReconnectBy, have.ReconnectBy)
	}
	if w.ReconnectBy == "" {
		near(t, "the person reconnects", have.ReconnectBy, w.ReconnectIn)
	} else if have.ReconnectBy.Format(time.RFC3339) != w.ReconnectBy {
		t.Errorf("reconnect by %v, want %s", have.ReconnectBy, w.ReconnectBy)
	}
}

// near checks an instant that is some seconds away; 0 is none.
func near(t *testing.T, what string, at time.Time, seconds int) {
	t.Helper()
	want := time.Now().Add(time.Duration(seconds) * time.Second)
	if at.IsZero() != (seconds == 0) || seconds != 0 && (at.After(want.Add(2*time.Second)) || at.Before(want.Add(-time.Minute))) {
		t.Errorf("%s at %v, want in %d s", what, at, seconds)
	}
}
