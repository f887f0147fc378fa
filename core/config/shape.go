package config

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/host"
)

const (
	hookTimeout        = 15 * time.Second
	maxHookTimeout     = time.Hour
	maxHookConcurrency = 64
)

const noVersion = "is missing; write version: 1"

const (
	nameRule    = "a name of lower-case letters, digits and hyphens, 63 at most"
	settingRule = "a name of lower-case letters, digits and underscores, 63 at most"
)

// isDigest says whether text, which is in lower case, is a SHA-256 in hex. No pattern: a counted repetition costs time at
// every start.
func isDigest(text string) bool {
	_, err := hex.DecodeString(text)
	return err == nil && len(text) == hex.EncodedLen(sha256.Size)
}

// document reads all of the file but the values of its scalars, which it returns by their keys.
func (r *reader) document(root *yaml.Node, c *Config) map[string]*yaml.Node {
	top := r.mapping(root, "", namesOf(fileFields())...)
	store := r.mapping(top["store"], "store", namesOf(storeFields())...)
	token := r.mapping(top["token"], "token", namesOf(tokenFields())...)
	callback := r.mapping(top["callback"], "callback", namesOf(callbackFields())...)
	connection := r.mapping(top["connection"], "connection", namesOf(connectionFields())...)
	r.version(root, top["version"])
	c.Store.Key = r.secret(store["key"], "store.key")
	c.Token.ClientSecret = r.secret(token["clientSecret"], "token.clientSecret")
	before := len(r.problems)
	c.Providers = r.providers(top["providers"])
	soundProviders := len(r.problems) == before
	c.Sources = r.sources(top["sources"])
	c.Hooks = r.hooks(top["hooks"])
	before = len(r.problems)
	if top["plan"] != nil {
		c.Plan = r.plan(top["plan"], "plan")
	}
	if len(r.problems) > before {
		c.Plan = nil
	}
	if !soundProviders { // sources cannot be judged without their providers, nor a plan without its sources
		c.Sources, c.Plan = nil, nil
	}
	nodes := map[string]*yaml.Node{
		"clientId": top["clientId"], "store.driver": store["driver"], "store.path": store["path"],
		"callback.listen": callback["listen"], "callback.url": callback["url"],
		"connection.expiringWithin": connection["expiringWithin"],
	}
	for name, n := range token {
		nodes[join("token", name)] = n
	}
	nodes["token.algorithms"] = r.joined(token["algorithms"], "token.algorithms")
	return nodes
}

func (r *reader) version(root, n *yaml.Node) {
	if n == nil {
		if root.Kind == yaml.MappingNode {
			r.flaw(root, "version", "%s", noVersion)
		}
		return
	}
	if s, ok := r.text(n, "version"); ok && (s != "1" || n.ShortTag() != "!!int") {
		r.flaw(n, "version", "%s is not a version that this program knows; write 1", quote(s))
	}
}

func (r *reader) providers(n *yaml.Node) []Provider {
	var out []Provider
	names := map[string]int{}
	for i, item := range r.list(n, "providers") {
		key, before := index("providers", i), len(r.problems)
		m := r.mapping(item, key, namesOf(providerFields())...)
		p := Provider{
			Name: r.pattern(m["name"], join(key, "name"), host.ValidID, nameRule),
			Dev:  r.boolean(m["dev"], join(key, "dev")), At: r.at(item),
		}
		p.Command = r.argv(m["command"], join(key, "command"), false)
		if s, ok := r.text(m["sha256"], join(key, "sha256")); ok {
			if p.SHA256 = strings.ToLower(s); !isDigest(p.SHA256) {
				r.flaw(m["sha256"], join(key, "sha256"), "is not a SHA-256 digest of 64 hex digits")
			}
		}
		r.required(item, key, m, "name")
		if m["command"] == nil && m["sha256"] == nil && m["dev"] == nil && item.Kind == yaml.MappingNode {
			r.flaw(item, key, "has no effect; set command, sha256 or dev")
		}
		if p.Dev && p.SHA256 != "" {
			r.flaw(m["dev"], join(key, "dev"), "skips the pin that sha256 sets; give one of the two")
		}
		r.unique(names, m["name"], join(key, "name"), p.Name)
		if len(r.problems) == before {
			out = append(out, p)
		}
	}
	return out
}

