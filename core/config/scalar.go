package config

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/viper"
	"go.yaml.in/yaml/v3"

	"github.com/humanconnect/humanconnect/internal/textfile"
	"github.com/humanconnect/humanconnect/sdk/host/loopback"
)

const (
	fromFlag    = "flag"
	fromDefault = "default"
	minTTL      = time.Second
	maxTTL      = 365 * 24 * time.Hour
	stateDirKey = "stateDir"
	// delimiter stands between the parts of viper's keys: with the usual dot, a key that has one in it would split.
	delimiter = "::"
)

func fromEnv(name string) string { return "env " + name }

// scalar is a single value that flag, environment and file can set; stateDir has no place in the file.
type scalar struct {
	key, env, byDefault, doc string
	// wrong says what is wrong with a value, or "".
	wrong func(string) string
}

func scalars() []scalar {
	return []scalar{
		{stateDirKey, prefix + "STATE_DIR", "", "directory of the state", wrongPath},
		{"clientId", prefix + "CLIENT_ID", "", "application that sessions are opened for", anything},
		{"store.driver", prefix + "STORE_DRIVER", "sqlite", "kind of the store: sqlite", oneOf("sqlite")},
		{"store.path", prefix + "STORE_PATH", "default", "directory of the state, or default", wrongPath},
		{"token.check", prefix + "TOKEN_CHECK", "local", "how session tokens are checked: local, jwt or introspection", oneOf(checkLocal, checkJWT, checkIntrospection)},
		{"token.ttl", prefix + "TOKEN_TTL", "1h", "how long a new session token lives", duration},
		{"callback.listen", prefix + "CALLBACK_LISTEN", "127.0.0.1:0", "address on loopback that the redirect listener binds", loopbackAddress},
		{"callback.url", prefix + "CALLBACK_URL", "", "public redirect URI, if it differs from callback.listen", callbackURL},
		{"connection.expiringWithin", prefix + "CONNECTION_EXPIRING_WITHIN", "14d", "how long before its end a connection is expiring", duration},
		{"token.jwks", prefix + "TOKEN_JWKS", "", "with jwt: keys of the signing service, a file or an https URL", keysPlace},
		{"token.issuer", prefix + "TOKEN_ISSUER", "", "with jwt: issuer that a token names", anything},
		{"token.audience", prefix + "TOKEN_AUDIENCE", "", "with jwt: audience that a token names", anything},
		{"token.algorithms", prefix + "TOKEN_ALGORITHMS", "", "with jwt: algorithms of a signature, with commas between them", algorithmList},
		{"token.endpoint", prefix + "TOKEN_ENDPOINT", "", "with introspection: https URL of the service that knows the tokens", serviceURL},
		{"token.clientId", prefix + "TOKEN_CLIENT_ID", "", "with introspection: client that asks", anything},
	}
}

// Wrong says what is wrong with a value that a flag gives to a key of the config, or "". The key is one of [Variables].
func Wrong(key, text string) string {
	for _, s := range scalars() {
		if s.key == key {
			return s.wrongGiven(text)
		}
	}
	return "no flag sets this key"
}

func (s scalar) wrongGiven(text string) string {
	if text == "" {
		return "is empty"
	}
	if wrong := anything(text); wrong != "" {
		return wrong
	}
	return s.wrong(text)
}

// anything is any text but one with a control character, such as the carriage return of a file from another system: it would
// be another id or path, which looks the same.
func anything(s string) string {
	if _, found := textfile.Control(s); found {
		return shownControl(s)
	}
	return ""
}

// shownControl shows a text with its control characters escaped.
func shownControl(s string) string {
	const most = 80
	quoted := strconv.Quote(s)
	return "has a control character: " + quoted[:min(len(quoted), most)]
}

func oneOf(known ...string) func(string) string {
	return func(s string) string {
		if slices.Contains(known, s) {
			return ""
		}
		return fmt.Sprintf("%s is none of: %s", quote(s), strings.Join(known, ", "))
	}
}

func duration(s string) string {
	_, wrong := parseDuration(s, minTTL, maxTTL)
	return wrong
}

// loopbackAddress says what is wrong with an address to listen at. A name is none: what it leads to is not ours to say.
func loopbackAddress(s string) string {
	host, port, err := net.SplitHostPort(s)
	addr, addrErr := netip.ParseAddr(host)
	number, portErr := strconv.ParseUint(port, 10, 16)
	if err != nil || addrErr != nil || !loopback.Addr(addr) || portErr != nil || strconv.FormatUint(number, 10) != port {
		return fmt.Sprintf("%s is not a loopback address with a port, such as 127.0.0.1:0", quote(s))
	}
	return ""
}

