package event

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/store"
)

// States says in which state a connection is, in the words of a response.
type States func(store.Connection) string

// Build reads the response of a session at this instant inside the caller's transaction: what was done in the session,
// and what is true now.
func Build(tx store.Tx, ses store.Session, status Status, states States) (Response, error) {
	user, err := tx.UserByID(ses.User)
	if err != nil {
		return Response{}, fmt.Errorf("the user of session %s: %w", ses.ID, err)
	}
	r := Empty(status)
	r.SessionID = &ses.ID
	r.setUser(user)
	actions, err := tx.Actions(ses.ID)
	if err != nil {
		return Response{}, fmt.Errorf("the actions of session %s: %w", ses.ID, err)
	}
	r.Failures = failures(actions)
	for _, a := range lastOfAccount(actions) {
		c, err := tx.Connection(a.Connection)
		if err != nil {
			return Response{}, fmt.Errorf("connection %s: %w", a.Connection, err)
		}
		entry, err := Of(tx, c)
		if err != nil {
			return Response{}, err
		}
		if a.Kind == store.ActionConnect {
			entry.Revocation = "" // it may have been disconnected since, elsewhere; here it was connected
			r.SessionResults.ConnectedSources = append(r.SessionResults.ConnectedSources, entry)
		} else {
			r.SessionResults.DisconnectedSources = append(r.SessionResults.DisconnectedSources, entry)
		}
	}
	return r, r.setCurrent(tx, ses.User, states)
}

// BuildOutside reads the response that tells of a change of a connection outside of any session.
func BuildOutside(tx store.Tx, c store.Connection, status Status, states States) (Response, error) {
	user, err := tx.UserByID(c.User)
	if err != nil {
		return Response{}, fmt.Errorf("the user of connection %s: %w", c.ID, err)
	}
	r := Empty(status)
	r.setUser(user)
	if c.State == store.ConnectionDisconnected {
		entry, err := Of(tx, c)
		if err != nil {
			return Response{}, err
		}
		r.SessionResults.DisconnectedSources = append(r.SessionResults.DisconnectedSources, entry)
	}
	return r, r.setCurrent(tx, c.User, states)
}

// Empty is a response without a session: of a token that opened nothing.
func Empty(status Status) Response {
	return Response{
		Status: status,
		SessionResults: SessionResults{
			ConnectedSources: []Connection{}, DisconnectedSources: []Connection{},
		},
		CurrentConnections: []Connection{},
		Failures:           []Failure{},
	}
}

// Of is a connection as the outside sees it, with what came of its revocation if it is disconnected.
func Of(tx store.RevocationTx, c store.Connection) (Connection, error) {
	out := Connection{ID: c.Source, Name: c.SourceName, ConnectionID: c.ID, ConnectedSince: Time(c.ConnectedSince)}
	if c.State != store.ConnectionDisconnected {
		return out, nil
	}
	r, err := tx.RevocationOfConnection(c.ID)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return out, nil
	case err != nil:
		return out, fmt.Errorf("the revocation of connection %s: %w", c.ID, err)
	}
	out.Revocation = string(r.State)
	return out, nil
}

// SetEnded says when the session ended, for one that is closed later than that.
func (r *Response) SetEnded(at time.Time) {
	t := Time(at)
	r.EndedAt = &t
}

func (r *Response) setUser(u store.User) {
	r.ClientID, r.ClientUserID, r.HumanID = &u.ClientID, &u.ClientUserID, &u.HumanID
}

func (r *Response) setCurrent(tx store.ConnectionTx, user id.Human, states States) error {
	current, err := tx.Connections(user)
	if err != nil {
		return fmt.Errorf("the connections of a user: %w", err)
	}
	for _, c := range current {
		r.CurrentConnections = append(r.CurrentConnections, Connection{
			ID: c.Source, Name: c.SourceName, ConnectionID: c.ID, ConnectedSince: Time(c.ConnectedSince), State: states(c),
		})
	}
	return nil
}

// lastOfAccount returns the last successful action of each source account, in commit order.
func lastOfAccount(actions []store.Action) []store.Action {
	type account struct{ source, key string }
	seen := make(map[account]bool)
	var out []store.Action
	for _, a := range slices.Backward(actions) {
		key := account{a.Source, string(a.AccountKey)}
		if a.Code != "" || seen[key] {
			continue
		}
		seen[key] = true
		out = append(out, a)
	}
	slices.Reverse(out)
	return out
}

// failures returns the last failure of each target and kind that no later success made good, in commit order.
func failures(actions []store.Action) []Failure {
	type goal struct {
		kind   store.ActionKind
		target string
	}
	seen := make(map[goal]bool)
	out := []Failure{}
	for _, a := range slices.Backward(actions) {
		key := goal{a.Kind, a.Target}
		if a.Code == "" {
			seen[key] = true
			seen[goal{a.Kind, string(a.Connection)}] = true
			continue
		}
		if !seen[key] {
			seen[key] = true
			out = append(out, failureOf(a))
		}
	}
	slices.Reverse(out)
	return out
}

func failureOf(a store.Action) Failure {
	f := Failure{
		Source: SourceRef{ID: a.Source, Name: a.SourceName}, Action: string(a.Kind), Code: a.Code, Message: a.Message,
		Retryable: a.Retryable, Field: a.Field, Setting: a.Setting, RetryAfter: a.RetryAfter.Seconds(),
		DocumentationURL: a.DocumentationURL,
	}
	if a.Target != a.Source {
		f.ConnectionID = id.Connection(a.Target)
	}
	return f
}
