package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/humanconnect/humanconnect/core/connection"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/source"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/core/token"
	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/sdk"
)

// Action is one thing that a script does.
type Action struct {
	Kind store.ActionKind
	// Target is a source id, or the id of a connection of the user.
	Target string
	// Answers to the forms of the source, by field id. They live in this process alone.
	Answers map[string]sdk.Secret
	// At is where it stands in a file, with no message; the zero value for a flag.
	At problem.Place
}

// placed are the places of a problem with a value of the action: none for a flag.
func (a Action) placed(key, message string) []problem.Place {
	if a.At.File == "" {
		return nil
	}
	return []problem.Place{problem.NewPlace(a.At.File, a.At.Line, a.At.Column, a.At.Key+"."+key, message)}
}

// Script is what a session is to do without a person. Neighbouring connects run at once; a disconnect waits for all
// before it and is waited for.
type Script struct {
	Actions []Action
	// Answers to the forms of a source, by source id and field id. They stand before those of an action.
	Answers map[string]map[string]sdk.Secret
	// Asks: a person is asked for answers that are missing; see [Person].
	Asks bool
}

func (s Script) answers(a Action, source string) map[string]sdk.Secret {
	out := maps.Clone(a.Answers)
	if out == nil {
		out = make(map[string]sdk.Secret)
	}
	maps.Copy(out, s.Answers[source])
	return out
}

// digest names a list of actions without telling it; nil for none. Answers are no part of it.
func (e *Engine) digest(actions []Action) []byte {
	if len(actions) == 0 {
		return nil
	}
	list := make([][2]string, len(actions))
	for i, a := range actions {
		list[i] = [2]string{string(a.Kind), a.Target}
	}
	text, err := json.Marshal(list)
	if err != nil {
		panic(err) // strings always encode
	}
	return e.o.Store.MAC("script", text)
}

// check makes sure that what is left of a script can run: its sources exist, their providers start, and every field that
// they are known to ask for has an answer. A source that the token does not allow is left to fail by itself.
// All problems are told of at once. It returns the names of the sources by id.
func (e *Engine) check(ctx context.Context, r OpenRequest, v token.Verdict, known store.Session) (map[string]string, error) {
	c := checker{e: e, verdict: v, script: r.Script, used: make(map[string]bool), names: make(map[string]string)}
	ended, err := e.endedActions(ctx, known, r.Script.Actions)
	if err != nil {
		return nil, err
	}
	for i, a := range r.Script.Actions {
		err := c.action(ctx, a, ended[i])
		p := (*problem.Problem)(nil)
		switch {
		case err == nil:
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case !errors.As(err, &p): // the store, say: what follows would fail likewise
			return nil, err
		default:
			c.wrong = append(c.wrong, a.at(err, p))
		}
	}
	return c.names, problem.Join("%d problems with the requested actions", append(c.wrong, c.answersWrong()...)...)
}

// at adds to a problem of the target where that stands, and what was meant.
func (a Action) at(err error, p *problem.Problem) error {
	if a.At.File == "" || len(p.Places()) > 0 || err.Error() != p.Error() {
		return err
	}
	message := p.Error()
	for _, hint := range p.Hints() {
		if strings.HasPrefix(hint, "did you mean ") {
			message += "; " + hint
		}
	}
	return p.WithPlaces(a.placed(string(a.Kind), message)...)
}