func (r *reader) sources(n *yaml.Node) []Source {
	var out []Source
	ids := map[string]int{}
	for i, item := range r.list(n, "sources") {
		key, before := index("sources", i), len(r.problems)
		m := r.mapping(item, key, namesOf(sourceFields())...)
		s := Source{
			ID:       r.pattern(m["id"], join(key, "id"), host.ValidID, nameRule),
			Provider: r.pattern(m["provider"], join(key, "provider"), host.ValidID, nameRule), Key: key, At: r.at(item),
		}
		s.ClientID, _ = r.filled(m["clientId"], join(key, "clientId"))
		s.ClientSecret = r.secret(m["clientSecret"], join(key, "clientSecret"))
		if s.CallbackURL, _ = r.filled(m["callbackUrl"], join(key, "callbackUrl")); s.CallbackURL != "" {
			if wrong := callbackURL(s.CallbackURL); wrong != "" {
				r.flaw(m["callbackUrl"], join(key, "callbackUrl"), "%s", wrong)
			}
		}
		s.Settings = r.values(m["settings"], join(key, "settings"))
		s.Definition = r.definition(m["definition"], m["appliesTo"], key)
		r.required(item, key, m, "id")
		if len(m) == 1 && m["id"] != nil {
			r.flaw(item, key, "has no effect; set provider, clientId, clientSecret, callbackUrl, settings or definition")
		}
		r.unique(ids, m["id"], join(key, "id"), s.ID)
		if len(r.problems) == before {
			out = append(out, s)
		}
	}
	return out
}

func (r *reader) hooks(n *yaml.Node) []Hook {
	var out []Hook
	names := map[string]int{}
	for i, item := range r.list(n, "hooks") {
		key, before := index("hooks", i), len(r.problems)
		m := r.mapping(item, key, namesOf(hookFields())...)
		h := Hook{
			Name: r.pattern(m["name"], join(key, "name"), host.ValidID, nameRule),
			On:   r.on(m["on"], join(key, "on")), At: r.at(item),
			Timeout:     r.duration(m["timeout"], join(key, "timeout"), maxHookTimeout, hookTimeout),
			Concurrency: r.whole(m["concurrency"], join(key, "concurrency"), 1, maxHookConcurrency), Required: r.boolean(m["required"], join(key, "required")),
		}
		h.Shell, _ = r.filled(m["shell"], join(key, "shell"))
		h.Command = r.argv(m["command"], join(key, "command"), true)
		r.required(item, key, m, "name", "on")
		r.hookURL(m, key, &h)
		if item.Kind == yaml.MappingNode && countGiven(m, "shell", "command", "url") != 1 {
			r.flaw(item, key, "give one of shell, a line for sh, command, a list, and url")
		}
		r.unique(names, m["name"], join(key, "name"), h.Name)
		if len(r.problems) == before {
			out = append(out, h)
		}
	}
	return out
}

func (r *reader) on(n *yaml.Node, key string) []event.On {
	var known []string
	for _, on := range event.Ons() {
		known = append(known, string(on))
	}
	var out []event.On
	for i, item := range r.list(n, key) {
		s, ok := r.text(item, index(key, i))
		switch {
		case !ok:
		case !slices.Contains(known, s):
			hint := ""
			if meant := event.Meant(s); meant != "" {
				hint = fmt.Sprintf("; did you mean %q?", meant)
			}
			r.flaw(item, index(key, i), "%s is none of %s%s", quote(s), strings.Join(known, ", "), hint)
		case slices.Contains(out, event.On(s)):
			r.flaw(item, index(key, i), "%s is there twice", s)
		default:
			out = append(out, event.On(s))
		}
	}
	if n != nil && len(out) == 0 && !r.flawedIn(n) {
		r.flaw(n, key, "is empty; use one or more of %s", strings.Join(known, ", "))
	}
	return out
}

