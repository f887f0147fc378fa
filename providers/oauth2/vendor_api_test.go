package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
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

// api are the calls beside OAuth that the file describes.
func (v *vendor) api(w http.ResponseWriter, r *http.Request, body []byte) {
	calls := map[string]facts{
		"account": v.facts.at("account"), "granted_scopes": v.facts.at("granted_scopes"), "check": v.facts.at("check"),
		"revocation": v.facts.at("revocation"), "userinfo": {"url": v.facts["userinfo_endpoint"]},
	}
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
	bearer := auth == "" || auth == "bearer"
	form := url.Values{}
	switch {
	case call["json"] != nil:
		form = v.sent(name, r, body, "json", auth)
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
	case "revocation":
		v.revoked = true
		w.WriteHeader(status)
	case "after_connect":
		v.registered = true
		w.WriteHeader(http.StatusConflict) // it was registered before
	default:
		answer(w, status, map[string]any{"id": 1})
	}
}
