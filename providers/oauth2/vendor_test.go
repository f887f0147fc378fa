package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// A vendor is a source as its file in the catalogue describes it: an authorization server of RFC 6749, 7009 and 7636 that
// departs from them where the file says so, and nowhere else. It reads the file itself, as plain maps, and shares no code
// with the provider. Whatever it is sent that is not as it should be is a problem of the test.

// accountNumber is an id that no float can hold.
const accountNumber = "9007199254740993"

const (
	clientID     = "client of/ours"
	clientSecret = "secret+with/odd characters"
	redirectURI  = "http://127.0.0.1:45678/callback"
	oauthState   = "state-of-core"
	attemptID    = "att_0123456789"
)

type vendor struct {
	*httptest.Server
	facts  facts
	inputs map[string]string

	mu       sync.Mutex
	problems []string
	asked    map[string]bool
	code     string
	// challenge of RFC 7636, and nonce of OpenID Connect, of the authorization request.
	challenge, nonce string
	// access and refresh are the tokens that are valid now.
	access, refresh string
	issued          int
	scopes          []string
	revoked         bool
	registered      bool
	// once is the nonce that was given for the next signed request, and timestamp that of the request for it.
	once, timestamp string
	// recorded is the answer to one kind of request, in place of the vendor's own.
	recorded *recorded
}

// recorded is an answer of a real source.
type recorded struct {
	At          string `yaml:"at"`
	Status      int    `yaml:"status"`
	ContentType string `yaml:"content_type"`
	Body        string `yaml:"body"`
}

// plays answers with what was recorded, if it is the answer to this.
func (v *vendor) plays(w http.ResponseWriter, at string) bool {
	if v.recorded == nil || v.recorded.At != at {
		return false
	}
	body := idToken.ReplaceAllStringFunc(v.recorded.Body, func(s string) string {
		return jwt(map[string]any{"sub": s[len("{id_token ") : len(s)-1], "aud": clientID, "nonce": v.nonce})
	})
	if v.recorded.ContentType != "" {
		w.Header().Set("Content-Type", v.recorded.ContentType)
	}
	w.WriteHeader(v.recorded.Status)
	_, _ = io.WriteString(w, body)
	if at == "exchange" || at == "refresh" {
		v.access, v.refresh = "AT-1", "RT-1"
	}
	return true
}

// idToken stands for an ID token with that subject, for this attempt.
var idToken = regexp.MustCompile(`\{id_token [^}]*\}`)

func newVendor(t *testing.T, f facts, inputs map[string]string) *vendor {
	t.Helper()
	v := &vendor{facts: f, inputs: inputs, asked: make(map[string]bool)}
	v.Server = httptest.NewServer(v)
	t.Cleanup(v.Close)
	return v
}

func (v *vendor) wrong(format string, args ...any) {
	v.problems = append(v.problems, fmt.Sprintf(format, args...))
}

var hole = regexp.MustCompile(`\{[a-z_]+\}`)

// filled puts what is known in the place of placeholders.
func (v *vendor) filled(text string) string {
	known := map[string]string{
		"client_id": clientID, "attempt_id": attemptID, "redirect_uri": redirectURI, "state": oauthState, "account_id": accountNumber,
		"access_token": v.access, "refresh_token": v.refresh, "token": v.refresh, "scope": strings.Join(v.asking(), v.separator()),
		"nonce": v.once, "timestamp": v.timestamp,
	}
	if v.refresh == "" {
		known["token"] = v.access
	}
	for name, value := range v.inputs {
		known[name] = value
	}
	return hole.ReplaceAllStringFunc(text, func(s string) string { return known[s[1:len(s)-1]] })
}

func (v *vendor) asking() []string { return v.facts.at("scopes").list("default") }

func (v *vendor) separator() string {
	if s := v.facts.at("scopes").text("separator"); s != "" {
		return s
	}
	return " "
}

