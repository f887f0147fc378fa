package catalog

import (
	"errors"
	"fmt"
	"strings"
)

// Signature signs the parameters of a call.
type Signature struct {
	HMAC `yaml:",inline"`
	// Nonce is a call that is made before, for the value of {nonce}.
	Nonce *Nonce `yaml:"nonce"`
}

// HMAC is a keyed hash of some parameters (RFC 2104): their values, in the order of their names, as one text.
type HMAC struct {
	Method string `yaml:"method"`
	// Key is the setting whose value is the key.
	Key       string   `yaml:"key"`
	Over      []string `yaml:"over"`
	Separator string   `yaml:"separator"`
	// Parameter has the signature, in lower-case hex.
	Parameter string `yaml:"parameter"`
}

// MethodHMACSHA256 is the only HMAC.Method.
const MethodHMACSHA256 = "hmac-sha256"

// Nonce is a call whose answer has a value that is used once.
type Nonce struct {
	Method    string            `yaml:"method"`
	URL       string            `yaml:"url"`
	Form      map[string]string `yaml:"form"`
	Success   map[string]string `yaml:"success"`
	Path      string            `yaml:"path"`
	Signature *HMAC             `yaml:"signature"`
}

// Call returns the nonce's call as one like any other. It authenticates by its signature alone.
func (n Nonce) Call() Call {
	c := Call{Method: n.Method, URL: n.URL, Authentication: AuthNone, Form: n.Form, Success: n.Success}
	if n.Signature != nil {
		c.Signature = &Signature{HMAC: *n.Signature}
	}
	return c
}

// NeedsAccess says whether the call carries the access token.
func (c Call) NeedsAccess() bool {
	if c.Authentication == "" || c.Authentication == AuthBearer {
		return true
	}
	for _, values := range []map[string]string{c.Headers, c.Query, c.Form, c.JSON} {
		for _, value := range values {
			if strings.Contains(value, "{access_token}") {
				return true
			}
		}
	}
	return false
}

// checkSignature holds a signature to what the schema cannot say: it covers parameters of its call, which are in the body.
func (c Call) checkSignature() error {
	s := c.Signature
	if s == nil {
		return nil
	}
	for _, name := range s.Over {
		if _, has := c.Form[name]; !has {
			return fmt.Errorf("%s is no parameter of the form", name)
		}
	}
	switch {
	case s.Method != MethodHMACSHA256 || s.Key != SettingClientSecret || len(s.Over) == 0 || s.Parameter == "":
		return errors.New("method, key, over and parameter are needed")
	case s.Nonce == nil:
		return nil
	case s.Nonce.Path == "":
		return errors.New("the nonce needs a path")
	}
	return s.Nonce.Call().checkSignature()
}

// SettingClientSecret is the only HMAC.Key.
const SettingClientSecret = "client_secret"

// namedCall is a call with the path of its field, such as revocation.
type namedCall struct {
	field string
	call  *Call
}

// calls are all that the entry describes beside OAuth, but for those for a nonce.
func (e *Entry) calls() []namedCall {
	all := []namedCall{{"account", &e.Account.Call}, {"granted_scopes", &e.Granted.Call}}
	for i := range e.AfterConnect {
		all = append(all, namedCall{fmt.Sprintf("after_connect.%d", i), &e.AfterConnect[i]})
	}
	if e.Check != nil {
		all = append(all, namedCall{"check", e.Check})
	}
	if e.Revocation != nil {
		all = append(all, namedCall{"revocation", &e.Revocation.Call})
	}
	return all
}

func (e *Entry) checkSignatures() (wrong Flaws) {
	for _, c := range e.calls() {
		if err := c.call.checkSignature(); err != nil {
			wrong = append(wrong, Flaw{"/" + strings.ReplaceAll(c.field, ".", "/") + "/signature", err.Error()})
		}
	}
	return wrong
}

// nonceAddresses are where calls get a nonce.
func (e *Entry) nonceAddresses() (all []address) {
	for _, c := range e.calls() {
		if s := c.call.Signature; s != nil && s.Nonce != nil {
			all = append(all, address{c.field + ".signature.nonce.url", &s.Nonce.URL})
		}
	}
	return all
}
