package endpoint

import (
	"errors"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// SettingAllowedHosts is the setting with the exceptions of an operator.
const SettingAllowedHosts = "allowed_hosts"

// Allowed are the hosts at which an operator allows what is refused elsewhere: addresses that are not public, and http. The
// zero value has no exception.
type Allowed struct{ hosts []allowedHost }

// allowedHost is one of them; without a port it is the host with any port.
type allowedHost struct {
	host, port string
	plain      bool
}

// ReadAllowed reads exceptions, with blanks or commas between them: HOST, HOST:PORT or http://HOST:PORT.
func ReadAllowed(text string) (Allowed, error) {
	var a Allowed
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\n' }) {
		one, err := readHost(word)
		if err != nil {
			return Allowed{}, err
		}
		a.hosts = append(a.hosts, one)
	}
	return a, nil
}

func readHost(word string) (allowedHost, error) {
	address := word
	if !strings.Contains(word, "://") {
		address = "https://" + word
	}
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || u.User != nil || strings.TrimSuffix(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" ||
		u.Scheme != "https" && u.Scheme != "http" || strings.ContainsAny(u.Host, "*%") || strings.ContainsFunc(u.Host, beyondASCII) {
		return allowedHost{}, errors.New("it is a list of HOST, HOST:PORT or http://HOST:PORT")
	}
	one := allowedHost{host: strings.ToLower(u.Hostname()), port: u.Port(), plain: u.Scheme == "http"}
	if one.port == "" && address == word {
		one.port = portOf(u)
	}
	return one, nil
}

// portOf is the port of a URL.
func portOf(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "http":
		return "80"
	}
	return "443"
}

func (h allowedHost) is(host, port string) bool {
	return h.host == strings.ToLower(host) && (h.port == "" || h.port == port)
}

// Plain says whether a URL may be http.
func (a Allowed) Plain(u *url.URL) bool {
	return u.Scheme == "http" && slices.ContainsFunc(a.hosts, func(h allowedHost) bool { return h.plain && h.is(u.Hostname(), portOf(u)) })
}

// With returns the exceptions and another one: the host of a URL, with http where the URL has it.
func (a Allowed) With(u *url.URL) Allowed {
	return Allowed{hosts: append(slices.Clone(a.hosts), allowedHost{host: strings.ToLower(u.Hostname()), port: portOf(u), plain: u.Scheme == "http"})}
}

// addresses says which addresses may be dialled for a host. One that is listed by its address is that address, whatever it
// is. A name that is listed may be in the network of the operator: who answers for it says where.
func (a Allowed) addresses(host, port string) func(netip.Addr) bool {
	if !slices.ContainsFunc(a.hosts, func(h allowedHost) bool { return h.is(host, port) }) {
		return Public
	}
	if net.ParseIP(host) != nil {
		return func(netip.Addr) bool { return true }
	}
	return near
}