// callbackURL says what is wrong with a public redirect URI.
func callbackURL(s string) string {
	if s == "" {
		return ""
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.Fragment != "" {
		return fmt.Sprintf("%s is not an http(s) URL without a fragment", quote(s))
	}
	return ""
}

// resolved is the value of a scalar that won, and where it came from.
type resolved struct{ value, origin string }

// merge lets viper decide each scalar: flag, environment, file, default.
//
// viper would read the process's own environment, and bind a variable to a key that is in another section. So the
// environment comes in one layer higher, as values that viper takes for flags, and the flags one above that.
func (r *reader) merge(o Options, nodes map[string]*yaml.Node) map[string]resolved {
	v := viper.NewWithOptions(viper.KeyDelimiter(delimiter))
	out := map[string]resolved{}
	for _, s := range scalars() {
		key := strings.ReplaceAll(s.key, ".", delimiter)
		origin := fromDefault
		v.SetDefault(key, s.byDefault)
		if text, ok := r.filled(nodes[s.key], s.key); ok {
			// Merging cannot fail: it is a map of maps that ends in text.
			_ = v.MergeConfigMap(nest(key, text))
			origin = r.at(nodes[s.key]).String()
			r.check(s, nodes[s.key], text)
		}
		if text, _ := o.Environ.Lookup(s.env); text != "" { // an empty variable counts as none
			_ = v.BindFlagValue(key, given{s.env, text})
			origin = fromEnv(s.env)
			r.checkGiven(s, s.env, text)
		}
		if text, ok := o.Overrides[s.key]; ok {
			v.Set(key, text)
			origin = fromFlag
			r.checkGiven(s, fromFlag, text)
		}
		out[s.key] = resolved{v.GetString(key), origin}
	}
	return out
}

func (r *reader) check(s scalar, n *yaml.Node, text string) {
	if wrong := s.wrong(text); wrong != "" {
		r.flaw(n, s.key, "%s", wrong)
	}
}

// checkGiven notes a wrong value that stands in no file.
func (r *reader) checkGiven(s scalar, where, text string) {
	if wrong := s.wrongGiven(text); wrong != "" {
		r.problems = append(r.problems, flaw{where: where, key: s.key, text: wrong})
	}
}

func nest(key, text string) map[string]any {
	first, rest, nested := strings.Cut(key, delimiter)
	if !nested {
		return map[string]any{first: text}
	}
	return map[string]any{first: nest(rest, text)}
}

// given is a variable of the environment as viper's flag layer takes it.
type given struct{ name, value string }

var _ viper.FlagValue = given{}

func (g given) HasChanged() bool    { return true }
func (g given) Name() string        { return g.name }
func (g given) ValueString() string { return g.value }
func (g given) ValueType() string   { return "string" }

// apply fills the config with the scalars that won.
func (c *Config) apply(o Options, won map[string]resolved) {
	c.ClientID = won["clientId"].value
	c.Store.Driver = won["store.driver"].value
	c.Token.Check = won["token.check"].value
	c.Token.TTL, _ = parseDuration(won["token.ttl"].value, minTTL, maxTTL)
	c.Callback = Callback{Listen: won["callback.listen"].value, URL: won["callback.url"].value}
	c.Connection.ExpiringWithin, _ = parseDuration(won["connection.expiringWithin"].value, minTTL, maxTTL)
	c.applyToken(won)
	won[stateDirKey] = stateDir(o, c.Dir, won)
	c.StateDir = won[stateDirKey].value
	for _, s := range scalars() {
		w := won[s.key]
		c.entries = append(c.entries, Entry{Key: s.key, Value: w.value, Origin: w.origin})
	}
}

// stateDir decides where the state lives: stateDir, else store.path, which is relative to the file if it comes from there.
func stateDir(o Options, dir string, won map[string]resolved) resolved {
	if own := won[stateDirKey]; own.value != "" {
		return fromHere(own)
	}
	path := won["store.path"]
	if path.value == "default" {
		base := xdg(o, "XDG_STATE_HOME", filepath.Join(".local", "state"))
		if base == "" {
			return resolved{"", fromDefault}
		}
		return resolved{filepath.Join(base, "humanconnect"), fromDefault}
	}
	if fromOutside(path.origin) {
		return fromHere(path)
	}
	return resolved{absolute(dir, path.value), path.origin}
}

// fromOutside says whether a value comes from the command line or the environment.
func fromOutside(origin string) bool { return origin == fromFlag || strings.HasPrefix(origin, "env ") }

// fromHere makes a path absolute that was named on the command line or in the environment.
func fromHere(p resolved) resolved {
	if abs, err := filepath.Abs(p.value); err == nil {
		p.value = abs
	}
	return p
}