// is says whether a request is for an address of the file. The first segment of its path is the host.
func (v *vendor) is(r *http.Request, address string) bool {
	if address == "" {
		return false
	}
	u, err := url.Parse(v.filled(address))
	return err == nil && r.URL.Path == "/"+u.Host+u.Path
}

func (v *vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	defer v.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	if agent := r.UserAgent(); v.facts != nil && (agent == "" || strings.HasPrefix(agent, "Go-http")) {
		v.wrong("%s %s came without a User-Agent", r.Method, r.URL.Path)
	}
	f := v.facts
	issuer := f.text("issuer")
	refreshAt := f.at("refresh").text("endpoint")
	switch {
	case issuer != "" && v.is(r, issuer+"/.well-known/openid-configuration"):
		answer(w, 200, map[string]any{
			"issuer": issuer, "authorization_endpoint": issuer + "/auth", "token_endpoint": issuer + "/token",
			"revocation_endpoint": issuer + "/revoke", "token_endpoint_auth_methods_supported": []string{"client_secret_basic"},
		})
	case r.Method == http.MethodGet && r.URL.Query().Has("response_type") && r.URL.Query().Get("response_type") == "code" &&
		(v.is(r, f.text("authorization_endpoint")) || issuer != "" && v.is(r, issuer+"/auth")):
		v.authorize(w, r)
	case v.isSignedRevocation(r, body):
		v.api(w, r, body)
	case refreshAt != "" && v.is(r, refreshAt):
		v.renew(w, r, body)
	case v.is(r, f.text("token_endpoint")) || issuer != "" && v.is(r, issuer+"/token"):
		v.token(w, r, body)
	case v.is(r, f.text("revocation_endpoint")) || issuer != "" && v.is(r, issuer+"/revoke"):
		v.revoke(w, r, body)
	default:
		v.api(w, r, body)
	}
}

func answer(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value)
}

// authorize is the authorization endpoint (RFC 6749 §4.1.1), with a person who agrees.
func (v *vendor) authorize(w http.ResponseWriter, r *http.Request) {
	q, scopes := r.URL.Query(), v.facts.at("scopes")
	name := "scope"
	if other := scopes.text("parameter"); other != "" {
		name = other
	}
	want := url.Values{"response_type": {"code"}, "client_id": {clientID}, "redirect_uri": {redirectURI}, "state": {oauthState}}
	if asking := v.asking(); len(asking) > 0 && scopes.text("omit") != "true" {
		want.Set(name, strings.Join(asking, v.separator()))
	}
	for key, value := range v.facts.at("authorization_request").at("parameters") {
		want.Set(key, v.filled(fmt.Sprint(value)))
	}
	v.challenge, v.nonce = q.Get("code_challenge"), q.Get("nonce")
	if v.facts.text("pkce") == "unsupported" {
		if v.challenge != "" {
			v.wrong("PKCE was sent")
		}
	} else {
		want["code_challenge"], want["code_challenge_method"] = []string{v.challenge}, []string{"S256"}
		if v.challenge == "" {
			v.wrong("PKCE was not sent")
		}
	}
	if slices.Contains(v.asking(), "openid") {
		want.Set("nonce", v.nonce)
	}
	v.compare("the authorization request", q, want)
	v.code = "code/1+"
	back := url.Values{"code": {v.code}, "state": {oauthState}}
	v.scopes = v.asking()
	if v.facts.at("granted_scopes").text("from") == "callback" {
		v.scopes = v.scopes[:1] // the person unticks the others
		back.Set("scope", strings.Join(v.scopes, v.separator()))
	}
	http.Redirect(w, r, redirectURI+"?"+back.Encode(), http.StatusFound)
}

func (v *vendor) compare(what string, got, want url.Values) {
	for name := range want {
		if !slices.Equal(got[name], want[name]) {
			v.wrong("%s has %s=%q, want %q", what, name, got[name], want[name])
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			v.wrong("%s has the parameter %s", what, name)
		}
	}
}

