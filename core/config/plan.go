package config

import (
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/sdk/host"
)

// ActionKind is what an action of a plan does.
type ActionKind string

// The kinds of actions.
const (
	Connect    ActionKind = "connect"
	Disconnect ActionKind = "disconnect"
)

// Plan is the list of actions of an unattended open. It has at least one.
type Plan struct {
	Actions []Action
}

// Action is one action of a plan.
type Action struct {
	Kind ActionKind
	// Target is the id of a source or of a connection.
	Target string
	// Answers to the forms of the source, by field.
	Answers map[string]Value
	// Key is its path in the file: "actions[0]", or "plan.actions[0]" of the config.
	Key string
	At  Position
}

// ReadPlan reads a plan from a file of its own, as strictly as the config and under the same rule of who may write it,
// because a plan names commands too. uid is the user that runs the program. A plan that cannot be used is a problem with
// code [CodePlan] or [CodeMode].
func ReadPlan(path string, uid int) (*Plan, []Warning, error) {
	abs, err := filepath.Abs(named(path))
	if err != nil {
		return nil, nil, problem.New(CodePlan, "reading the plan").Because(err).Hint("use its absolute path")
	}
	text, warnings, err := readTrusted(abs, uid)
	if err != nil {
		if problem.Is(err, CodeMode) {
			return nil, nil, err
		}
		return nil, nil, problem.New(CodePlan, "the plan %s cannot be read", path).Because(err).
			Hint("a plan is a file of your own; see: humanconnect open --help")
	}
	r := newReader(path, dirOf(abs))
	var plan *Plan
	if root := r.parse(text); root != nil {
		plan = r.plan(root, "")
	} else if len(r.problems) == 0 {
		r.flaw(&yaml.Node{Line: 1, Column: 1}, "actions", "is missing")
	}
	if err := invalid(CodePlan, path, r.problems); err != nil {
		return nil, warnings, err
	}
	return plan, append(warnings, r.secretWarnings()...), nil
}

func (r *reader) plan(n *yaml.Node, key string) *Plan {
	m := r.mapping(n, key, namesOf(planFields())...)
	p := &Plan{}
	for i, item := range r.list(m["actions"], join(key, "actions")) {
		p.Actions = append(p.Actions, r.action(item, index(join(key, "actions"), i)))
	}
	if len(p.Actions) == 0 && !r.flawed[n] && (m["actions"] == nil || !r.flawed[m["actions"]]) {
		r.flaw(n, join(key, "actions"), "names no action; leave the plan out or give one")
	}
	return p
}

func (r *reader) action(n *yaml.Node, key string) Action {
	a := Action{Key: key, At: r.at(n)}
	m := r.mapping(n, key, namesOf(actionFields())...)
	if n.Kind != yaml.MappingNode {
		r.required(n, key, m)
		return a
	}
	switch {
	case (m["connect"] == nil) == (m["disconnect"] == nil):
		r.flaw(n, key, "give either connect or disconnect")
	case m["connect"] != nil:
		a.Kind, a.Target = Connect, r.target(m["connect"], join(key, "connect"))
		a.Answers = r.values(m["answers"], join(key, "answers"))
	default:
		a.Kind, a.Target = Disconnect, r.target(m["disconnect"], join(key, "disconnect"))
		if m["answers"] != nil {
			r.flaw(m["answers"], join(key, "answers"), "a disconnect asks nothing")
		}
	}
	return a
}

func (r *reader) target(n *yaml.Node, key string) string {
	s, ok := r.text(n, key)
	if !ok {
		return ""
	}
	if strings.HasPrefix(s, "con_") {
		if _, err := id.Parse[id.Connection](s); err != nil {
			r.flaw(n, key, "is not the id of a connection: %s", err)
		}
	} else if !host.ValidID(s) {
		r.flaw(n, key, "%s is the id of neither a source nor a connection", quote(s))
	}
	return s
}
