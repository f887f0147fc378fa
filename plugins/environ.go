package plugins

import (
	"net/url"
	"strings"

	"github.com/humanconnect/humanconnect/sdk/host"
)

// childEnvironment is the whole environment of a provider: the allowed variables of ours, its own temporary directory, the
// lifeline, and the variables of go-plugin.
func childEnvironment(ours, goPlugin []string, tmp string) []string {
	out := append([]string{"TMPDIR=" + tmp, host.EnvLifeline + "=" + host.LifelineStdin}, goPlugin...)
	for _, entry := range ours {
		name, value, _ := strings.Cut(entry, "=")
		switch {
		case isPassed(name):
			out = append(out, entry)
		case isProxy(name):
			if proxy, ok := withoutUserInfo(value); ok {
				out = append(out, name+"="+proxy)
			}
		}
	}
	return out
}

func isPassed(name string) bool {
	switch name {
	case "PATH", "LANG", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR":
		return true
	}
	return strings.HasPrefix(name, "LC_")
}

func isProxy(name string) bool {
	switch strings.ToUpper(name) {
	case "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY":
		return name == strings.ToUpper(name) || name == strings.ToLower(name)
	}
	return false
}

// withoutUserInfo removes the user and password from a proxy URL. A URL with an @ that cannot be parsed is not passed on.
func withoutUserInfo(value string) (string, bool) {
	if !strings.Contains(value, "@") {
		return value, true
	}
	scheme, rest, found := strings.Cut(value, "://")
	if !found {
		scheme, rest = "http", value
	}
	u, err := url.Parse(scheme + "://" + rest)
	if err != nil || u.Host == "" {
		return "", false
	}
	u.User = nil
	clean := u.String()
	if !found {
		clean = strings.TrimPrefix(clean, "http://")
	}
	return clean, !strings.Contains(clean, "@")
}