// authMethod is how the client has to authenticate.
func (v *vendor) authMethod() string { return v.facts.text("token_endpoint_auth_method") }

// sent reads the parameters of a request to an endpoint where the file has them, and checks who the client is (RFC 6749 §2.3.1).
func (v *vendor) sent(what string, r *http.Request, body []byte, in, method string) url.Values {
	kind := r.Header.Get("Content-Type")
	form := url.Values{}
	switch in {
	case "query":
		form = r.URL.Query()
		if len(body) > 0 {
			v.wrong("%s has a body", what)
		}
	case "json":
		var members map[string]string
		if kind != "application/json" || json.Unmarshal(body, &members) != nil {
			v.wrong("%s is no JSON: %s", what, kind)
		}
		for name, value := range members {
			form.Set(name, value)
		}
	default:
		var err error
		if form, err = url.ParseQuery(string(body)); err != nil || kind != "application/x-www-form-urlencoded" {
			v.wrong("%s is no form: %s", what, kind)
		}
	}
	id, secret, basic := r.BasicAuth()
	switch method {
	case "client_secret_basic":
		if id != url.QueryEscape(clientID) || secret != url.QueryEscape(clientSecret) || form.Has("client_secret") {
			v.wrong("%s: the client does not authenticate by client_secret_basic", what)
		}
		form.Del("client_id")
	case "client_secret_post":
		if basic || form.Get("client_id") != clientID || form.Get("client_secret") != clientSecret {
			v.wrong("%s: the client does not authenticate by client_secret_post", what)
		}
		form.Del("client_id")
		form.Del("client_secret")
	case "none":
		if basic || form.Has("client_secret") || form.Get("client_id") != clientID {
			v.wrong("%s: the client is not a public one", what)
		}
		form.Del("client_id")
	}
	return form
}

func where(how facts, method string) string {
	if in := how.text("parameters_in"); in != "" {
		return in
	}
	if method == http.MethodGet {
		return "query"
	}
	return "form"
}

// token is the token endpoint (RFC 6749 §4.1.3).
func (v *vendor) token(w http.ResponseWriter, r *http.Request, body []byte) {
	how := v.facts.at("token_request")
	method := how.text("method")
	if method == "" {
		method = http.MethodPost
	}
	if r.Method != method {
		v.wrong("the token request is a %s", r.Method)
	}
	peek := r.URL.Query()
	if form, err := url.ParseQuery(string(body)); err == nil && where(how, method) == "form" {
		peek = form
	}
	if peek.Get("grant_type") == "refresh_token" || peek.Get("response_type") == "refresh_token" {
		v.renew(w, r, body)
		return
	}
	form := v.sent("the token request", r, body, where(how, method), v.authMethod())
	want := url.Values{"grant_type": {"authorization_code"}, "code": {v.code}, "redirect_uri": {redirectURI}}
	if v.challenge != "" {
		digest := sha256.Sum256([]byte(form.Get("code_verifier")))
		if base64.RawURLEncoding.EncodeToString(digest[:]) != v.challenge {
			v.wrong("the verifier is not that of the challenge")
		}
		want["code_verifier"] = form["code_verifier"]
	}
	for key, value := range how.at("parameters") {
		want.Set(key, v.filled(fmt.Sprint(value)))
	}
	v.compare("the token request", form, want)
	if v.code == "" {
		answer(w, 400, map[string]any{"error": "invalid_grant"})
		return
	}
	v.code = ""
	if v.plays(w, "exchange") {
		return
	}
	v.grant(w, false)
}

