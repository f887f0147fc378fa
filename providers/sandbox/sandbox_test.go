package main

import (
	"context"
	"errors"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/host"
	"github.com/humanconnect/humanconnect/sdk/providertest"
)

// talk has a conversation over the real wire, each step with what the one before it returned.
type talk struct {
	t    *testing.T
	c    *host.Client
	req  sdk.ConnectRequest
	step sdk.Step
	err  error
}

func begin(t *testing.T, source string) *talk {
	t.Helper()
	k := &talk{t: t, c: providertest.Wire(t, provider{}), req: sdk.ConnectRequest{Source: source, OAuthState: "s&1"}}
	return k.reply(sdk.Start{})
}

func (k *talk) reply(r sdk.Reply) *talk {
	k.t.Helper()
	k.req.Reply, k.req.Resume = r, host.ResumeOf(k.step)
	k.step, k.err = k.c.Connect(k.t.Context(), &k.req)
	return k
}

func (k *talk) answer(pairs ...string) *talk {
	k.t.Helper()
	values := map[string]sdk.Secret{}
	for i := 0; i < len(pairs); i += 2 {
		values[pairs[i]] = sdk.Secret(pairs[i+1])
	}
	return k.reply(sdk.FormValues{Values: values})
}

func (k *talk) login(username string) *talk {
	k.t.Helper()
	return k.answer(fieldUsername, username, fieldPassword, "password")
}

func (k *talk) connected() sdk.Connected {
	k.t.Helper()
	c, ok := k.step.(sdk.Connected)
	if k.err != nil || !ok {
		k.t.Fatalf("got %+v, %v; want connected", k.step, k.err)
	}
	return c
}

func (k *talk) refused(want *sdk.Error) {
	k.t.Helper()
	refused(k.t, k.err, want)
}

// refused compares all of an error but its sentence, which must be there.
func refused(t *testing.T, err error, want *sdk.Error) {
	t.Helper()
	var said *sdk.Error
	if !errors.As(err, &said) || said.Message == "" {
		t.Fatalf("got %v, want %s", err, want.Code)
	}
	got := *said
	got.Message = want.Message
	if got != *want {
		t.Fatalf("got %+v, want %+v", got, *want)
	}
}

func TestInstantConnectsAtOnceToTheSameAccount(t *testing.T) {
	a, b := begin(t, instant).connected(), begin(t, instant).connected()
	if a.Account != (sdk.Account{ID: "instant", Label: "Instant account"}) || a.Account != b.Account {
		t.Errorf("accounts %+v and %+v", a.Account, b.Account)
	}
	if a.Credential.Data == b.Credential.Data {
		t.Error("two grants have the same credential")
	}
}

func TestClinicHasOneAccountForEachUserName(t *testing.T) {
	one := begin(t, clinic).login("demouser").connected()
	again := begin(t, clinic).login("demouser").connected()
	other := begin(t, clinic).login("demouser2").connected()
	if one.Account.ID == "" || one.Account != again.Account || one.Account.Label != "demouser" {
		t.Errorf("accounts %+v and %+v", one.Account, again.Account)
	}
	if other.Account.ID == one.Account.ID {
		t.Error("two user names have one account")
	}
	if id := begin(t, clinic).login(noAccount).connected().Account.ID; id != "" {
		t.Errorf("the account without an id has the id %q", id)
	}
}

func TestFamilyHasOneAccountForEachMember(t *testing.T) {
	seen := map[string]string{}
	for _, member := range []string{"alex", "robin", "sam"} {
		k := begin(t, family).login("demouser")
		if f, ok := k.step.(sdk.Form); !ok || len(f.Fields) != 1 || f.Fields[0].ID != fieldMember {
			t.Fatalf("second step %+v", k.step)
		}
		account := k.answer(fieldMember, member).connected().Account
		if before := seen[account.ID]; before != "" {
			t.Errorf("%s and %s have one account", before, member)
		}
		seen[account.ID] = member
	}
	begin(t, family).login("demouser").answer(fieldMember, "pat").
		refused(&sdk.Error{Code: sdk.InvalidInput, Field: fieldMember})
	if id := begin(t, family).login(noAccount).answer(fieldMember, "sam").connected().Account.ID; id != "" {
		t.Errorf("the account without an id has the id %q", id)
	}
}

