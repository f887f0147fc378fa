package catalog

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/humanconnect/humanconnect/providers/internal/endpoint"
)

// check holds an entry to what the schema cannot say: which fields need each other, and that no input can change where
// an address leads.
func (e *Entry) check() error {
	var wrong []error
	for _, rule := range []struct {
		broken bool
		says   string
	}{
		{e.ID == "" || e.Name == "" || e.Group == "", "id, name and group are needed"},
		{
			e.Issuer == "" && (e.AuthorizationEndpoint == "" || e.TokenEndpoint == ""),
			"either issuer, or authorization_endpoint and token_endpoint are needed",
		},
		{e.Account.From == "", "account.from is needed; nothing, where accounts cannot be distinguished"},
		{e.Account.From != FromNothing && e.Account.ID == "", "account.id is needed"},
		{e.TokenEndpointAuthMethod == "", "token_endpoint_auth_method is needed"},
	} {
		if rule.broken {
			wrong = append(wrong, errors.New(rule.says))
		}
	}
	bare := func(r Rule) bool { return r.Status == 0 && len(r.Where) == 0 }
	if slices.ContainsFunc(e.Errors, bare) {
		wrong = append(wrong, errors.New("a rule of errors needs a status or where"))
	}
	for _, in := range e.Inputs {
		if _, err := regexp.Compile(in.Pattern); err != nil || in.ID == "" || in.Label == "" {
			wrong = append(wrong, fmt.Errorf("input %s: it needs an id, a label and a pattern that can be read", in.ID))
		}
	}
	wrong = append(wrong, e.checkSignatures()...)
	for _, address := range e.Addresses() {
		if err := e.checkAddress(address); err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", address, err))
		}
	}
	return errors.Join(wrong...)
}

// Addresses are all that the source may be asked at, as they are written.
func (e *Entry) Addresses() []string {
	all := []string{
		e.Issuer, e.AuthorizationEndpoint, e.TokenEndpoint, e.RevocationEndpoint, e.UserinfoEndpoint,
		e.Refresh.Endpoint, e.Account.URL, e.Granted.URL,
	}
	if e.Check != nil {
		all = append(all, e.Check.URL)
	}
	if e.Revocation != nil {
		all = append(all, e.Revocation.URL)
	}
	for _, call := range e.AfterConnect {
		all = append(all, call.URL)
	}
	all = append(all, e.nonceURLs()...)
	return slices.DeleteFunc(all, func(s string) bool { return s == "" })
}

// checkAddress lets an address be https with a fixed host, with one label before a fixed suffix, or begin with an input
// that is a whole URL.
func (e *Entry) checkAddress(address string) error {
	if name, _, begins := strings.Cut(address, "}"); begins && strings.HasPrefix(name, "{") {
		if in, ok := e.input(name[1:]); !ok || in.Kind != InputURL {
			return errors.New("it begins with something that is no input of kind url")
		}
		return nil
	}
	rest, https := strings.CutPrefix(address, "https://")
	host, _, _ := strings.Cut(rest, "/")
	if !https || host == "" || strings.ContainsAny(host, "@?#") {
		return errors.New("it is no https URL")
	}
	for _, name := range endpoint.Placeholders(address) {
		if in, ok := e.input(name); ok && in.Kind == InputURL {
			return fmt.Errorf("{%s} is a whole URL", name)
		}
	}
	return e.checkHost(host)
}

// checkHost lets a host have one input, before a suffix of two names or more.
func (e *Entry) checkHost(host string) error {
	if !strings.Contains(host, "{") {
		return nil
	}
	end := strings.LastIndexByte(host, '}')
	suffix := host[end+1:]
	if strings.Count(host, "{") != 1 || !strings.HasPrefix(host, "{") || !strings.HasPrefix(suffix, ".") || strings.Count(suffix, ".") < 2 {
		return errors.New("a host with an input is {input}.and.a.suffix")
	}
	if _, ok := e.input(host[1:end]); !ok {
		return fmt.Errorf("{%s} is no input", host[1:end])
	}
	return nil
}

func (e *Entry) input(id string) (Input, bool) {
	for _, in := range e.Inputs {
		if in.ID == id {
			return in, true
		}
	}
	return Input{}, false
}

// Hosts of all addresses, one with an input as "*.suffix".
func (e *Entry) Hosts() (hosts []string) {
	for _, address := range e.Addresses() {
		rest, fixed := strings.CutPrefix(address, "https://")
		if !fixed {
			continue
		}
		host, _, _ := strings.Cut(rest, "/")
		if _, suffix, has := strings.Cut(host, "}"); has {
			host = "*" + suffix
		}
		if !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
		}
	}
	return hosts
}

// Revokes says whether access can be ended at the source.
func (e *Entry) Revokes() bool {
	return e.RevocationEndpoint != "" || e.Revocation != nil || e.Issuer != ""
}

// TakesKey says whether a client can authenticate with a private key anywhere.
func (e *Entry) TakesKey() bool {
	methods := append([]string{e.TokenEndpointAuthMethod, e.RevocationEndpointAuthMethod}, e.TokenEndpointAuthMethodsSupported...)
	if e.Revocation != nil {
		methods = append(methods, e.Revocation.Authentication)
	}
	return slices.Contains(methods, AuthKey)
}

// Refreshes says whether access can be renewed without the person.
func (e *Entry) Refreshes() bool { return e.Refresh.Token != RefreshNever }

// Checks says whether the source can be asked if a token works.
func (e *Entry) Checks() bool {
	return e.Check != nil || e.Account.From == FromEndpoint || e.Account.From == FromUserinfo
}
