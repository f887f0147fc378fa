// Package hostlist says which addresses a person may be sent to by a source: those on the hosts that it declares.
package hostlist

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/humanconnect/humanconnect/sdk/host"
	"github.com/humanconnect/humanconnect/sdk/host/loopback"
)

// maxShown is how many characters of an address, or a part of it, an error shows, and maxHosts how many of the hosts.
const (
	maxShown = 100
	maxHosts = 5
)

// Leads says whether an address is https, or http on loopback, on one of the hosts, and names no user. A host may have a
// port, or begin with "*." for all names below it.
func Leads(hosts []string, address string) bool { return Check(hosts, address) == nil }

// Check is Leads that says what is wrong: an error names the rule, and what of the address breaks it. Its text is clean, and has
// neither the path nor the query of the address.
func Check(hosts []string, address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return errors.New("it is not a valid URL")
	case u.Scheme == "":
		return errors.New("it has no scheme, and must begin with https://")
	case u.Scheme != "https" && u.Scheme != "http":
		return fmt.Errorf("its scheme is %q, and must be https", shown(u.Scheme))
	case u.Host == "" || u.Hostname() == "":
		return errors.New("it has no host")
	case u.User != nil:
		return fmt.Errorf("it has user information before its host %q", shown(u.Host))
	case u.Scheme == "http" && !loopback.Host(u.Hostname()):
		return fmt.Errorf("its scheme is \"http\" at the host %q, and must be https, but for an address of loopback", shown(u.Host))
	case slices.ContainsFunc(hosts, func(declared string) bool { return covers(declared, u) }):
		return nil
	case slices.ContainsFunc(hosts, func(declared string) bool { return samePlace(declared, u) }):
		return fmt.Errorf("its host is %q, which is declared with another port: %s", shown(u.Host), listed(hosts))
	}
	return fmt.Errorf("its host is %q, which is not declared: %s", shown(u.Host), listed(hosts))
}

func covers(declared string, u *url.URL) bool {
	host, name := strings.ToLower(u.Host), strings.ToLower(u.Hostname())
	declared = strings.ToLower(declared)
	if rest, wild := strings.CutPrefix(declared, "*"); wild {
		return strings.HasSuffix(name, rest) || strings.HasSuffix(host, rest)
	}
	return declared == host || declared == name
}

// samePlace says whether a declared host would cover an address if it had no port.
func samePlace(declared string, u *url.URL) bool {
	of, err := url.Parse("https://" + declared)
	return err == nil && of.Port() != "" && covers(strings.TrimSuffix(declared, ":"+of.Port()), u)
}

func shown(text string) string { return host.CleanText(text, maxShown) }

// listed names the first of the hosts of a source.
func listed(hosts []string) string {
	if len(hosts) == 0 {
		return "the source declares none"
	}
	text := strings.Join(hosts[:min(len(hosts), maxHosts)], ", ")
	if more := len(hosts) - maxHosts; more > 0 {
		text += fmt.Sprintf(", and %d more", more)
	}
	return "the source declares " + shown(text)
}
