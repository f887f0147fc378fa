package config

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/humanconnect/humanconnect/sdk/host/loopback"
)

// The kinds of a token check.
const (
	checkLocal         = "local"
	checkJWT           = "jwt"
	checkIntrospection = "introspection"
)

// algorithms that a session token may be signed with, if the config lists them.
func algorithms() []string { return []string{"EdDSA", "ES256", "RS256", "PS256"} }

// tokenKeys are the keys that a kind of check needs. They mean nothing to the others.
func tokenKeys() map[string][]string {
	return map[string][]string{
		checkJWT:           {"token.jwks", "token.issuer", "token.audience", "token.algorithms"},
		checkIntrospection: {"token.endpoint", "token.clientId", "token.clientSecret"},
	}
}

// checkToken notes what the kind of check lacks, and what stands in the file for another kind. A kind that comes from
// outside of the file may leave the file's keys unused.
func (r *reader) checkToken(won map[string]resolved, nodes map[string]*yaml.Node) {
	check := won["token.check"]
	for _, key := range tokenKeys()[check.value] {
		if won[key].value == "" && nodes[key] == nil && !r.hasFlaw(key) {
			r.lacks(key, check, nodes["token.check"])
		}
	}
	if fromOutside(check.origin) {
		return
	}
	for _, kind := range []string{checkJWT, checkIntrospection} {
		for _, key := range tokenKeys()[kind] {
			if n := nodes[key]; n != nil && kind != check.value && !r.flawed[nodes["token.check"]] && !r.flawed[n] {
				r.flaw(n, key, "has no effect with check: %s; it is used with check: %s", check.value, kind)
			}
		}
	}
}

// lacks notes a missing key where the kind of check was chosen.
func (r *reader) lacks(key string, check resolved, n *yaml.Node) {
	text := "is missing; check: " + check.value + " needs it"
	if n != nil && check.origin == r.at(n).String() {
		r.problems = append(r.problems, r.flawAt(n, key, text))
		return
	}
	r.problems = append(r.problems, flaw{where: check.origin, key: key, text: text})
}

func (r *reader) hasFlaw(key string) bool {
	return slices.ContainsFunc(r.problems, func(f flaw) bool { return f.key == key || strings.HasPrefix(f.key, key+"[") })
}

// joined turns a list of names into one scalar with commas, as the environment has it; nil for no list, or a wrong one.
func (r *reader) joined(n *yaml.Node, key string) *yaml.Node {
	if n == nil {
		return nil
	}
	names := r.texts(n, key)
	for i, name := range names {
		if i < len(n.Content) && !r.flawedIn(n) && !slices.Contains(algorithms(), name) {
			r.flaw(n.Content[i], index(key, i), "%s is none of: %s", quote(name), strings.Join(algorithms(), ", "))
		}
	}
	if len(names) == 0 && !r.flawedIn(n) {
		r.flaw(n, key, "is empty; use one or more of: %s", strings.Join(algorithms(), ", "))
	}
	if r.flawedIn(n) {
		return nil
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: strings.Join(names, ","), Line: n.Line, Column: n.Column}
}

func algorithmList(s string) string {
	for _, name := range splitList(s) {
		if !slices.Contains(algorithms(), name) {
			return fmt.Sprintf("%s is none of: %s", quote(name), strings.Join(algorithms(), ", "))
		}
	}
	return ""
}

func splitList(s string) []string {
	if s == "" {
		return nil
	}
	parts := strings.Split(s, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return parts
}

func keysPlace(s string) string {
	if strings.Contains(s, "://") {
		return serviceURL(s)
	}
	return wrongPath(s)
}

// serviceURL says what is wrong with the address of a service that decides on tokens: whoever stands between could decide
// too. An error of an address does not quote it, since it may hold a password.
func serviceURL(s string) string {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http":
		return "is not a URL, such as https://auth.example.com/path"
	case u.User != nil:
		return "has a user or password in it, where others can read it"
	case u.Fragment != "":
		return "has a fragment, which goes nowhere"
	case u.Scheme == "http" && !loopback.Host(u.Hostname()):
		return "is plain http, where https is needed; http is for this machine alone"
	}
	return ""
}

// applyToken fills what belongs to the checks of other services' tokens. A path of the file starts at its directory.
func (c *Config) applyToken(won map[string]resolved) {
	c.Token.Issuer, c.Token.Audience = won["token.issuer"].value, won["token.audience"].value
	c.Token.Algorithms = splitList(won["token.algorithms"].value)
	c.Token.Endpoint, c.Token.ClientID = won["token.endpoint"].value, won["token.clientId"].value
	keys := won["token.jwks"]
	switch {
	case keys.value == "" || strings.Contains(keys.value, "://"):
	case fromOutside(keys.origin):
		keys = fromHere(keys)
	default:
		keys.value = absolute(c.Dir, keys.value)
	}
	c.Token.JWKS = keys.value
}
