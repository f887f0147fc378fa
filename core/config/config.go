// Package config reads config.yaml and the environment into one typed [Config] that nobody changes afterwards.
//
// The way of a value:
//
//	find the file ─► who may write it? ─► YAML nodes ─► every problem, with its place ─┐
//	flags, environment, scalars of the file, defaults ─► viper, one instance ──────────┴─► Config, with origins
//
// Lists and maps (providers, sources, hooks, plan) are read from the YAML nodes and never pass through viper, which
// would lower the case of their keys and split them at dots. This is the only package that imports viper.
//
// A secret is a reference, [SecretRef]; Load resolves none.
package config

import (
	"fmt"
	"time"

	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/sdk"
)

// Codes of the problems that this package returns.
const (
	// CodeInvalid: the file or a variable says something that cannot be; the facts have one line for each problem.
	CodeInvalid problem.Code = "config_invalid"
	// CodeMode: others can change the file, or it is another user's.
	CodeMode problem.Code = "config_mode"
	// CodeNotFound: the file that was asked for is not there.
	CodeNotFound problem.Code = "config_not_found"
	// CodeUnreadable: the file is there and cannot be read.
	CodeUnreadable problem.Code = "config_unreadable"
	// CodePlan: a plan file that cannot be read or says something that cannot be.
	CodePlan problem.Code = "plan_invalid"
	// CodeSecret: a secret reference that leads to nothing.
	CodeSecret problem.Code = "secret_unavailable"
)

// Config is the configuration of the installation. Paths in it are absolute.
type Config struct {
	// File is the file that was read, "" for none.
	File string
	// Dir is the directory of File, where its hooks run; "" without a file.
	Dir string
	// ClientID is the application that sessions are opened for, where nothing else says; "" for none.
	ClientID string
	// StateDir is where the state lives: --state-dir, HUMANCONNECT_STATE_DIR, store.path, or the default place.
	StateDir string
	Store    Store
	Token    Token
	Callback Callback
	// Connection says when connections are told to be near their end.
	Connection Connection
	// Providers, Sources and Hooks stand in the order of the file.
	Providers []Provider
	Sources   []Source
	Hooks     []Hook
	// Plan is what an open without actions does; nil without one.
	Plan *Plan

	entries []Entry
	refs    []*SecretRef
}

// MissingSecrets warns of secret references without a secret, as far as can be said without running a command: see
// [SecretRef.Exists]. Whoever needs such a secret gets an error.
func (c *Config) MissingSecrets(env Environment) []Warning {
	var out []Warning
	for _, ref := range c.refs {
		if !ref.Exists(env) {
			out = append(out, Warning{
				Code: "secret_missing", Message: fmt.Sprintf("%s (%s) cannot be read: %s", ref.key, ref.at, ref), Hint: ref.remedy(),
			})
		}
	}
	return out
}

// Store says where the state is kept.
type Store struct {
	// Driver is "sqlite".
	Driver string
	// Key is where the master key comes from; nil for the key file of the state.
	Key *SecretRef
}

// Token says how session tokens are checked and made.
type Token struct {
	// Check is "local", "jwt" or "introspection".
	Check string
	// TTL is how long a new token lives, and a session whose token names no end; positive.
	TTL time.Duration
	// JWKS, Issuer, Audience and Algorithms are set with "jwt". JWKS is an absolute path, or a URL.
	JWKS       string
	Issuer     string
	Audience   string
	Algorithms []string
	// Endpoint, ClientID and ClientSecret are set with "introspection". Endpoint is a URL.
	Endpoint     string
	ClientID     string
	ClientSecret *SecretRef
}

// Callback says where the browsers of people come back to from a source.
type Callback struct {
	// Listen is the loopback address to listen at, with port 0 for a free one.
	Listen string
	// URL is the public redirect URI, where a proxy forwards it to Listen; "" for Listen itself.
	URL string
}

// Connection says when connections are told to be near their end.
type Connection struct {
	// ExpiringWithin is how long before its reconnect-by date a connection is expiring.
	ExpiringWithin time.Duration
}

// Provider says what differs from what is installed.
type Provider struct {
	Name string
	// Command is the argv; empty for the installed one. Command[0] is absolute.
	Command []string
	// SHA256 is the pin in lower-case hex; "" for that of the lock.
	SHA256 string
	// Dev skips the pin.
	Dev bool
	At  Position
}

// Source chooses and sets up a source.
type Source struct {
	ID string
	// Provider that reaches it; "" where only one offers it.
	Provider string
	// ClientID and ClientSecret are the OAuth client of this installation at the source; "" and nil without one.
	ClientID     string
	ClientSecret *SecretRef
	// CallbackURL is where redirects of this source come back to, instead of that of all; "" for that.
	CallbackURL string
	// Settings by their id. Which there are is for the provider to say; see package source.
	Settings map[string]Value
	// Definition is what the source is, beyond its settings; nil for what its provider says.
	Definition *Definition
	// Key is its path in the file: "sources[0]".
	Key string
	At  Position
}

// Hook is where events go. One of Shell, Command and URL is set.
type Hook struct {
	Name string
	On   []event.On
	// Shell is a line for sh -c.
	Shell string
	// Command is an argv. Command[0] is absolute, or a bare name to look up in PATH.
	Command []string
	// URL to post to. It may hold a secret.
	URL string
	// Secret is what the events for URL are signed with; set with it.
	Secret *SecretRef
	// AllowInsecure lets plain http go to other machines than this.
	AllowInsecure bool
	// Proxy is the URL of a proxy to reach URL through, "" for none.
	Proxy string
	// Timeout of one try; positive.
	Timeout time.Duration
	// Concurrency is how many tries one process runs at once; 0 for the default of its kind.
	Concurrency int
	// Required: open ends with an exit code of its own when this hook has not accepted the session's events.
	Required bool
	At       Position
}

// Value is a setting or an answer: text as it stands in the file, or a reference.
type Value struct {
	// Text counts as a secret, because only its reader knows whether it is one.
	Text sdk.Secret
	// Ref is nil for text.
	Ref *SecretRef
}

// Position is a place in a file; the zero value is none.
type Position struct {
	File string
	// Line and Column count from 1.
	Line, Column int
}

func (p Position) String() string { return fmt.Sprintf("%s:%d", p.File, p.Line) }

// Exact is the place with its column, as in problems.
func (p Position) Exact() string { return fmt.Sprintf("%s:%d", p, p.Column) }

// Warning is something that works and should not stay so.
type Warning struct {
	// Code is stable, lower case with underscores.
	Code string
	// Message is one line without secrets.
	Message string
	// Hint is one thing to do, or "".
	Hint string
}

// Entry is one value of the config and where it comes from, fit to be shown: text that may be a secret is left out,
// references stand as they are.
type Entry struct {
	// Key is the path of the value: "token.ttl", "hooks[0].name".
	Key, Value string
	// Origin is "flag", "env NAME", "FILE:LINE" or "default".
	Origin string
}

// Redacted returns every value in the order of the documentation, fit to be shown. The caller owns the slice.
func (c *Config) Redacted() []Entry { return append([]Entry(nil), c.entries...) }