func TestWrongAnswersNameTheirField(t *testing.T) {
	for _, source := range []string{clinic, family} {
		for _, username := range []string{"demouser", "nobody", "demouserx", "hang"} {
			begin(t, source).answer(fieldUsername, username, fieldPassword, "wrong").
				refused(&sdk.Error{Code: sdk.InvalidInput, Field: fieldPassword})
		}
		begin(t, source).login("nobody").refused(&sdk.Error{Code: sdk.InvalidInput, Field: fieldPassword})
		begin(t, source).login("").refused(&sdk.Error{Code: sdk.InvalidInput, Field: fieldUsername})
	}
}

func TestEveryFormShowsOnlyDeclaredFields(t *testing.T) {
	described, err := providertest.Wire(t, provider{}).Describe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(described, description()) {
		t.Errorf("the description changed on the wire: %+v", described)
	}
	var shown []sdk.Field
	k := begin(t, family)
	shown = append(shown, k.step.(sdk.Form).Fields...)
	shown = append(shown, k.login("demouser").step.(sdk.Form).Fields...)
	if !reflect.DeepEqual(shown, described.Sources[2].Fields) {
		t.Errorf("shown %+v, declared %+v", shown, described.Sources[2].Fields)
	}
}

func TestSettingsReachTheProvider(t *testing.T) {
	c := providertest.Wire(t, provider{})
	req := &sdk.ConnectRequest{Source: clinic, Reply: sdk.Start{}, Settings: sdk.Settings{
		Values:  map[string]string{settingGreeting: "Hello."},
		Secrets: map[string]sdk.Secret{settingAPIKey: "sandbox-key"},
	}}
	step, err := c.Connect(t.Context(), req)
	if f, ok := step.(sdk.Form); err != nil || !ok || f.Text != "Hello." {
		t.Errorf("got %+v, %v", step, err)
	}
	req.Settings.Secrets[settingAPIKey] = "other"
	_, err = c.Connect(t.Context(), req)
	refused(t, err, &sdk.Error{Code: sdk.BadConfiguration, Setting: settingAPIKey})
	req.Source = family
	if _, err = c.Connect(t.Context(), req); err != nil {
		t.Errorf("the clinic's setting counts at the family: %v", err)
	}
}

func TestErrorsOnDemand(t *testing.T) {
	for _, want := range []*sdk.Error{
		{Code: sdk.AccessDenied},
		{Code: sdk.ScopeMissing},
		{Code: sdk.InvalidInput, Field: fieldUsername},
		{Code: sdk.BadConfiguration, Setting: settingGreeting},
		{Code: sdk.SourceUnavailable, Retryable: true, RetryAfter: 30 * time.Second},
		{Code: sdk.SourceError},
		{Code: sdk.RateLimited, Retryable: true, RetryAfter: time.Minute},
		{Code: sdk.Revoked},
		{Code: sdk.NotSupported},
		{Code: sdk.AttemptExpired, Retryable: true},
		{Code: sdk.AccountMismatch},
	} {
		for _, source := range []string{clinic, family} {
			begin(t, source).login("error_" + string(want.Code)).refused(want)
		}
	}
	for _, username := range []string{"error_unknown_code", "garbage", "huge"} {
		begin(t, clinic).login(username).refused(&sdk.Error{Code: sdk.SourceError})
	}
}

func TestFaultsOfManyStepsGoOn(t *testing.T) {
	k := begin(t, clinic).login("wait")
	for range 2 {
		if w, ok := k.step.(sdk.Wait); !ok || w.PollAfter != time.Second {
			t.Fatalf("step %+v", k.step)
		}
		k.reply(sdk.TimePassed{})
	}
	k.connected()

	k = begin(t, clinic).login("code")
	for range 2 {
		if c, ok := k.step.(sdk.ShowCode); !ok || c.UserCode == "" {
			t.Fatalf("step %+v", k.step)
		}
		k.reply(sdk.TimePassed{})
	}
	k.connected()

	k = begin(t, family).login("open_url")
	if u, ok := k.step.(sdk.OpenURL); !ok || u.URL != "http://127.0.0.1:9/authorize?state=s%261" {
		t.Fatalf("step %+v", k.step)
	}
	k.reply(sdk.Callback{Parameters: []sdk.Parameter{{Name: "code", Value: "c"}}}).answer(fieldMember, "sam").connected()
	begin(t, family).login("open_url").
		reply(sdk.Callback{Parameters: []sdk.Parameter{{Name: "error", Value: "access_denied"}}}).
		refused(&sdk.Error{Code: sdk.AccessDenied})

	k = begin(t, clinic).login("third_form")
	if f, ok := k.step.(sdk.Form); !ok || f.Fields[0].ID != fieldExtra || !f.Fields[0].Required {
		t.Fatalf("step %+v", k.step)
	}
	k.answer(fieldExtra, "x").connected()
}

