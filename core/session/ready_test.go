package session_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/session"
	"github.com/humanconnect/humanconnect/core/source"
	"github.com/humanconnect/humanconnect/core/token"
	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/sdk"
)

// answering gives an action an answer to a field.
func answering(a session.Action, field string) session.Action {
	a.Answers = map[string]sdk.Secret{field: "x"}
	return a
}

// TestScriptIsCheckedForWhatIsLeftOfIt: actions that have ended, and sources that the token does not allow, open all the same.
func TestScriptIsCheckedForWhatIsLeftOfIt(t *testing.T) {
	for name, c := range map[string]struct {
		first, then []session.Action // the session does first, and is opened again with then once alpha is gone
		want        problem.Code
	}{
		"an action that has ended":       {[]session.Action{connectTo(alpha)}, []session.Action{connectTo(alpha)}, ""},
		"one that has not":               {nil, []session.Action{connectTo(alpha)}, source.CodeUnknown},
		"the ended one of another list":  {[]session.Action{connectTo(alpha)}, []session.Action{connectTo(alpha), connectTo(beta)}, source.CodeUnknown},
		"a source that is not allowed":   {nil, []session.Action{connectTo("nowhere")}, ""},
		"a wrong answer to one of those": {nil, []session.Action{answering(connectTo("nowhere"), "shoe_size")}, ""},
		"a connected one to disconnect":  {[]session.Action{connectTo(alpha)}, []session.Action{disconnectFrom(alpha)}, ""},
		"one that is not connected":      {nil, []session.Action{disconnectFrom(alpha)}, source.CodeUnknown},
		"another one is connected":       {[]session.Action{connectTo(beta)}, []session.Action{disconnectFrom(alpha)}, source.CodeUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			tok := w.token("u1", time.Hour, alpha, beta)
			first := w.frontEnd()
			first.run(first.open(tok, c.first...), c.first...)
			first.kill()
			w.place.gone[alpha] = true
			if _, err := w.frontEnd().try(session.OpenRequest{Token: tok, Script: script(c.then...)}); problem.CodeOf(err) != c.want || (err != nil) != (c.want != "") {
				t.Errorf("got %v", err)
			}
			w.check()
		})
	}
}

func TestAnswersForASourceOfAnEndedActionAreNotUnknown(t *testing.T) {
	w := newWorld(t)
	tok := w.token("u1", time.Hour)
	list := script(connectTo(alpha))
	list.Answers = map[string]map[string]sdk.Secret{alpha: {"user": "ann"}}
	first := w.frontEnd()
	first.run(first.open(tok, connectTo(alpha)), connectTo(alpha))
	first.kill()
	if _, err := w.frontEnd().try(session.OpenRequest{Token: tok, Script: list}); err != nil {
		t.Errorf("once it has ended: %v", err)
	}
	list.Answers[beta] = map[string]sdk.Secret{"user": "bob"}
	fe := w.frontEnd()
	if _, err := fe.try(session.OpenRequest{Token: w.token("u2", time.Hour), Script: list}); problem.CodeOf(err) != session.CodeAnswerUnknown {
		t.Errorf("of a source that no action names: %v", err)
	}
}

func TestProviderThatDoesNotStartIsNoReasonNotToDisconnect(t *testing.T) {
	w := newWorld(t)
	broken := errors.New("it does not start")
	for _, c := range []struct {
		action session.Action
		want   error
	}{{connectTo(alpha), broken}, {disconnectFrom(alpha), nil}} {
		e := w.frontEnd().engineWith(func(o *session.Options) { o.Sources = brokenSources{w.place, broken} })
		_, err := e.Open(t.Context(), session.OpenRequest{Token: w.token("u1", time.Hour), Script: script(c.action)})
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.action.Kind, err)
		}
	}
}

// brokenSources finds none, because of a provider.
type brokenSources struct {
	*place
	err error
}

func (b brokenSources) Find(context.Context, string) (source.Source, error) {
	return source.Source{}, b.err
}

// swapped is a checker whose service says by now that tokens are another's.
type swapped struct {
	token.Checker
	client, user string
}

func (s swapped) Check(ctx context.Context, t sdk.Secret) (token.Verdict, error) {
	v, err := s.Checker.Check(ctx, t)
	v.ClientID, v.ClientUserID = s.client, s.user
	return v, err
}

func TestSessionIsSeenByItsOwnClientAndUserAlone(t *testing.T) {
	for _, c := range []struct {
		client, user string
		sees         bool
	}{{clientID, "u1", true}, {"another", "u1", false}, {clientID, "u2", false}} {
		w := newWorld(t)
		tok := w.token("u1", time.Hour)
		fe := w.frontEnd()
		s := fe.open(tok)
		if err := fe.connect(s, alpha); err != nil {
			t.Fatal(err)
		}
		fe.kill()
		other := w.frontEnd()
		e := other.engineWith(func(o *session.Options) { o.Checker = swapped{o.Checker, c.client, c.user} })
		o, err := e.Open(t.Context(), session.OpenRequest{Token: tok})
		if err != nil {
			t.Fatal(err)
		}
		if c.sees {
			if o.Session == nil || o.Session.ID != s.ID {
				t.Errorf("its own: %+v", o)
			}
		} else if o.Session != nil || o.Final.Status != event.TokenInvalid || o.Final.Session != "" {
			t.Errorf("%s of %s got %+v", c.user, c.client, o)
		}
	}
}