// renew is the token endpoint for a refresh token (RFC 6749 §6).
func (v *vendor) renew(w http.ResponseWriter, r *http.Request, body []byte) {
	how, exchange := v.facts.at("refresh"), v.facts.at("token_request")
	method := how.text("method") + exchange.text("method")
	if method == "" {
		method = http.MethodPost
	}
	in := where(exchange, method)
	form := v.sent("the refresh request", r, body, in, v.authMethod())
	want := url.Values{"grant_type": {"refresh_token"}, "refresh_token": form["refresh_token"]}
	for _, name := range how.list("omit") {
		want.Del(name)
	}
	for key, value := range how.at("parameters") {
		want.Set(key, v.filled(fmt.Sprint(value)))
	}
	v.compare("the refresh request", form, want)
	if r.Method != method {
		v.wrong("the refresh request is a %s", r.Method)
	}
	if v.plays(w, "refresh") {
		return
	}
	if v.revoked || form.Get("refresh_token") != v.refresh || v.refresh == "" {
		v.refuseGrant(w)
		return
	}
	v.grant(w, true)
}

// refuseGrant says that a refresh token is not valid, by the first rule of the file that says so, or as RFC 6749 §5.2 does.
func (v *vendor) refuseGrant(w http.ResponseWriter) {
	rules, _ := v.facts["errors"].([]any)
	for _, one := range rules {
		rule, _ := asFacts(one)
		if rule.text("code") == "revoked" && rule.text("status") == "" {
			members := map[string]any{}
			for path, value := range rule.at("where") {
				members[path] = strings.TrimSuffix(fmt.Sprint(value), "*")
			}
			answer(w, 200, members)
			return
		}
	}
	answer(w, 400, map[string]any{"error": "invalid_grant", "error_description": "the token " + v.refresh + " is dead"})
}

// grant gives tokens (RFC 6749 §5.1).
func (v *vendor) grant(w http.ResponseWriter, again bool) {
	v.issued++
	refresh, how := v.facts.at("refresh"), v.facts.at("token_response")
	members := map[string]any{"token_type": "Bearer", "expires_in": 3600}
	if !again || refresh.text("extends") != "true" {
		v.access = fmt.Sprintf("access-%d/+=", v.issued)
		if v.facts.at("account").text("from") == "access_token" {
			v.access = jwt(map[string]any{"sub": accountNumber, "n": v.issued})
		}
	}
	members["access_token"] = v.access
	if v.facts.at("granted_scopes") != nil {
		members["scope"] = "OF_THE_CLIENT"
	}
	rotates := refresh.text("rotation") == "yes"
	if refresh.text("refresh_token") != "never" && (!again || rotates) {
		v.refresh = fmt.Sprintf("refresh-%d/+=", v.issued)
		members["refresh_token"] = v.refresh
	}
	if !again {
		v.revoked = false
		if account := v.facts.at("account"); account.text("from") == "token_response" {
			plant(members, account.text("id"), json.Number(accountNumber))
		}
		if slices.Contains(v.asking(), "openid") {
			members["id_token"] = jwt(map[string]any{"sub": accountNumber, "aud": clientID, "nonce": v.nonce, "iss": v.facts.text("issuer")})
		}
		if name := how.text("consent_expires_at"); name != "" {
			members[name] = "2099-09-05 19:17:53Z"
		}
	}
	if again && refresh.text("extends") == "true" {
		members = map[string]any{}
	}
	for name, others := range how.at("members") {
		if value, ok := members[name]; ok {
			delete(members, name)
			members[fmt.Sprint(others.([]any)[0])] = value
		}
	}
	if root := how.text("root"); root != "" {
		members = map[string]any{root: members}
	}
	for name, value := range how.at("success") {
		members[name] = value
	}
	answer(w, 200, members)
}

// plant puts a value at a path.
func plant(into map[string]any, path string, value any) {
	first, rest, more := strings.Cut(path, ".")
	if !more {
		into[first] = value
		return
	}
	inner, _ := into[first].(map[string]any)
	if inner == nil {
		inner = make(map[string]any)
		into[first] = inner
	}
	plant(inner, rest, value)
}

func jwt(claims map[string]any) string {
	data, _ := json.Marshal(claims)
	return "eyJhbGciOiJub25lIn0." + base64.RawURLEncoding.EncodeToString(data) + ".c2ln"
}