func TestSlowTakesItsTimeOrTheCallers(t *testing.T) {
	k := begin(t, clinic)
	began := time.Now()
	k.login("slow").connected()
	if took := time.Since(began); took < delay {
		t.Errorf("took %v", took)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := pause(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

// grantOf connects and returns what is needed to speak of the grant.
func grantOf(t *testing.T, source, username string) (*host.Client, *sdk.CredentialRequest) {
	t.Helper()
	k := begin(t, source).login(username)
	if source == family {
		k.answer(fieldMember, "sam")
	}
	c := k.connected()
	return k.c, &sdk.CredentialRequest{Source: source, Account: c.Account, Credential: c.Credential}
}

func TestRevokingIsIdempotent(t *testing.T) {
	for _, source := range []string{clinic, family} {
		c, grant := grantOf(t, source, "demouser")
		for range 2 {
			if err := c.Disconnect(t.Context(), grant); err != nil {
				t.Errorf("%s: %v", source, err)
			}
		}
	}
}

func TestRevokingFailsOnDemand(t *testing.T) {
	for username, want := range map[string]*sdk.Error{
		"revoke_fails":  {Code: sdk.SourceUnavailable, Retryable: true},
		"revoke_denied": {Code: sdk.AccessDenied},
	} {
		for _, source := range []string{clinic, family} {
			c, grant := grantOf(t, source, username)
			refused(t, c.Disconnect(t.Context(), grant), want)
		}
	}
	c, grant := grantOf(t, clinic, "revoke_slow")
	if err := c.Disconnect(t.Context(), grant); err != nil {
		t.Errorf("revoke_slow: %v", err)
	}
}

func TestCheckSaysWhetherACredentialWorks(t *testing.T) {
	c, grant := grantOf(t, clinic, "demouser")
	if err := c.Check(t.Context(), grant); err != nil {
		t.Error(err)
	}
	c, grant = grantOf(t, clinic, "check_revoked")
	refused(t, c.Check(t.Context(), grant), &sdk.Error{Code: sdk.Revoked})
	grant.Credential.Data = "{}"
	refused(t, c.Check(t.Context(), grant), &sdk.Error{Code: sdk.SourceError})
	refused(t, c.Disconnect(t.Context(), grant), &sdk.Error{Code: sdk.SourceError})
}

func TestOnlyDeclaredCapabilitiesCanBeCalled(t *testing.T) {
	c := providertest.Wire(t, provider{})
	step, err := c.Connect(t.Context(), &sdk.ConnectRequest{Source: instant, Reply: sdk.Start{}})
	if err != nil {
		t.Fatal(err)
	}
	grant := &sdk.CredentialRequest{Source: instant, Credential: step.(sdk.Connected).Credential}
	refused(t, c.Disconnect(t.Context(), grant), &sdk.Error{Code: sdk.NotSupported})
	if err := c.Check(t.Context(), grant); err != nil {
		t.Error(err)
	}
	_, err = c.Refresh(t.Context(), grant)
	refused(t, err, &sdk.Error{Code: sdk.NotSupported})
	_, err = c.Connect(t.Context(), &sdk.ConnectRequest{Source: "elsewhere", Reply: sdk.Start{}})
	refused(t, err, &sdk.Error{Code: sdk.NotSupported})
}

func TestAStrayReplyIsAnErrorNotACrash(t *testing.T) {
	begin(t, clinic).reply(sdk.TimePassed{}).refused(&sdk.Error{Code: sdk.SourceError})
	begin(t, family).login("demouser").reply(sdk.TimePassed{}).refused(&sdk.Error{Code: sdk.SourceError})
	for _, resume := range []string{"", "x", "{}", `{"stage":"moon"}`, `{"stage":"fault","username":"demouser"}`} {
		c := providertest.Wire(t, provider{})
		_, err := c.Connect(t.Context(), &sdk.ConnectRequest{
			Source: clinic, Resume: []byte(resume), Reply: sdk.TimePassed{},
		})
		refused(t, err, &sdk.Error{Code: sdk.SourceError})
	}
}

func TestTheReadmeHasExactlyTheFaultsThereAre(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(readme), "## Faults on demand")
	section, _, _ = strings.Cut(section, "## The authorization server")
	if !found {
		t.Fatal("no section of faults")
	}
	var documented, coded []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\|").FindAllStringSubmatch(section, -1) {
		documented = append(documented, row[1])
	}
	for _, f := range faults() {
		coded = append(coded, f.Username)
	}
	if !reflect.DeepEqual(documented, coded) {
		t.Errorf("README.md has\n%v\nthe code has\n%v", documented, coded)
	}
}