// flawedIn says whether a node or one of its items has a problem already.
func (r *reader) flawedIn(n *yaml.Node) bool {
	return r.flawed[n] || slices.ContainsFunc(n.Content, func(item *yaml.Node) bool { return r.flawed[item] })
}

// required notes which of the keys an item lacks.
func (r *reader) required(item *yaml.Node, key string, have map[string]*yaml.Node, names ...string) {
	switch {
	case r.flawed[item]:
	case isNull(item):
		r.flaw(item, key, "has no value; set one or remove the key")
	case item.Kind == yaml.MappingNode:
		for _, name := range names {
			if have[name] == nil {
				r.flaw(item, join(key, name), "is missing")
			}
		}
	}
}

// unique notes a name that an earlier item has.
func (r *reader) unique(lines map[string]int, n *yaml.Node, key, name string) {
	if n == nil || name == "" {
		return
	}
	if line, taken := lines[name]; taken {
		r.flaw(n, key, "%s is a duplicate of line %d", quote(name), line)
		return
	}
	lines[name] = n.Line
}

// argv reads a command as a list. A path is made absolute; a bare name is one of PATH where there is a lookup, else a
// file beside the config.
func (r *reader) argv(n *yaml.Node, key string, lookup bool) []string {
	if n == nil {
		return nil
	}
	if n.Kind == yaml.ScalarNode && !isNull(n) && r.plain(n, key) {
		r.flaw(n, key, "a single value, where a list is expected: [program, argument]")
		return nil
	}
	argv := r.texts(n, key)
	if len(argv) == 0 || argv[0] == "" {
		if !r.flawedIn(n) {
			r.flaw(n, key, "names no program")
		}
		return nil
	}
	if !lookup || strings.ContainsRune(argv[0], filepath.Separator) {
		argv[0] = r.path(n.Content[0], index(key, 0), argv[0])
	}
	return argv
}

// path makes a path absolute, from the directory of the file.
func (r *reader) path(n *yaml.Node, key, s string) string {
	if wrong := wrongPath(s); wrong != "" {
		r.flaw(n, key, "%s", wrong)
	}
	return absolute(r.dir, s)
}

// variableInPath is one of a shell, at the beginning of a part of a path.
var variableInPath = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?:^|/)\$(?:[A-Za-z_]|\{)`)
})

// Unexpanded says what of a path a shell would have expanded, and nobody does here; "" for nothing.
func Unexpanded(path string) string {
	switch {
	case path == "~" || strings.HasPrefix(path, "~/"):
		return fmt.Sprintf("%s: ~ is not expanded here; write the path out", quote(path))
	case variableInPath().MatchString(path):
		return fmt.Sprintf("%s: $ is not expanded here; write the path out", quote(path))
	}
	return ""
}

// wrongPath says what is wrong with a path, or "".
func wrongPath(path string) string {
	if wrong := Unexpanded(path); wrong != "" {
		return wrong
	}
	return anything(path)
}

func absolute(dir, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(dir, path)
}

// values reads settings or answers.
func (r *reader) values(n *yaml.Node, key string) map[string]Value {
	var out map[string]Value
	r.pairs(n, key, func(name string, k, v *yaml.Node) {
		if !host.ValidFieldID(name) {
			r.flaw(k, join(key, name), "%s is not %s", quote(name), settingRule)
			return
		}
		if out == nil {
			out = map[string]Value{}
		}
		if v.Kind == yaml.MappingNode {
			out[name] = Value{Ref: r.secret(v, join(key, name))}
		} else if s, ok := r.text(v, join(key, name)); ok {
			out[name] = Value{Text: sdk.Secret(s)}
		}
	})
	return out
}
