package config

import (
	"errors"
	"regexp"
	"sync"

	"go.yaml.in/yaml/v3"

	"github.com/humanconnect/humanconnect/core/endpoint"
)

// hookURL reads what a hook that is a URL has beside the rest. No problem repeats a URL: it may hold a secret.
func (r *reader) hookURL(m map[string]*yaml.Node, key string, h *Hook) {
	h.URL, _ = r.filled(m["url"], join(key, "url"))
	h.Secret = r.secret(m["secret"], join(key, "secret"))
	h.AllowInsecure = r.boolean(m["allowInsecure"], join(key, "allowInsecure"))
	h.Proxy, _ = r.filled(m["proxy"], join(key, "proxy"))
	if m["url"] == nil {
		for _, name := range []string{"secret", "allowInsecure", "proxy"} {
			if m[name] != nil {
				r.flaw(m[name], join(key, name), "goes with url, which is missing")
			}
		}
		return
	}
	if m["secret"] == nil {
		r.flaw(m["url"], join(key, "secret"), "is missing; what is sent to a url is signed")
	}
	if h.URL != "" {
		_, err := endpoint.Parse(h.URL, h.AllowInsecure)
		r.wrongURL(m["url"], join(key, "url"), err)
	}
	if h.Proxy != "" {
		_, err := endpoint.ParseProxy(h.Proxy, endpoint.Plain(h.URL), h.AllowInsecure)
		r.wrongURL(m["proxy"], join(key, "proxy"), err)
	}
}

func (r *reader) wrongURL(n *yaml.Node, key string, err error) {
	switch {
	case errors.Is(err, endpoint.ErrPlain):
		r.flaw(n, key, "%s; write https, or allowInsecure: true", err)
	case errors.Is(err, endpoint.ErrCarrier):
		r.flaw(n, key, "%s; write https in url, or allowInsecure: true", err)
	case err != nil:
		r.flaw(n, key, "%s", err)
	}
}

// countGiven counts the keys that are there.
func countGiven(m map[string]*yaml.Node, names ...string) int {
	n := 0
	for _, name := range names {
		if m[name] != nil {
			n++
		}
	}
	return n
}

var hookURLKey = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^hooks\[\d+\]\.(url|proxy)$`)
})

func isHookURL(key string) bool { return hookURLKey().MatchString(key) }

// shownURL is what of a URL may be shown.
func shownURL(raw string) string {
	origin := endpoint.Origin(raw)
	if origin == "" || origin == raw {
		return origin
	}
	return origin + "/…"
}
