package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/providers/sandbox/server/authority"
	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/host"
	"github.com/humanconnect/humanconnect/sdk/providertest"
)

const callbackAddress = "http://127.0.0.1:45678/callback"

// later is a clock that a test sets forward.
type later struct {
	mu sync.Mutex
	by time.Duration
}

func (l *later) now() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Now().Add(l.by)
}

func (l *later) pass(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.by += d
}

// startServer runs the real authorization server on loopback until the test ends.
func startServer(t *testing.T) (string, *later) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	clock := &later{}
	address := "http://" + listener.Addr().String()
	handler, err := authority.New(address, clock.now)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		_ = server.Close()
		<-served
	})
	return address, clock
}

// beginAt starts an attempt at a source of the server.
func beginAt(t *testing.T, source, server string) *talk {
	t.Helper()
	k := &talk{t: t, c: providertest.Wire(t, provider{}), req: sdk.ConnectRequest{
		Source: source, OAuthState: "state-of-core", RedirectURI: callbackAddress,
		Settings: sdk.Settings{Values: map[string]string{settingServer: server}},
		FrontEnd: sdk.FrontEnd{Browser: true, Form: true, Code: true},
	}}
	return k.reply(sdk.Start{})
}

// visit is what came of one request.
type visit struct {
	status int
	at     *url.URL
	// to is where a redirect goes, or nil.
	to   *url.URL
	body string
}

