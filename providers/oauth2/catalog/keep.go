package catalog

import "strings"

// carriesTokens says whether the tokens of a connection are sent to an address after it is made. The metadata of an issuer say
// where to.
func (a address) carriesTokens() bool {
	switch a.field {
	case "issuer", "token_endpoint", "revocation_endpoint", "userinfo_endpoint", "refresh.endpoint", "account.url", "check.url", "revocation.url":
		return true
	}
	return false
}

// Kept are the addresses that the tokens of a connection are sent to, by their fields, for [Entry.Keep]. Their inputs are not
// filled in.
func (e *Entry) Kept() map[string]string {
	kept := make(map[string]string)
	for _, a := range e.addresses() {
		if *a.at != "" && a.carriesTokens() {
			kept[a.field] = *a.at
		}
	}
	return kept
}

// Keep returns the entry with the addresses of another time where its own are at another host. An address at a host that was not
// known then is left out. The token endpoint and the issuer stay as they were in any case. Those that overrides says are left
// alone.
func (e *Entry) Keep(old map[string]string, overrides func(field string) bool) *Entry {
	out := e.clone()
	known := make(map[string]bool)
	for _, address := range old {
		known[origin(address)] = true
	}
	moved := overrides("issuer") || overrides("token_endpoint")
	for _, a := range out.addresses() {
		server := a.field == "issuer" || a.field == "token_endpoint"
		switch before := old[a.field]; {
		case !a.carriesTokens() || overrides(a.field) || server && moved:
		case !server && (*a.at == "" || known[origin(*a.at)]):
		default:
			*a.at = before
		}
	}
	return out.withoutEmpty()
}

// origin is scheme and host of an address as it is written, with inputs in their place; one that begins with an input is its
// own.
func origin(address string) string {
	scheme, rest, absolute := strings.Cut(address, "://")
	if !absolute {
		name, _, _ := strings.Cut(address, "/")
		return name
	}
	host, _, _ := strings.Cut(rest, "/")
	return scheme + "://" + host
}

func (e *Entry) clone() *Entry {
	out := *e
	if e.Check != nil {
		check := *e.Check
		out.Check = &check
	}
	if e.Revocation != nil {
		revocation := *e.Revocation
		out.Revocation = &revocation
	}
	return &out
}

// withoutEmpty takes away what has lost its address.
func (e *Entry) withoutEmpty() *Entry {
	if e.Check != nil && e.Check.URL == "" {
		e.Check = nil
	}
	if e.Revocation != nil && e.Revocation.URL == "" {
		e.Revocation = nil
	}
	if e.Account.From == FromEndpoint && e.Account.URL == "" || e.Account.From == FromUserinfo && e.UserinfoEndpoint == "" {
		e.Account.From = FromNothing
	}
	return e
}
