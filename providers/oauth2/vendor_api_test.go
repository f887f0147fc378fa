package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// revoke is the revocation endpoint of RFC 7009.
func (v *vendor) revoke(w http.ResponseWriter, r *http.Request, body []byte) {
	method := v.facts.text("revocation_endpoint_auth_method")
	if method == "" {
		method = v.authMethod()
	}
	form := v.sent("the revocation", r, body, "form", method)
	v.compare("the revocation", form, url.Values{"token": form["token"], "token_type_hint": form["token_type_hint"]})
	if token := form.Get("token"); token == v.access || token == v.refresh {
		v.revoked = true
	}
	if v.plays(w, "revoke") {
		return
	}
	w.WriteHeader(http.StatusOK) // an unknown token too (§2.2)
}

// succeeded answers with members, and those that mean success.
func succeeded(w http.ResponseWriter, status int, members map[string]any, call facts) {
	for name, value := range call.at("success") {
		plant(members, name, json.Number(fmt.Sprint(value)))
	}
	answer(w, status, members)
}

// isSignedRevocation says whether a request has the fixed parameters of a signed revocation, which may be at the address of the
// token endpoint.
func (v *vendor) isSignedRevocation(r *http.Request, body []byte) bool {
	call := v.facts.at("revocation")
	form, err := url.ParseQuery(string(body))
	if err != nil || call["signature"] == nil || !v.is(r, call.text("url")) {
		return false
	}
	for name, value := range call.at("form") {
		if text := fmt.Sprint(value); !strings.Contains(text, "{") && form.Get(name) != text {
			return false
		}
	}
	return true
}

// signed verifies the signature of a request, and takes it from the parameters. A request for a nonce has the time.
func (v *vendor) signed(name string, form url.Values, how facts) {
	if how == nil {
		return
	}
	if text := form.Get("timestamp"); text != "" {
		seconds, err := strconv.ParseInt(text, 10, 64)
		if age := time.Since(time.Unix(seconds, 0)); err != nil || age < -time.Minute || age > time.Minute {
			v.wrong("%s has the timestamp %q", name, text)
		}
		v.timestamp = text
	} else if v.once == "" {
		v.wrong("%s has no nonce, or one that was used", name)
	}
	over := how.list("over")
	slices.Sort(over)
	var values []string
	for _, parameter := range over {
		values = append(values, form.Get(parameter))
	}
	hash := hmac.New(sha256.New, []byte(clientSecret))
	_, _ = io.WriteString(hash, strings.Join(values, how.text("separator")))
	if got, want := form.Get(how.text("parameter")), fmt.Sprintf("%x", hash.Sum(nil)); got != want {
		v.wrong("%s has the signature %q, want %q", name, got, want)
	}
	form.Del(how.text("parameter"))
}

// api are the calls beside OAuth that the file describes.
func (v *vendor) api(w http.ResponseWriter, r *http.Request, body []byte) {
	calls := map[string]facts{
		"account": v.facts.at("account"), "granted_scopes": v.facts.at("granted_scopes"), "check": v.facts.at("check"),
		"revocation": v.facts.at("revocation"), "userinfo": {"url": v.facts["userinfo_endpoint"]},
	}
	calls["nonce"] = calls["revocation"].at("signature").at("nonce")
	after, _ := v.facts["after_connect"].([]any)
	if len(after) > 0 {
		calls["after_connect"], _ = asFacts(after[0])
	}
	for name, call := range calls {
		method := call.text("method")
		if method == "" {
			method = http.MethodGet
		}
		if v.is(r, call.text("url")) && r.Method == method {
			v.called(w, r, body, name, call)
			return
		}
	}
	v.wrong("%s %s is nothing that the source has", r.Method, r.URL.Path)
	w.WriteHeader(http.StatusNotFound)
}

func (v *vendor) called(w http.ResponseWriter, r *http.Request, body []byte, name string, call facts) {
	v.asked[name] = true
	auth := call.text("authentication")
	signature := call.at("signature")
	bearer := (auth == "" || auth == "bearer") && signature == nil
	form := url.Values{}
	switch {
	case call["json"] != nil:
		form = v.sent(name, r, body, "json", auth)
	case signature != nil:
		form, _ = url.ParseQuery(string(body))
		v.signed(name, form, signature)
	case call["form"] != nil:
		form = v.sent(name, r, body, "form", auth)
	case len(body) > 0:
		v.wrong("%s has a body", name)
	}
	for _, part := range []struct {
		what string
		got  url.Values
	}{{"query", r.URL.Query()}, {"form", form}, {"json", form}} {
		if part.what != "query" && call[part.what] == nil {
			continue
		}
		want := url.Values{}
		for key, value := range call.at(part.what) {
			want.Set(key, v.filled(fmt.Sprint(value)))
		}
		v.compare("the "+part.what+" of "+name, part.got, want)
	}
	for key, value := range call.at("headers") {
		if r.Header.Get(key) != v.filled(fmt.Sprint(value)) {
			v.wrong("%s has the header %s: %q", name, key, r.Header.Get(key))
		}
	}
	if !bearer && strings.HasPrefix(r.Header.Get("Authorization"), "Bearer") {
		v.wrong("%s carries the access token", name)
	}
	if bearer && (v.revoked || r.Header.Get("Authorization") != "Bearer "+v.access) {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if v.plays(w, map[string]string{"revocation": "revoke"}[name]) || v.plays(w, name) {
		v.registered = true
		return
	}
	status, done := http.StatusOK, call.list("done")
	if len(done) > 0 {
		_, _ = fmt.Sscan(done[len(done)/2], &status)
	}
	switch name {
	case "account":
		members := map[string]any{}
		plant(members, call.text("id"), json.Number(accountNumber))
		answer(w, status, members)
	case "granted_scopes":
		answer(w, status, []string{"GRANTED_ONE", "GRANTED_TWO"})
	case "nonce":
		v.once = fmt.Sprintf("nonce-%d", v.issued)
		members := map[string]any{}
		plant(members, call.text("path"), v.once)
		succeeded(w, status, members, call)
	case "revocation":
		v.revoked, v.once = true, "" // a nonce is good for one request
		if call["success"] == nil {
			w.WriteHeader(status)
			return
		}
		succeeded(w, status, map[string]any{}, call)
	case "after_connect":
		v.registered = true
		w.WriteHeader(http.StatusConflict) // it was registered before
	default:
		answer(w, status, map[string]any{"id": 1})
	}
}
