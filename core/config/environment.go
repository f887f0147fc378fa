package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/sdk/host"
)

const (
	prefix       = "HUMANCONNECT_"
	envConfig    = prefix + "CONFIG"
	maxNameShown = 64
)

// Environment is a list of NAME=VALUE, as os.Environ gives it. Of a name that is there twice the last counts.
type Environment []string

// Lookup returns the value of a variable and whether it is set.
func (e Environment) Lookup(name string) (string, bool) {
	for _, pair := range slices.Backward(e) {
		if n, v, ok := strings.Cut(pair, "="); ok && n == name {
			return v, true
		}
	}
	return "", false
}

// Others is the environment for what a person or the config has this program start, such as a browser: without the
// variables of this program, among which may be a session token. It is never nil: to exec, nil is the environment of the
// process.
func (e Environment) Others() []string {
	out := make([]string, 0, len(e))
	for _, pair := range e {
		if !strings.HasPrefix(pair, prefix) {
			out = append(out, pair)
		}
	}
	return out
}

// Variable is an environment variable that the program reads, or gives to what it starts.
type Variable struct {
	Name string
	// Key of the config that it sets, or "".
	Key string
	// Doc is one line.
	Doc string
	// Given: the program gives it to a hook or a provider and does not read it.
	Given bool
}

// Variables lists all variables in the order in which help shows them.
func Variables() []Variable {
	vars := []Variable{
		{Name: envConfig, Doc: "path of the config file, or none"},
		{Name: prefix + "SESSION_TOKEN", Doc: "session token for open; better: a file"},
		{Name: prefix + "SESSION_TOKEN_FILE", Doc: "file that holds the session token for open"},
	}
	for _, s := range scalars() {
		vars = append(vars, Variable{Name: s.env, Key: s.key, Doc: s.doc})
	}
	vars = append(vars,
		Variable{Name: "XDG_CONFIG_HOME", Doc: "base directory of the config; default ~/.config"},
		Variable{Name: "XDG_STATE_HOME", Doc: "base directory of the state; default ~/.local/state"},
		Variable{Name: "XDG_DATA_HOME", Doc: "base directory of installed providers; default ~/.local/share"},
		Variable{Name: "XDG_RUNTIME_DIR", Doc: "base directory of the sockets of providers; default TMPDIR"},
		Variable{Name: "TMPDIR", Doc: "base directory of the sockets of providers where XDG_RUNTIME_DIR is unset or cannot be used; default /tmp"},
		Variable{Name: "HOME", Doc: "where ~ is"},
	)
	for _, given := range [][2]string{
		{"EVENT_TYPE", "to a hook: type of the event"},
		{"EVENT_ID", "to a hook: id of the event, the same for every try"},
		{"SESSION_ID", "to a hook: id of the session"},
		{"STATUS", "to a hook: status of the event"},
		{"SEQUENCE", "to a hook: number of the event in its session"},
		{"DELIVERY_TRY", "to a hook: number of the delivery try, from 1"},
		{"HOOK", "to a hook: its name"},
		{"PROVIDER", "to a provider: that it was started by a host"},
		{"LIFELINE", "to a provider: that the end of its standard input is its end"},
	} {
		vars = append(vars, Variable{Name: prefix + given[0], Doc: given[1], Given: true})
	}
	return vars
}

// serviceLink is a variable that Kubernetes, or a link of Docker, sets in a container for a service whose name is ours, or begins
// with it: https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables.
var serviceLink = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$`)
})

var serviceAddress = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(tcp|udp|sctp)://`)
})

func isServiceLink(name, value string) bool {
	return serviceLink().MatchString(name) || strings.HasSuffix(name, "_PORT") && serviceAddress().MatchString(value)
}

// unknownVariables warns in one line of variables that look like ours and are not, without their values. The prefix that all have
// in common says nothing of what was meant, nor does a variable that is only given to others.
func unknownVariables(env Environment) []Warning {
	var names, meant, unknown, hints []string
	for _, v := range Variables() {
		names = append(names, v.Name)
		if short, ours := strings.CutPrefix(v.Name, prefix); ours && !v.Given {
			meant = append(meant, short)
		}
	}
	for _, pair := range env {
		name, value, _ := strings.Cut(pair, "=")
		if !strings.HasPrefix(name, prefix) || slices.Contains(names, name) || isServiceLink(name, value) {
			continue
		}
		unknown = append(unknown, host.CleanText(name, maxNameShown))
		if near := meantVariable(strings.TrimPrefix(name, prefix), meant); near != "" {
			hints = append(hints, prefix+near)
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	w := Warning{
		Code:    "env_unknown",
		Message: fmt.Sprintf("the environment variable %s means nothing", unknown[0]),
		Hint:    "all variables: humanconnect help environment",
	}
	if len(unknown) > 1 {
		w.Message = fmt.Sprintf("the environment variables %s mean nothing", joinAnd(unknown))
	}
	if len(hints) > 0 {
		w.Hint = fmt.Sprintf("did you mean %s?", joinAnd(hints))
	}
	return []Warning{w}
}

// maxNamed is how many variables a warning names.
const maxNamed = 8

func joinAnd(names []string) string {
	if more := len(names) - maxNamed; more > 0 {
		names = append(slices.Clone(names[:maxNamed]), fmt.Sprintf("%d more", more))
	}
	if len(names) == 1 {
		return names[0]
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

// meantVariable returns the variable that a short name most likely means: one that is near, or the only one that it is the end or
// the beginning of.
func meantVariable(word string, meant []string) string {
	if near := problem.Nearest(word, meant); near != "" {
		return near
	}
	for _, part := range []func(string) bool{
		func(name string) bool { return strings.HasSuffix(name, "_"+word) },
		func(name string) bool { return strings.HasPrefix(name, word+"_") },
		func(name string) bool { return word == name+"_FILE" || word == name+"_PATH" },
	} {
		var found []string
		for _, name := range meant {
			if part(name) {
				found = append(found, name)
			}
		}
		if len(found) == 1 {
			return found[0]
		}
	}
	return ""
}