// request makes one request and follows no redirect.
func request(t *testing.T, method, address string, form url.Values) visit {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	client := &http.Client{
		Timeout: 10 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	to, _ := resp.Location() // no redirect: nil
	return visit{status: resp.StatusCode, at: req.URL, to: to, body: string(body)}
}

// browse follows redirects by hand from an address to the page that ends them, or to the address of another host.
func browse(t *testing.T, address string) visit {
	t.Helper()
	for range 5 {
		v := request(t, http.MethodGet, address, nil)
		if v.to == nil || v.to.Host != v.at.Host {
			return v
		}
		address = v.to.String()
	}
	t.Fatal("too many redirects")
	return visit{}
}

// choice is what a person does on the consent page.
type choice struct {
	username, password, fault, decision string
	without                             []string
}

var (
	hiddenID  = regexp.MustCompile(`name="id" value="([^"]+)"`)
	tickedBox = regexp.MustCompile(`name="scope" value="([^"]+)" checked`)
)

// consent fills in the form of the page at an address and returns where the browser is then sent, or the last page.
func consent(t *testing.T, address string, c choice) string {
	t.Helper()
	page := browse(t, address)
	id := hiddenID.FindStringSubmatch(page.body)
	if page.status != http.StatusOK || id == nil {
		t.Fatalf("no consent page: %d\n%s", page.status, page.body)
	}
	form := url.Values{
		"id": {id[1]}, "username": {or(c.username, "demouser")}, "password": {or(c.password, "password")},
		"fault": {or(c.fault, "none")}, "decision": {or(c.decision, "allow")},
	}
	for _, box := range tickedBox.FindAllStringSubmatch(page.body, -1) {
		if !slices.Contains(c.without, box[1]) {
			form.Add("scope", box[1])
		}
	}
	v := request(t, http.MethodPost, "http://"+page.at.Host+"/consent", form)
	if v.to != nil && v.to.Host == page.at.Host {
		v = browse(t, v.to.String())
	}
	if v.to == nil {
		return v.body
	}
	return v.to.String()
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// consents gives the consent that an OpenURL step asks for, and gives the provider the answer as core would.
func (k *talk) consents(c choice) *talk {
	k.t.Helper()
	step, ok := k.step.(sdk.OpenURL)
	if k.err != nil || !ok {
		k.t.Fatalf("step %+v, %v", k.step, k.err)
	}
	to := consent(k.t, step.URL, c)
	if !strings.HasPrefix(to, callbackAddress+"?") {
		k.t.Fatalf("the browser ended at %s", to)
	}
	return k.reply(callbackOf(k.t, to))
}

func callbackOf(t *testing.T, address string) sdk.Callback {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	var reply sdk.Callback
	for name, values := range u.Query() {
		for _, value := range values {
			reply.Parameters = append(reply.Parameters, sdk.Parameter{Name: name, Value: value})
		}
	}
	return reply
}

// types types the code of a ShowCode step and gives consent.
func (k *talk) types(c choice) *talk {
	k.t.Helper()
	step, ok := k.step.(sdk.ShowCode)
	if k.err != nil || !ok {
		k.t.Fatalf("step %+v, %v", k.step, k.err)
	}
	if last := consent(k.t, step.VerificationURI+"?user_code="+strings.ToLower(step.UserCode), c); !strings.Contains(last, "You can close this page") {
		k.t.Fatalf("the last page is\n%s", last)
	}
	return k
}

// polls asks once more, after the time that the step wants to pass.
func (k *talk) polls(clock *later) *talk {
	k.t.Helper()
	step, ok := k.step.(sdk.ShowCode)
	if k.err != nil || !ok {
		k.t.Fatalf("step %+v, %v", k.step, k.err)
	}
	clock.pass(step.PollAfter)
	return k.reply(sdk.TimePassed{})
}

// waits lets time pass as often as a step asks for no more than that.
func (k *talk) waits() *talk {
	k.t.Helper()
	for range 10 {
		if _, ok := k.step.(sdk.Wait); !ok || k.err != nil {
			return k
		}
		k.reply(sdk.TimePassed{})
	}
	k.t.Fatal("it waits for ever")
	return k
}

func (k *talk) grant() *sdk.CredentialRequest {
	k.t.Helper()
	c := k.connected()
	return &sdk.CredentialRequest{Source: k.req.Source, Settings: k.req.Settings, Account: c.Account, Credential: c.Credential}
}

// tokens is what a credential has in it.
type tokens struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	Type    string `json:"token_type"`
}

func tokensOf(t *testing.T, c sdk.Credential) tokens {
	t.Helper()
	var out tokens
	if err := json.Unmarshal([]byte(c.Data.Reveal()), &out); err != nil || c.MediaType != sdk.MediaTypeOAuth2 {
		t.Fatalf("credential %s: %v", c.MediaType, err)
	}
	return out
}

func TestTrackerConnectsInABrowserWithPKCE(t *testing.T) {
	server, _ := startServer(t)
	k := beginAt(t, tracker, server)
	step, ok := k.step.(sdk.OpenURL)
	if !ok {
		t.Fatalf("step %+v, %v", k.step, k.err)
	}
	asked, err := url.Parse(step.URL)
	if err != nil {
		t.Fatal(err)
	}
	q := asked.Query()
	for name, want := range map[string]string{
		"response_type": "code", "client_id": tracker, "redirect_uri": callbackAddress, "state": "state-of-core",
		"code_challenge_method": "S256", "scope": "profile offline_access openid activity:read",
	} {
		if got := q.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if len(q.Get("code_challenge")) != 43 || q.Get("nonce") == "" {
		t.Errorf("challenge %q, nonce %q", q.Get("code_challenge"), q.Get("nonce"))
	}
	c := k.consents(choice{}).connected()
	if c.Account.Label != "demouser" || c.Account.ID == "" || !slices.Contains(c.Scopes, "activity:read") {
		t.Errorf("connected %+v", c)
	}
	have := tokensOf(t, c.Credential)
	if have.Access == "" || have.Refresh == "" || have.Type != "Bearer" {
		t.Error("the credential is not whole")
	}
	if left := time.Until(c.Credential.ExpiresAt); left < 50*time.Minute || left > time.Hour {
		t.Errorf("the credential ends in %v", left)
	}
	if err := k.c.Check(t.Context(), k.grant()); err != nil {
		t.Error(err)
	}
}

func TestOneAccountHasOneIDAndAnotherAnother(t *testing.T) {
	server, _ := startServer(t)
	first := beginAt(t, tracker, server).consents(choice{}).connected().Account
	again := beginAt(t, tracker, server).consents(choice{}).connected().Account
	other := beginAt(t, tracker, server).consents(choice{username: "demouser2"}).connected().Account
	if first != again || first.ID == other.ID || other.Label != "demouser2" {
		t.Errorf("accounts %+v, %+v, %+v", first, again, other)
	}
}

func TestEveryFaultOfTheBrowserEndsInItsCode(t *testing.T) {
	t.Parallel() // one of them is to be waited for
	server, _ := startServer(t)
	unavailable := func(after time.Duration) *sdk.Error {
		return &sdk.Error{Code: sdk.SourceUnavailable, Retryable: true, RetryAfter: after}
	}
	want := map[string]*sdk.Error{
		"none": nil, "slow": nil, "short": nil, "no_rotation": nil, "revoke_later": nil, "revoke_fails": nil, "account_late": nil,
		// The state is core's to check: the provider is never told of an answer with another.
		"wrong_state":                   nil,
		"wrong_issuer":                  {Code: sdk.SourceError},
		"no_code":                       {Code: sdk.SourceError},
		"error_temporarily_unavailable": unavailable(0),
		"error_server_error":            {Code: sdk.SourceError, Retryable: true},
		"error_invalid_scope":           {Code: sdk.ScopeMissing},
		"error_unauthorized_client":     {Code: sdk.BadConfiguration, Setting: "client_id"},
		"hang":                          unavailable(0),
		"token_unavailable":             unavailable(30 * time.Second),
		"token_rate_limited":            {Code: sdk.RateLimited, Retryable: true, RetryAfter: time.Minute},
		"token_garbage":                 {Code: sdk.SourceError},
		"token_huge":                    {Code: sdk.SourceError},
		"token_redirect":                {Code: sdk.SourceError},
		"code_refused":                  {Code: sdk.SourceError, Retryable: true},
		"client_refused":                {Code: sdk.BadConfiguration, Setting: "client_id"},
		"account_fails":                 unavailable(0),
	}
	for _, fault := range authority.Faults() {
		if !fault.Browser {
			continue
		}
		expected, listed := want[fault.ID]
		if !listed {
			t.Errorf("%s is not tested", fault.ID)
			continue
		}
		t.Run(fault.ID, func(t *testing.T) {
			t.Parallel()
			k := beginAt(t, tracker, server).consents(choice{fault: fault.ID}).waits()
			if expected == nil {
				k.connected()
			} else {
				k.refused(expected)
			}
		})
	}
}

func TestWrongStateReachesTheRedirect(t *testing.T) {
	server, _ := startServer(t)
	k := beginAt(t, tracker, server)
	to := consent(t, k.step.(sdk.OpenURL).URL, choice{fault: "wrong_state"})
	if got := callbackOf(t, to).Get("state"); got != "wrong" {
		t.Errorf("the state is %q", got)
	}
	to = consent(t, beginAt(t, tracker, server).step.(sdk.OpenURL).URL, choice{})
	if got := callbackOf(t, to); got.Get("state") != "state-of-core" || got.Get("iss") != server {
		t.Errorf("the answer is %v", got)
	}
}

func TestDenyingIsAccessDenied(t *testing.T) {
	server, clock := startServer(t)
	denied := &sdk.Error{Code: sdk.AccessDenied}
	beginAt(t, tracker, server).consents(choice{decision: "deny", password: "x"}).refused(denied)
	beginAt(t, scale, server).types(choice{decision: "deny"}).polls(clock).refused(denied)
}

func TestARequiredScopeThatIsNotGrantedIsScopeMissing(t *testing.T) {
	server, clock := startServer(t)
	missing := &sdk.Error{Code: sdk.ScopeMissing}
	beginAt(t, tracker, server).consents(choice{without: []string{"activity:read"}}).refused(missing)
	beginAt(t, scale, server).types(choice{without: []string{"weight:read"}}).polls(clock).refused(missing)
	c := beginAt(t, tracker, server).consents(choice{without: []string{"offline_access", "profile"}}).connected()
	if have := tokensOf(t, c.Credential); have.Refresh != "" || slices.Contains(c.Scopes, "profile") || c.Account.Label != "" {
		t.Errorf("what was not given is there: %v, %+v", c.Scopes, c.Account)
	}
}

func TestScaleConnectsWithACode(t *testing.T) {
	server, clock := startServer(t)
	k := beginAt(t, scale, server)
	first, ok := k.step.(sdk.ShowCode)
	if !ok {
		t.Fatalf("step %+v, %v", k.step, k.err)
	}
	if first.VerificationURI != server+"/device" || first.UserCode == "" || first.PollAfter != time.Second ||
		!strings.HasSuffix(first.VerificationURIComplete, first.UserCode) || time.Until(first.ExpiresAt) < 9*time.Minute {
		t.Errorf("step %+v", first)
	}
	pending := k.polls(clock).step.(sdk.ShowCode)
	pending.Resume = first.Resume
	if pending.UserCode != first.UserCode || pending.PollAfter != first.PollAfter || !pending.ExpiresAt.Equal(first.ExpiresAt) {
		t.Errorf("the step changed to %+v", pending)
	}
	c := k.types(choice{username: "demouser7"}).polls(clock).connected()
	if c.Account.Label != "demouser7" || !slices.Contains(c.Scopes, "weight:read") {
		t.Errorf("connected %+v", c)
	}
	if err := k.c.Check(t.Context(), k.grant()); err != nil {
		t.Error(err)
	}
}

func TestAPollThatIsTooEarlyIsSlowedDown(t *testing.T) {
	server, clock := startServer(t)
	k := beginAt(t, scale, server).polls(clock)
	k.reply(sdk.TimePassed{})
	if after := k.step.(sdk.ShowCode).PollAfter; after != 6*time.Second {
		t.Errorf("the next question comes after %v", after)
	}
	k.polls(clock).types(choice{}).polls(clock).connected()
}

func TestEveryFaultOfADeviceEndsInItsCode(t *testing.T) {
	t.Parallel() // one of them is to be waited for
	want := map[string]*sdk.Error{
		"none": nil, "slow": nil, "short": nil, "no_rotation": nil, "revoke_later": nil, "revoke_fails": nil, "account_late": nil,
		"expired":            {Code: sdk.AttemptExpired, Retryable: true},
		"token_rate_limited": {Code: sdk.RateLimited, Retryable: true, RetryAfter: time.Minute},
		"token_garbage":      {Code: sdk.SourceError},
		"token_huge":         {Code: sdk.SourceError},
		"token_redirect":     {Code: sdk.SourceError},
		"code_refused":       {Code: sdk.AttemptExpired, Retryable: true},
		"client_refused":     {Code: sdk.BadConfiguration, Setting: "client_id"},
		"account_fails":      {Code: sdk.SourceUnavailable, Retryable: true},
	}
	// These do not end an attempt: it is asked again, later.
	asksAgain := map[string]time.Duration{
		"slow_down": 6 * time.Second, "hang": 2 * time.Second, "token_unavailable": 30 * time.Second,
	}
	for _, fault := range authority.Faults() {
		expected, listed := want[fault.ID]
		after, again := asksAgain[fault.ID]
		if !fault.Device {
			continue
		}
		if !listed && !again {
			t.Errorf("%s is not tested", fault.ID)
		}
		t.Run(fault.ID, func(t *testing.T) {
			t.Parallel()
			// A server of its own: on a shared one the time that passes for one fault ends another's tokens.
			server, clock := startServer(t)
			k := beginAt(t, scale, server).types(choice{fault: fault.ID}).polls(clock).waits()
			switch {
			case again:
				if step, ok := k.step.(sdk.ShowCode); !ok || step.PollAfter != after {
					t.Errorf("step %+v, %v", k.step, k.err)
				}
			case expected == nil:
				k.connected()
			default:
				k.refused(expected)
			}
		})
	}
}

func TestRefreshingRotatesAndReuseEndsTheGrant(t *testing.T) {
	server, _ := startServer(t)
	k := beginAt(t, tracker, server).consents(choice{})
	old := k.grant()
	refreshed, err := k.c.Refresh(t.Context(), old)
	if err != nil {
		t.Fatal(err)
	}
	was, is := tokensOf(t, old.Credential), tokensOf(t, refreshed.Credential)
	if was.Access == is.Access || was.Refresh == is.Refresh || is.Refresh == "" || !slices.Contains(refreshed.Scopes, "activity:read") {
		t.Error("nothing was rotated")
	}
	fresh := *old
	fresh.Credential = refreshed.Credential
	if err := k.c.Check(t.Context(), &fresh); err != nil {
		t.Error(err)
	}
	revoked := &sdk.Error{Code: sdk.Revoked}
	_, err = k.c.Refresh(t.Context(), old)
	refused(t, err, revoked)
	refused(t, k.c.Check(t.Context(), &fresh), revoked)
	_, err = k.c.Refresh(t.Context(), &fresh)
	refused(t, err, revoked)
}

func TestAServerThatDoesNotRotateLeavesTheTokenAsItIs(t *testing.T) {
	server, _ := startServer(t)
	k := beginAt(t, tracker, server).consents(choice{fault: "no_rotation"})
	for range 2 {
		refreshed, err := k.c.Refresh(t.Context(), k.grant())
		if err != nil {
			t.Fatal(err)
		}
		if tokensOf(t, refreshed.Credential).Refresh != tokensOf(t, k.grant().Credential).Refresh {
			t.Error("the refresh token changed")
		}
	}
}

// userinfo asks with an access token, around the provider.
func userinfo(t *testing.T, server, access string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server+"/userinfo", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+access)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

// introspected asks the server itself whether a token is active (RFC 7662).
func introspected(t *testing.T, server, token string) bool {
	t.Helper()
	form := url.Values{"token": {token}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server+"/oauth/introspect", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth("sandbox-confidential", "sandbox-secret")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var answer struct {
		Active *bool `json:"active"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || answer.Active == nil {
		t.Fatalf("introspection: %s, %v", resp.Status, err)
	}
	return *answer.Active
}

func TestRevokingReallyEndsTheTokens(t *testing.T) {
	server, _ := startServer(t)
	k := beginAt(t, tracker, server).consents(choice{})
	grant := k.grant()
	have := tokensOf(t, grant.Credential)
	if userinfo(t, server, have.Access) != http.StatusOK || !introspected(t, server, have.Access) {
		t.Fatal("the token does not work to begin with")
	}
	for range 2 {
		if err := k.c.Disconnect(t.Context(), grant); err != nil {
			t.Fatal(err)
		}
	}
	if code := userinfo(t, server, have.Access); code != http.StatusUnauthorized {
		t.Errorf("the access token still gets %d", code)
	}
	if introspected(t, server, have.Access) {
		t.Error("the access token is still active")
	}
	_, err := k.c.Refresh(t.Context(), grant)
	refused(t, err, &sdk.Error{Code: sdk.Revoked})
	refused(t, k.c.Check(t.Context(), grant), &sdk.Error{Code: sdk.Revoked})
}

func TestRevokingFailsWhereTheServerDoes(t *testing.T) {
	server, _ := startServer(t)
	k := beginAt(t, tracker, server).consents(choice{fault: "revoke_fails"})
	refused(t, k.c.Disconnect(t.Context(), k.grant()), &sdk.Error{Code: sdk.SourceUnavailable, Retryable: true})
}

func TestASourceRevokesAGrant(t *testing.T) {
	server, clock := startServer(t)
	k := beginAt(t, tracker, server).consents(choice{fault: "revoke_later"})
	if err := k.c.Check(t.Context(), k.grant()); err != nil {
		t.Fatal(err)
	}
	clock.pass(6 * time.Second)
	refused(t, k.c.Check(t.Context(), k.grant()), &sdk.Error{Code: sdk.Revoked})
}

func TestAnExpiredAccessTokenIsRefreshedNotRevoked(t *testing.T) {
	server, _ := startServer(t)
	k := beginAt(t, tracker, server).consents(choice{fault: "short"})
	grant := k.grant()
	if left := time.Until(grant.Credential.ExpiresAt); left > 2*time.Second {
		t.Fatalf("the token works for %v", left)
	}
	grant.Credential.ExpiresAt = time.Now().Add(-time.Second)
	refused(t, k.c.Check(t.Context(), grant), &sdk.Error{Code: sdk.NotSupported, Retryable: true})
	if _, err := k.c.Refresh(t.Context(), grant); err != nil {
		t.Error(err)
	}
}

func TestAClientWithASecretShowsIt(t *testing.T) {
	server, clock := startServer(t)
	own := func(source string) *talk {
		k := beginAt(t, source, server)
		k.req.Settings.Values["client_id"] = "sandbox-confidential"
		k.req.Settings.Secrets = map[string]sdk.Secret{"client_secret": "sandbox-secret"}
		k.step = nil
		return k.reply(sdk.Start{})
	}
	k := own(tracker).consents(choice{})
	grant := k.grant()
	if _, err := k.c.Refresh(t.Context(), grant); err != nil {
		t.Error(err)
	}
	if err := k.c.Disconnect(t.Context(), grant); err != nil {
		t.Error(err)
	}
	own(scale).types(choice{}).polls(clock).connected()
	k = own(tracker)
	k.req.Settings.Secrets["client_secret"] = "wrong"
	k.consents(choice{}).refused(&sdk.Error{Code: sdk.BadConfiguration, Setting: "client_secret"})
}

func TestAServerThatDoesNotRunIsUnavailableWithTheHint(t *testing.T) {
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := "http://" + listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	for _, source := range []string{tracker, scale} {
		k := beginAt(t, source, address)
		k.refused(&sdk.Error{Code: sdk.SourceUnavailable, Retryable: true})
		if !strings.Contains(k.err.Error(), "humanconnect sandbox") || !strings.Contains(k.err.Error(), address) {
			t.Errorf("no hint in %v", k.err)
		}
	}
}

func TestACodeAndAPageAreGoodForOnce(t *testing.T) {
	server, _ := startServer(t)
	k := beginAt(t, tracker, server)
	step := k.step.(sdk.OpenURL)
	page := browse(t, step.URL)
	answer := callbackOf(t, consent(t, page.at.String(), choice{}))
	form := url.Values{"id": {hiddenID.FindStringSubmatch(page.body)[1]}, "decision": {"deny"}}
	if again := request(t, http.MethodPost, server+"/consent", form); again.status != http.StatusNotFound {
		t.Errorf("a second decision gets %d", again.status)
	}
	k.reply(answer).connected()
	k.step = step
	k.reply(answer).refused(&sdk.Error{Code: sdk.SourceError, Retryable: true})
}

func TestAWrongValueOnThePageIsReportedAtItsField(t *testing.T) {
	server, _ := startServer(t)
	k := beginAt(t, tracker, server)
	for _, c := range []struct {
		choice choice
		says   string
	}{
		{choice{username: "nobody"}, `id="username"`},
		{choice{password: "wrong"}, `id="password"`},
		{choice{fault: "expired"}, `id="fault"`},
	} {
		body := consent(t, k.step.(sdk.OpenURL).URL, c.choice)
		field := regexp.MustCompile(`<(?:input|select)[^>]*` + c.says + `[^>]*>`).FindString(body)
		if !strings.Contains(field, `aria-invalid="true" aria-describedby="wrong"`) || !strings.Contains(body, `role="alert" id="wrong"`) {
			t.Errorf("%+v: %s", c.choice, field)
		}
	}
}

func TestTheReadmeHasExactlyTheFaultsOfTheServer(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(readme), "## The authorization server")
	var documented, coded []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\|").FindAllStringSubmatch(section, -1) {
		documented = append(documented, row[1])
	}
	for _, f := range authority.Faults() {
		coded = append(coded, f.ID)
	}
	if documented = documented[1:]; !slices.Equal(documented, coded) { // the first row is the header
		t.Errorf("README.md has\n%v\nthe code has\n%v", documented, coded)
	}
}

func TestNoErrorHasASecretInIt(t *testing.T) {
	server, _ := startServer(t)
	for _, fault := range []string{"wrong_issuer", "code_refused", "token_garbage", "token_huge", "account_fails"} {
		k := beginAt(t, tracker, server)
		answer := callbackOf(t, consent(t, k.step.(sdk.OpenURL).URL, choice{fault: fault}))
		k.req.Reply, k.req.Resume = answer, host.ResumeOf(k.step)
		step, err := provider{}.Connect(context.Background(), &k.req)
		for wait, ok := step.(sdk.Wait); ok && err == nil; wait, ok = step.(sdk.Wait) {
			k.req.Reply, k.req.Resume = sdk.TimePassed{}, wait.Resume
			step, err = provider{}.Connect(context.Background(), &k.req)
		}
		if err == nil || strings.Contains(err.Error(), answer.Get("code")) || strings.Contains(err.Error(), "state-of-core") {
			t.Errorf("%s: %v", fault, err)
		}
		if said := (*sdk.Error)(nil); !errors.As(err, &said) {
			t.Errorf("%s: %v is not said by a code", fault, err)
		}
	}
}