// endedActions returns the numbers of the actions that the session has done already, if it works through this very list.
func (e *Engine) endedActions(ctx context.Context, ses store.Session, actions []Action) (map[int]bool, error) {
	done := make(map[int]bool)
	if ses.ID == "" || string(ses.Script) != string(e.digest(actions)) {
		return done, nil
	}
	err := e.o.Store.View(ctx, func(tx store.Tx) error {
		rows, err := tx.Actions(ses.ID)
		for _, a := range rows {
			if a.Position.Run == ses.ScriptRun {
				done[a.Position.No] = true
			}
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read what a session has done: %w", err)
	}
	return done, nil
}

type checker struct {
	e       *Engine
	verdict token.Verdict
	script  Script
	used    map[string]bool
	missing []string
	unknown []string
	// missingAt and unknownAt are where these stand, as far as they stand in a file.
	missingAt, unknownAt []problem.Place
	// wrong are the problems of the actions themselves.
	wrong []error
	names map[string]string
}

func (c *checker) action(ctx context.Context, a Action, ended bool) error {
	sourceID, err := c.sourceOf(ctx, a)
	if err != nil {
		return err
	}
	c.used[sourceID] = true
	allowed := c.verdict.Sources == nil || slices.Contains(c.verdict.Sources, sourceID)
	if ended || !allowed {
		return nil
	}
	src, err := c.e.o.Sources.Find(ctx, sourceID)
	if a.Kind == store.ActionDisconnect {
		c.names[sourceID] = src.Name
		return c.disconnectable(ctx, a, sourceID, err)
	}
	if err != nil {
		return err
	}
	c.names[src.ID] = src.Name
	c.fields(a, src)
	return nil
}

// sourceOf returns the source of an action; a connection that is named must be one of the user's.
func (c *checker) sourceOf(ctx context.Context, a Action) (string, error) {
	con, err := id.Parse[id.Connection](a.Target)
	if err != nil {
		return a.Target, nil
	}
	var row store.Connection
	var user store.User
	err = c.e.o.Store.View(ctx, func(tx store.Tx) (err error) {
		if row, err = tx.Connection(con); err != nil {
			return err
		}
		user, err = tx.User(c.verdict.ClientID, c.verdict.ClientUserID)
		return err
	})
	if errors.Is(err, store.ErrNotFound) || err == nil && row.User != user.HumanID {
		return "", problem.New(connection.CodeNotFound, "the user has no connection %s", con).
			Hint("see: humanconnect connection list")
	}
	return row.Source, err
}

// disconnectable forgives a source that no provider offers any more, if the user is still connected to it.
func (c *checker) disconnectable(ctx context.Context, a Action, sourceID string, findErr error) error {
	if !problem.Is(findErr, source.CodeUnknown) || a.Target != sourceID {
		return nil // a provider that does not start now is no reason not to disconnect
	}
	connected := false
	err := c.e.o.Store.View(ctx, func(tx store.Tx) error {
		user, err := tx.User(c.verdict.ClientID, c.verdict.ClientUserID)
		if err != nil {
			return err
		}
		cons, err := tx.Connections(user.HumanID)
		connected = slices.ContainsFunc(cons, func(c store.Connection) bool { return c.Source == sourceID })
		return err
	})
	switch {
	case err != nil && !errors.Is(err, store.ErrNotFound):
		return err
	case connected:
		return nil
	}
	return findErr
}

// fields compares the answers with the fields that the source declares.
func (c *checker) fields(a Action, src source.Source) {
	answers := c.script.answers(a, src.ID)
	declared := make(map[string]bool)
	for _, f := range src.Fields {
		declared[f.ID] = true
		if _, ok := answers[f.ID]; f.Required && !ok && !c.script.Asks {
			c.missing = append(c.missing, src.ID+"."+f.ID)
			c.missingAt = append(c.missingAt, a.placed("answers."+f.ID, "is missing")...)
		}
	}
	for _, field := range slices.Sorted(maps.Keys(answers)) {
		if !declared[field] {
			c.unknown = append(c.unknown, src.ID+"."+field)
			if _, own := a.Answers[field]; own {
				c.unknownAt = append(c.unknownAt, a.placed("answers."+field, "no form has a field for this answer"+nearestField(field, src.Fields))...)
			}
		}
	}
}

func nearestField(word string, fields []sdk.Field) string {
	ids := make([]string, len(fields))
	for i, f := range fields {
		ids[i] = f.ID
	}
	if near := problem.Nearest(word, ids); near != "" {
		return "; did you mean " + near + "?"
	}
	return ""
}

// answersWrong returns a problem for the answers that nothing asks for, and one for those that are missing. Answers for a source
// that is in no action count only where the actions are sound: its id may be the one that is mistyped there.
func (c *checker) answersWrong() (wrong []error) {
	for _, s := range slices.Sorted(maps.Keys(c.script.Answers)) {
		if !c.used[s] && len(c.wrong) == 0 {
			for _, field := range slices.Sorted(maps.Keys(c.script.Answers[s])) {
				c.unknown = append(c.unknown, s+"."+field)
			}
		}
	}
	if len(c.unknown) > 0 {
		wrong = append(wrong, problem.New(CodeAnswerUnknown, "no form has a field for the answer to %s", strings.Join(c.unknown, ", ")).
			WithPlaces(c.unknownAt...).Hint("see the fields of a source with: humanconnect source show ID"))
	}
	if len(c.missing) > 0 {
		wrong = append(wrong, problem.New(CodeAnswerMissing, "no answer to %s", strings.Join(slices.Compact(c.missing), ", ")).
			WithPlaces(c.missingAt...).Hint("give it with: --answer %s=VALUE, or =@FILE for a secret", c.missing[0]))
	}
	return wrong
}
