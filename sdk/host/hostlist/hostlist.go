// Package hostlist says which addresses a person may be sent to by a source: those on the hosts that it declares.
package hostlist

import (
	"net/url"
	"slices"
	"strings"

	"github.com/humanconnect/humanconnect/sdk/host/loopback"
)

// Leads says whether an address is https, or http on loopback, on one of the hosts, and names no user. A host may have a
// port, or begin with "*." for all names below it.
func Leads(hosts []string, address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil {
		return false
	}
	if u.Scheme != "https" && !(u.Scheme == "http" && loopback.Host(u.Hostname())) {
		return false
	}
	host, name := strings.ToLower(u.Host), strings.ToLower(u.Hostname())
	return slices.ContainsFunc(hosts, func(declared string) bool {
		declared = strings.ToLower(declared)
		if rest, wild := strings.CutPrefix(declared, "*"); wild {
			return strings.HasSuffix(name, rest) || strings.HasSuffix(host, rest)
		}
		return declared == host || declared == name
	})
}
