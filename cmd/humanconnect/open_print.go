package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/hook"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/session"
	"github.com/humanconnect/humanconnect/core/store"
)

// revocationOutcome is what came of revoking one grant.
type revocationOutcome struct {
	Source       string                `json:"source"`
	ConnectionID id.Connection         `json:"connectionId,omitempty"`
	Outcome      store.RevocationState `json:"outcome"`
}

// afterwards is what the printed document has beside the stored response: what holds now.
type afterwards struct {
	Deliveries  hook.Tally          `json:"deliveries"`
	Revocations []revocationOutcome `json:"revocations"`
}

// hurryTime is what the hooks get once the call is to end: a signal has come, or its time is over.
const hurryTime = 2 * time.Second

// hurried returns a context that ends soon after ctx, or with the second signal. Call stop in the end.
func (a *App) hurried(ctx context.Context) (hurried context.Context, stop func()) {
	hurried, cancel := context.WithCancel(a.Signals.Stopping())
	release := context.AfterFunc(ctx, func() {
		over, stop := a.Clock.After(hurryTime)
		defer stop()
		select {
		case <-over:
			cancel()
		case <-hurried.Done():
		}
	})
	return hurried, func() {
		release()
		cancel()
	}
}

// printFinal waits for the hooks, prints the response, and ends with the session's exit code, or with that of a required
// hook that has not accepted its events. A call that is to end does not wait for the hooks; they are told later.
func (a *App) printFinal(ctx context.Context, st *state, final *session.Final, wait time.Duration) error {
	scope := closed(final)
	st.own.listen(scope)
	waiting := a.startProgress("telling the hooks")
	hurried, stop := a.hurried(ctx)
	tally, err := st.dispatcher.Drain(hurried, scope, wait)
	stop()
	waiting.Done()
	if err != nil {
		return fmt.Errorf("wait for the hooks: %w", err)
	}
	after := afterwards{Deliveries: tally, Revocations: []revocationOutcome{}}
	if after.Revocations, err = st.outcomes(context.Background(), final.Session); err != nil {
		return err
	}
	a.sayPending(tally)
	if err := a.printResponse(final.Response, after); err != nil {
		return err
	}
	return endWith(exitOf(final, len(tally.Unaccepted) > 0, session.CutOf(ctx)))
}

func (st *state) outcomes(ctx context.Context, ses id.Session) ([]revocationOutcome, error) {
	out := []revocationOutcome{}
	if ses == "" {
		return out, nil
	}
	err := st.store.View(ctx, func(tx store.Tx) error {
		out = out[:0]
		list, err := tx.RevocationsOf(ses)
		for _, r := range list {
			out = append(out, revocationOutcome{r.Source, r.Connection, r.State})
		}
		return err
	})
	return out, err
}

func (a *App) sayPending(t hook.Tally) {
	if t.Pending > 0 {
		a.warn("%d deliveries to hooks are pending; they are kept, and made by: humanconnect delivery run", t.Pending)
	}
	if t.Dead > 0 {
		a.warn("%d deliveries to hooks are dead; see: humanconnect delivery list --state dead", t.Dead)
	}
}

func (a *App) printResponse(stored []byte, after afterwards) error {
	if !a.asJSON(outputJSON) {
		return a.writeSummary(stored)
	}
	more, err := json.Marshal(after)
	if err != nil {
		return fmt.Errorf("writing JSON: %w", err)
	}
	return a.write(indented(join(stored, more)))
}

// join puts the members of the second JSON object behind those of the first, whose bytes stay as they are.
func join(first, second []byte) []byte {
	first = bytes.TrimRight(first, "\n")
	return append(append(bytes.TrimSuffix(first, []byte("}")), ','), second[1:]...)
}

// indented is a JSON document with an indent of two, its keys and values as they are.
func indented(doc []byte) []byte {
	var b bytes.Buffer
	if err := json.Indent(&b, bytes.TrimRight(doc, "\n"), "", "  "); err != nil {
		return doc // it is not JSON, and better shown than hidden
	}
	return append(b.Bytes(), '\n')
}

// openResponse is the response of an open session: it has no status yet.
func openResponse(r event.Response) []byte {
	return bytes.Replace(event.JSON(r), []byte(`"status":""`), []byte(`"status":null`), 1)
}

// writeSummary writes a response for a person.
func (a *App) writeSummary(doc []byte) error {
	var r event.Response
	if err := json.Unmarshal(doc, &r); err != nil {
		return fmt.Errorf("reading a response: %w", err)
	}
	var b bytes.Buffer
	if r.Status != "" {
		fmt.Fprintln(&b, r.Status)
	}
	if err := writeTable(&b, nil, summaryRows(r)); err != nil {
		return err
	}
	_, err := io.Copy(a.Streams.Out, &b)
	return err
}

func summaryRows(r event.Response) [][]string {
	var rows [][]string
	for _, c := range r.SessionResults.ConnectedSources {
		rows = append(rows, []string{"connected", c.Name, string(c.ConnectionID)})
	}
	for _, c := range r.SessionResults.DisconnectedSources {
		rows = append(rows, []string{"disconnected", c.Name, string(c.ConnectionID), "revocation " + c.Revocation})
	}
	for _, f := range r.Failures {
		rows = append(rows, []string{"failed", f.Source.Name, f.Action, f.Code, f.Message})
	}
	for _, c := range r.CurrentConnections {
		rows = append(rows, []string{"now connected", c.Name, string(c.ConnectionID), "since " + c.ConnectedSince.String()})
	}
	return rows
}
