package catalog

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/humanconnect/humanconnect/providers/internal/endpoint"
	"github.com/humanconnect/humanconnect/sdk/host/loopback"
)

// check holds an entry to what the schema cannot say: which fields need each other, and that no input can change where
// an address leads. Own: it is an operator's, whose server may be on this machine. The error is [Flaws].
func (e *Entry) check(own bool) error {
	wrong := append(e.missing(), e.checkSignatures()...)
	for i, r := range e.Errors {
		if r.Status == 0 && len(r.Where) == 0 {
			wrong = append(wrong, Flaw{fmt.Sprintf("/errors/%d", i), "a rule of errors needs a status or where"})
		}
	}
	for i, in := range e.Inputs {
		if _, err := regexp.Compile(in.Pattern); err != nil || in.ID == "" || in.Label == "" {
			wrong = append(wrong, Flaw{fmt.Sprintf("/inputs/%d", i), "an input needs an id, a label and a pattern that can be read"})
		}
	}
	for _, a := range e.addresses() {
		if *a.at == "" {
			continue
		}
		if err := e.checkAddress(*a.at, own); err != nil {
			wrong = append(wrong, Flaw{"/" + strings.ReplaceAll(a.field, ".", "/"), err.Error()})
		}
	}
	if wrong == nil {
		return nil
	}
	return wrong
}

// missing are the fields that an entry needs and does not have.
func (e *Entry) missing() (wrong Flaws) {
	for _, rule := range []struct {
		broken        bool
		pointer, says string
	}{
		{e.ID == "" || e.Name == "" || e.Group == "", "", "id, name and group are needed"},
		{
			e.Issuer == "" && (e.AuthorizationEndpoint == "" || e.TokenEndpoint == ""), "",
			"either issuer, or authorization_endpoint and token_endpoint are needed",
		},
		{e.Account.From == "", "/account/from", "is needed; nothing, where accounts cannot be distinguished"},
		{e.Account.From != FromNothing && e.Account.ID == "", "/account/id", "is needed"},
		{e.Account.From == FromEndpoint && e.Account.URL == "", "/account/url", "is needed"},
		{e.Account.From == FromUserinfo && e.UserinfoEndpoint == "", "/userinfo_endpoint", "is needed"},
		{e.TokenEndpointAuthMethod == "", "/token_endpoint_auth_method", "is needed"},
	} {
		if rule.broken {
			wrong = append(wrong, Flaw{rule.pointer, rule.says})
		}
	}
	return wrong
}

// address is where an entry has an address.
type address struct {
	// field is a path such as refresh.endpoint.
	field string
	at    *string
}

func (e *Entry) addresses() []address {
	all := []address{
		{"issuer", &e.Issuer},
		{"authorization_endpoint", &e.AuthorizationEndpoint},
		{"token_endpoint", &e.TokenEndpoint},
		{"revocation_endpoint", &e.RevocationEndpoint},
		{"userinfo_endpoint", &e.UserinfoEndpoint},
		{"refresh.endpoint", &e.Refresh.Endpoint},
		{"account.url", &e.Account.URL},
		{"granted_scopes.url", &e.Granted.URL},
	}
	if e.Check != nil {
		all = append(all, address{"check.url", &e.Check.URL})
	}
	if e.Revocation != nil {
		all = append(all, address{"revocation.url", &e.Revocation.URL})
	}
	for i := range e.AfterConnect {
		all = append(all, address{fmt.Sprintf("after_connect.%d.url", i), &e.AfterConnect[i].URL})
	}
	return append(all, e.nonceAddresses()...)
}

// Addresses are all that the source may be asked at, as they are written.
func (e *Entry) Addresses() (all []string) {
	for _, a := range e.addresses() {
		if *a.at != "" {
			all = append(all, *a.at)
		}
	}
	return all
}

// checkAddress lets an address be https with a fixed host, with one label before a fixed suffix, or begin with an input
// that is a whole URL. An operator's own one may be http on loopback.
func (e *Entry) checkAddress(address string, own bool) error {
	if name, _, begins := strings.Cut(address, "}"); begins && strings.HasPrefix(name, "{") {
		if in, ok := e.input(name[1:]); !ok || in.Kind != InputURL {
			return errors.New("it begins with something that is no input of kind url")
		}
		return nil
	}
	host, plain := hostOf(address)
	if host == "" || strings.ContainsAny(host, "@?#") || plain && !own {
		return errors.New("it is no https URL")
	}
	if plain && (strings.Contains(host, "{") || !onLoopback(address)) {
		return errors.New("it is neither an https URL nor an http URL on loopback")
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

// hostOf is the host of an https or http URL as it is written, and whether it is plain http; "" for anything else.
func hostOf(address string) (host string, plain bool) {
	rest, https := strings.CutPrefix(address, "https://")
	if !https {
		if rest, plain = strings.CutPrefix(address, "http://"); !plain {
			return "", false
		}
	}
	host, _, _ = strings.Cut(rest, "/")
	return host, plain
}

// onLoopback says whether an address without inputs in its host is on this machine.
func onLoopback(address string) bool {
	host, _ := hostOf(address)
	u, err := url.Parse("http://" + host)
	return err == nil && u.User == nil && loopback.Host(u.Hostname())
}

// Hosts of all addresses, one with an input as "*.suffix".
func (e *Entry) Hosts() (hosts []string) {
	for _, address := range e.Addresses() {
		host, _ := hostOf(address)
		if host == "" {
			continue
		}
		if _, suffix, has := strings.Cut(host, "}"); has {
			host = "*" + suffix
		}
		if !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
		}
	}
	return hosts
}

// PlainHosts are the hosts that the source is asked at by plain http, which are on loopback.
func (e *Entry) PlainHosts() (hosts []string) {
	for _, address := range e.Addresses() {
		if host, plain := hostOf(address); plain {
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
