package config

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/humanconnect/humanconnect/internal/problem"
)

// Options is what Load goes by.
type Options struct {
	// Path is what --config says: a file, "none" for no file, or "" where the flag is not given.
	Path    string
	Environ Environment
	// Home is the home directory of the user, or "".
	Home string
	// UID is the user that runs the program.
	UID int
	// Overrides are the flags that set a value of the config, by its key: "stateDir", "token.ttl".
	Overrides map[string]string
}

// Load reads the config. Without a file it is the defaults, the environment and the flags.
//
// An error is a problem: [CodeInvalid], whose facts are what is wrong, one line each with file, line, column and key;
// [CodeMode]; [CodeNotFound], if a file that was asked for is not there; or [CodeUnreadable]. Warnings are returned beside
// an error too.
func Load(o Options) (*Config, []Warning, error) {
	c, warnings, err := Check(o)
	if err != nil {
		return nil, warnings, err
	}
	return c, warnings, nil
}

// Check is [Load] for those who look for all that is wrong: beside a problem [CodeInvalid] it returns a config of what is
// sound, by which nothing may be done. A wrong provider leaves out all sources and the plan, which nobody can judge then.
func Check(o Options) (*Config, []Warning, error) {
	warnings := unknownVariables(o.Environ)
	place := Find(o)
	warnings = append(warnings, place.ignored()...)
	text, abs, of, found, err := place.read(o.UID)
	warnings = append(warnings, of...)
	if err != nil {
		return nil, warnings, err
	}
	c := &Config{}
	if found {
		c.File, c.Dir = abs, dirOf(abs)
	}
	r := newReader(place.Path, c.Dir)
	err = r.load(o, text, found, c)
	c.refs = r.refs
	if err != nil {
		return c, warnings, err
	}
	if c.StateDir == "" {
		return c, warnings, problem.New(CodeInvalid, "no state directory is set").
			Hint("set HOME, or HUMANCONNECT_STATE_DIR to a directory")
	}
	return c, append(warnings, r.secretWarnings()...), nil
}

func (r *reader) load(o Options, text string, found bool, c *Config) error {
	root := r.parse(text)
	var nodes map[string]*yaml.Node
	switch {
	case root != nil:
		nodes = r.document(root, c)
	case found && len(r.problems) == 0: // a file that lost what it held must not look like one that says nothing
		r.flaw(&yaml.Node{}, "version", "%s", noVersion)
	}
	won := r.merge(o, nodes)
	c.apply(o, won)
	r.checkToken(won, nodes)
	for _, key := range slices.Sorted(maps.Keys(o.Overrides)) {
		if !isScalar(key) {
			r.problems = append(r.problems, flaw{where: fromFlag, key: key, text: Wrong(key, "")})
		}
	}
	name := r.file
	if !found {
		name = "the configuration"
	}
	if err := invalid(CodeInvalid, name, r.problems); err != nil {
		return err
	}
	if root != nil {
		c.entries = append(c.entries, r.entries(root)...)
	}
	return nil
}

func isScalar(key string) bool {
	for _, s := range scalars() {
		if s.key == key {
			return true
		}
	}
	return false
}

// entries lists the values of the file that are no scalars of the table.
func (r *reader) entries(root *yaml.Node) []Entry {
	var out []Entry
	r.leaves(root, "", func(key string, n *yaml.Node, value string) {
		if key != "version" && !isScalar(key) {
			out = append(out, Entry{Key: key, Value: value, Origin: r.at(n).String()})
		}
	})
	return out
}

// leaves calls f for each value below n. A list of plain values is one value. What stands where a secret may stand in
// plain text is hidden.
func (r *reader) leaves(n *yaml.Node, key string, f func(key string, n *yaml.Node, value string)) {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			name, v := n.Content[i].Value, n.Content[i+1]
			if hides(key) && v.Kind == yaml.ScalarNode {
				f(join(key, name), v, "(set)")
				continue
			}
			if isHookURL(join(key, name)) && v.Kind == yaml.ScalarNode {
				f(join(key, name), v, shownURL(v.Value))
				continue
			}
			r.leaves(v, join(key, name), f)
		}
	case yaml.SequenceNode:
		if flat, ok := flatten(n); ok {
			f(key, n, flat)
			return
		}
		for i, item := range n.Content {
			r.leaves(item, index(key, i), f)
		}
	case yaml.ScalarNode:
		if !isNull(n) {
			f(key, n, n.Value)
		}
	}
}

// hides says whether the values below a key may be secrets in plain text.
func hides(key string) bool {
	return strings.HasSuffix(key, "].settings") || strings.HasSuffix(key, "].answers")
}

// flatten writes a list of plain values in one line.
func flatten(n *yaml.Node) (string, bool) {
	if len(n.Content) == 0 {
		return "", false
	}
	parts := make([]string, 0, len(n.Content))
	for _, item := range n.Content {
		if item.Kind != yaml.ScalarNode {
			return "", false
		}
		text := item.Value
		if text == "" || strings.ContainsAny(text, " ,[]\"'\n\t") {
			text = strconv.Quote(text)
		}
		parts = append(parts, text)
	}
	return "[" + strings.Join(parts, ", ") + "]", true
}
