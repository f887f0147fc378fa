package open

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/app"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/command"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/exit"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/iostreams"
	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/core/hook"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/query"
	"github.com/humanconnect/humanconnect/core/session"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/internal/problem"
)

// revocationOutcome is the outcome of one revocation.
type revocationOutcome struct {
	Source string `json:"source"`
	// ConnectionID is null for a credential that became no connection.
	ConnectionID *id.Connection        `json:"connectionId"`
	Outcome      store.RevocationState `json:"outcome"`
}

// printed is the document that open prints.
type printed struct {
	event.Response
	// Deliveries and Revocations are of now, and open prints them always; a stored response does not have them.
	Deliveries  *hook.Tally         `json:"deliveries,omitempty"`
	Revocations []revocationOutcome `json:"revocations,omitempty"`
}

// Outputs returns samples of what the command prints as JSON.
func Outputs() []command.Output {
	return []command.Output{{Command: "open", Schema: "response", Sample: printed{}}}
}

// currentOutcomes is what the printed document adds to the stored response: the current state.
type currentOutcomes struct {
	Deliveries  hook.Tally          `json:"deliveries"`
	Revocations []revocationOutcome `json:"revocations"`
}

// graceTime is how long deliveries are still begun after a signal or the end of the time limit.
const graceTime = 2 * time.Second

// withGrace returns a context that ends soon after ctx, or with the second signal. The caller calls stop.
func (c *call) withGrace(ctx context.Context) (graceful context.Context, stop func()) {
	graceful, cancel := context.WithCancel(c.a.Signals.Stopping())
	release := context.AfterFunc(ctx, func() {
		over, stop := c.a.Clock.After(graceTime)
		defer stop()
		select {
		case <-over:
			cancel()
		case <-graceful.Done():
		}
	})
	return graceful, func() {
		release()
		cancel()
	}
}

// printFinal waits for hook deliveries, prints the response, and returns the session's exit code, or that of a required
// hook that has not accepted its events. An interrupted call begins deliveries only in the grace time; pending events are
// kept. A delivery try that has begun is never cut short.
func (c *call) printFinal(ctx context.Context, final *session.Final) error {
	scope := scopeOfFinal(final)
	c.st.Audience.Own(scope)
	waiting := c.a.IO.StartProgress(app.DeliveringToHooks)
	graceful, stop := c.withGrace(ctx)
	tally, err := c.st.Dispatcher.Drain(graceful, scope, c.options.hookWait)
	stop()
	if c.work != nil {
		c.work.Rest() // what it would begin now for others would hold up our end
	}
	waiting.Done()
	if err != nil {
		return fmt.Errorf("wait for hook deliveries: %w", err)
	}
	after := currentOutcomes{Deliveries: tally, Revocations: []revocationOutcome{}}
	revocations, err := query.Revocations(context.Background(), c.st.Store, final.Session)
	if err != nil {
		return err
	}
	for _, r := range revocations {
		after.Revocations = append(after.Revocations, revocationOutcome{r.Source, iostreams.OrNull(r.Connection), r.State})
	}
	c.st.WarnUndelivered(tally)
	own := session.CutOf(ctx)
	code := exit.OfSession(final, len(tally.Unaccepted) > 0, own)
	c.reportOutcome(final, own, code)
	if err := printResponse(c.a, final.Response, after); err != nil {
		return err
	}
	return exit.With(code)
}

// hintAtSettings reports on standard error which settings failures name, where they are in the config, and the page of the
// vendor: the operator has to act. Where standard error is no terminal it may be a log, in which no source is named.
func (c *call) hintAtSettings(final *session.Final) {
	var r event.Response
	if json.Unmarshal(final.Response, &r) != nil {
		return
	}
	for _, f := range r.Failures {
		if f.Setting == "" {
			continue
		}
		what, id, page := f.Source.ID+": "+f.Message, f.Source.ID, f.DocumentationURL
		if !c.a.IO.ErrTerminal {
			entry, _ := failure.Find(problem.Code(f.Code))
			what, id, page = entry.Meaning+"; failures in the response names the source, and its page", "", ""
		}
		c.a.IO.Warn("%s [%s]", what, f.Code)
		for _, hint := range failure.HintsOf(problem.Code(f.Code), id, f.Setting, page) {
			c.a.IO.Hint(hint)
		}
	}
}

// sayStored tells a person that nothing was done: the session was closed before.
func (c *call) sayStored(final *session.Final) {
	if !final.Stored || final.Session == "" || !c.a.IO.ErrTerminal {
		return
	}
	c.a.IO.Warn("the session of this token is already closed; nothing was done, and this is its stored response")
	c.a.IO.Hint("begin a new session with a new token: humanconnect token create --client-user-id ID > token")
}

// scopeOf are the deliveries of a call that opened a session, or of one that opened none.
func scopeOf(o session.Opening) hook.Scope {
	if o.Final != nil {
		return scopeOfFinal(o.Final)
	}
	return hook.Scope{Session: o.Session.ID}
}

func scopeOfFinal(f *session.Final) hook.Scope {
	if f.Session != "" {
		return hook.Scope{Session: f.Session}
	}
	return hook.Scope{Event: f.Event}
}

func printResponse(a *app.App, stored []byte, after currentOutcomes) error {
	if !a.IO.AsJSON(iostreams.OutputJSON) {
		return command.PrintSummary(a.IO, stored)
	}
	more, err := json.Marshal(after)
	if err != nil {
		return fmt.Errorf("writing JSON: %w", err)
	}
	return a.IO.Write(iostreams.Indented(join(stored, more)))
}

// join puts the members of the second JSON object behind those of the first, whose bytes stay as they are.
func join(first, second []byte) []byte {
	first = bytes.TrimRight(first, "\n")
	return append(append(bytes.TrimSuffix(first, []byte("}")), ','), second[1:]...)
}
