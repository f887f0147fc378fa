// Package oidc_test runs the SDK's OAuth helper against a stranger: npm oidc-provider, with its own pages.
package oidc_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/oauth2"
)

const callbackAddress = "http://127.0.0.1:45679/callback"

// startPeer runs the server as a process until the test ends.
func startPeer(t *testing.T) string {
	t.Helper()
	if _, err := os.Stat("node_modules/oidc-provider"); err != nil {
		t.Fatal("oidc-provider is not installed: run npm ci in this folder")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	peer := exec.CommandContext(ctx, "node", "server.mjs")
	stdin, err := peer.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := peer.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := peer.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = peer.Wait()
		cancel()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

func source(issuer string, ways ...sdk.Way) *oauth2.Source {
	return &oauth2.Source{
		Issuer: issuer, ClientID: "us", Scopes: []string{"openid", "offline_access", "sleep"}, Required: []string{"sleep"}, Ways: ways,
		Account: func(ctx context.Context, client *http.Client, token oauth2.Token) (sdk.Account, error) {
			var me struct {
				Sub string `json:"sub"`
			}
			err := oauth2.Get(ctx, client, token.Issuer+"/me", &me)
			return sdk.Account{ID: me.Sub, Label: me.Sub}, err
		},
	}
}

// person is a browser with one user in front of it.
type person struct {
	t      *testing.T
	client *http.Client
	// says no on the page of consent.
	denies bool
}

func newPerson(t *testing.T) *person {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &person{t: t, client: &http.Client{
		Jar: jar, Timeout: 10 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

var (
	form  = regexp.MustCompile(`(?s)<form[^>]*action="([^"]+)"[^>]*>(.*?)</form>`)
	input = regexp.MustCompile(`<input[^>]*>`)
	name  = regexp.MustCompile(`name="([^"]+)"`)
	value = regexp.MustCompile(`value="([^"]*)"`)
	abort = regexp.MustCompile(`href="([^"]+/abort)"`)
)

// goes fills in whatever form a page has, until the browser is sent to the callback, or a page has none.
func (p *person) goes(address, userCode string) (callback *url.URL, page string) {
	p.t.Helper()
	var fields url.Values
	for range 20 {
		to, body := p.visit(address, fields)
		fields = nil
		if to != nil {
			if strings.HasPrefix(to.String(), callbackAddress+"?") {
				return to, ""
			}
			address = to.String()
			continue
		}
		if link := abort.FindStringSubmatch(body); p.denies && link != nil && !strings.Contains(body, `name="login"`) {
			address = p.absolute(address, link[1])
			continue
		}
		found := form.FindStringSubmatch(body)
		if found == nil {
			return nil, body
		}
		address, fields = p.absolute(address, html.UnescapeString(found[1])), url.Values{}
		for _, tag := range input.FindAllString(found[2], -1) {
			if n := name.FindStringSubmatch(tag); n != nil {
				fields.Set(n[1], "")
				if v := value.FindStringSubmatch(tag); v != nil {
					fields.Set(n[1], html.UnescapeString(v[1]))
				}
			}
		}
		for field, typed := range map[string]string{"login": "anna", "password": "any", "user_code": userCode} {
			if fields.Has(field) && fields.Get(field) == "" {
				fields.Set(field, typed)
			}
		}
	}
	p.t.Fatal("the pages do not end")
	return nil, ""
}

func (p *person) absolute(base, ref string) string {
	p.t.Helper()
	b, err := url.Parse(base)
	if err != nil {
		p.t.Fatal(err)
	}
	u, err := b.Parse(ref)
	if err != nil {
		p.t.Fatal(err)
	}
	return u.String()
}

func (p *person) visit(address string, fields url.Values) (*url.URL, string) {
	p.t.Helper()
	method := http.MethodGet
	if fields != nil {
		method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(p.t.Context(), method, address, strings.NewReader(fields.Encode()))
	if err != nil {
		p.t.Fatal(err)
	}
	if fields != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := p.client.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	to, _ := resp.Location() // no redirect: nil
	return to, string(body)
}

// connect starts an attempt, lets the person go through the pages, and gives the source the answer.
func connect(t *testing.T, s *oauth2.Source, p *person) (sdk.Step, error) {
	t.Helper()
	req := &sdk.ConnectRequest{
		Reply: sdk.Start{}, RedirectURI: callbackAddress, OAuthState: "state-of-core", FrontEnd: sdk.FrontEnd{Browser: true},
	}
	step, err := s.Connect(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	to, page := p.goes(step.(sdk.OpenURL).URL, "")
	if to == nil {
		t.Fatalf("the last page is\n%s", page)
	}
	var answer sdk.Callback
	for n, values := range to.Query() {
		answer.Parameters = append(answer.Parameters, sdk.Parameter{Name: n, Value: values[0]})
	}
	if answer.Get("state") != "state-of-core" || answer.Get("iss") == "" {
		t.Errorf("the answer has no state or issuer")
	}
	req.Reply, req.Resume = answer, sdk.ResumeOf(step)
	return s.Connect(t.Context(), req)
}

func refused(t *testing.T, err error, want sdk.Code) {
	t.Helper()
	var said *sdk.Error
	if !errors.As(err, &said) || said.Code != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestAStrangersServerConnectsRefreshesAndRevokes(t *testing.T) {
	s := source(startPeer(t))
	step, err := connect(t, s, newPerson(t))
	if err != nil {
		t.Fatal(err)
	}
	c := step.(sdk.Connected)
	if c.Account.ID != "anna" || !slices.Contains(c.Scopes, "sleep") || c.Credential.ExpiresAt.IsZero() {
		t.Errorf("connected %+v", c)
	}
	grant := &sdk.GrantRequest{Account: c.Account, Credential: c.Credential}
	if err := s.Check(t.Context(), grant); err != nil {
		t.Error(err)
	}
	refreshed, err := s.Refresh(t.Context(), grant)
	if err != nil {
		t.Fatal(err)
	}
	fresh := &sdk.GrantRequest{Account: c.Account, Credential: refreshed.Credential}
	if refreshTokenOf(t, grant) == refreshTokenOf(t, fresh) {
		t.Error("the refresh token was not rotated")
	}
	if err := s.Disconnect(t.Context(), fresh); err != nil {
		t.Error(err)
	}
	refused(t, s.Check(t.Context(), fresh), sdk.Revoked)
	_, err = s.Refresh(t.Context(), fresh)
	refused(t, err, sdk.Revoked)
	if err := s.Disconnect(t.Context(), fresh); err != nil {
		t.Errorf("revoking again: %v", err)
	}
}

func refreshTokenOf(t *testing.T, g *sdk.GrantRequest) string {
	t.Helper()
	var tokens struct {
		Refresh string `json:"refresh_token"`
	}
	if err := json.Unmarshal([]byte(g.Credential.Data.Reveal()), &tokens); err != nil || tokens.Refresh == "" {
		t.Fatal("there is no refresh token")
	}
	return tokens.Refresh
}

func TestAStrangersServerEndsAGrantWhoseTokenIsUsedTwice(t *testing.T) {
	s := source(startPeer(t))
	step, err := connect(t, s, newPerson(t))
	if err != nil {
		t.Fatal(err)
	}
	old := &sdk.GrantRequest{Credential: step.(sdk.Connected).Credential}
	refreshed, err := s.Refresh(t.Context(), old)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Refresh(t.Context(), old)
	refused(t, err, sdk.Revoked)
	_, err = s.Refresh(t.Context(), &sdk.GrantRequest{Credential: refreshed.Credential})
	refused(t, err, sdk.Revoked)
}

func TestAtAStrangersServerNoIsAccessDenied(t *testing.T) {
	p := newPerson(t)
	p.denies = true
	_, err := connect(t, source(startPeer(t)), p)
	refused(t, err, sdk.AccessDenied)
}

func TestAStrangersServerConnectsADevice(t *testing.T) {
	s := source(startPeer(t), sdk.WayCode)
	req := &sdk.ConnectRequest{Reply: sdk.Start{}, FrontEnd: sdk.FrontEnd{Code: true}}
	step, err := s.Connect(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	shown := step.(sdk.ShowCode)
	req.Reply, req.Resume = sdk.TimePassed{}, shown.Resume
	if step, err = s.Connect(t.Context(), req); err != nil || step.(sdk.ShowCode).UserCode != shown.UserCode {
		t.Fatalf("before the code is typed: %+v, %v", step, err)
	}
	newPerson(t).goes(shown.VerificationURI, shown.UserCode)
	req.Resume = sdk.ResumeOf(step)
	if step, err = s.Connect(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	if c := step.(sdk.Connected); c.Account.ID != "anna" {
		t.Errorf("connected %+v", c)
	}
}
