package session

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/source"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/internal/problem"
	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/host"
	"github.com/humanconnect/humanconnect/sdk/host/hostlist"
)

// callbackPoll is how often a front end looks for a callback that another process may have stored; one of this process it is told of.
const callbackPoll = time.Second

// Redirects gives the addresses that the redirects of sources come back to, and listens there.
type Redirects interface {
	// Bind listens for the redirects of a source and returns their address: the given one of an earlier process, or one
	// of its own choice for "". It fails if the given one cannot be had.
	Bind(ctx context.Context, src source.Source, uri string) (string, error)
}

// Browser sends a person's browser to an address. It returns when the browser is on its way; failed may be called later,
// from another goroutine, if it turns out that it is not. stop, which is called once, says that nothing is waited for any
// more.
type Browser interface {
	Open(ctx context.Context, a *Attempt, address string, failed func(error)) (stop func(), err error)
}

// CallbackOutcome is what became of a redirect.
type CallbackOutcome string

// The outcomes of a redirect.
const (
	// CallbackAccepted: it is stored with its attempt, whose front end goes on with it.
	CallbackAccepted CallbackOutcome = "accepted"
	// CallbackStray: no attempt waits for it: its state is wrong, missing or used, or its attempt is over. Nothing has
	// changed.
	CallbackStray CallbackOutcome = "stray"
	// CallbackNoAddress and CallbackNoState are of pasted text: there is no parameter in it, or no state among them.
	CallbackNoAddress CallbackOutcome = "no_address"
	CallbackNoState   CallbackOutcome = "no_state"
)

// CallbackResult is what became of a redirect, and whose it was.
type CallbackResult struct {
	Outcome CallbackOutcome
	// Attempt and SourceName are set for an accepted one.
	Attempt    id.Attempt
	SourceName string
}

// Callback stores the parameters of a redirect with the attempt that its state names. The state is used up in the same
// transaction, before any provider sees the parameters. Any process may call it, whoever owns the session.
func (e *Engine) Callback(ctx context.Context, c sdk.Callback) (CallbackResult, error) {
	stray := CallbackResult{Outcome: CallbackStray}
	state := c.Get("state")
	if state == "" {
		return stray, nil
	}
	packed, err := host.MarshalCallback(c)
	if err != nil {
		return stray, nil //nolint:nilerr // parameters that cannot be kept are nobody's
	}
	hash := sha256.Sum256([]byte(state))
	var result CallbackResult
	err = e.o.Store.Update(ctx, func(tx store.Tx) error {
		result = stray
		a, err := tx.AttemptByState(hash[:])
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		ses, err := tx.Session(a.Session)
		if err != nil {
			return err
		}
		now := e.o.Clock.Now()
		if !now.Before(ses.EndsAt) || !now.Before(a.ExpiresAt) { // one that has ended has no hash any more
			return nil
		}
		a.Callback, a.StateHash = packed, nil
		a.Version++
		result = CallbackResult{Outcome: CallbackAccepted, Attempt: a.ID, SourceName: a.Source}
		return tx.SaveAttempt(a)
	})
	if err != nil {
		return stray, fmt.Errorf("store a callback: %w", err)
	}
	e.bell.ring()
	return result, nil
}

// ParseRedirect reads the parameters of a redirect out of its address: those of the query, then those of the fragment.
// They keep their order. It returns false for text that is no such address.
func ParseRedirect(text string) (sdk.Callback, bool) {
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil || u.Scheme == "" || u.Host == "" {
		return sdk.Callback{}, false
	}
	c := sdk.Callback{Parameters: append(parameters(u.RawQuery), parameters(u.EscapedFragment())...)}
	return c, len(c.Parameters) > 0
}

// parameters reads an encoded query in its order. What is not well-formed is left out.
func parameters(raw string) []sdk.Parameter {
	var out []sdk.Parameter
	for part := range strings.SplitSeq(raw, "&") {
		name, value, _ := strings.Cut(part, "=")
		n, err := url.QueryUnescape(name)
		v, err2 := url.QueryUnescape(value)
		if err == nil && err2 == nil && n != "" {
			out = append(out, sdk.Parameter{Name: n, Value: v})
		}
	}
	return out
}

// Browse sends the person's browser to the address of a step, and waits until its redirect has come, here or to another
// process. One attempt of a session at a time holds the person; the others wait. It returns the reply, or a failure that
// has ended the attempt. Where b is nil, nothing but a redirect that has come already is of use.
func (a *Attempt) Browse(ctx context.Context, step sdk.OpenURL, b Browser) (sdk.Reply, error) {
	if c, ok, err := a.callback(ctx); ok || err != nil {
		return c, err // it came while nobody waited
	}
	if b == nil {
		return nil, a.fail(ctx, failure.New(failure.InteractionRequired, "the source needs a person with a browser"))
	}
	if err := a.late(ctx, step); err != nil {
		return nil, err
	}
	if err := a.takePerson(ctx, step); err != nil {
		return nil, err
	}
	defer func() { <-a.s.person }()
	trying, give := context.WithCancelCause(ctx)
	defer give(nil)
	noBrowser := failure.New(failure.InteractionRequired, "the browser could not be opened")
	stop, err := b.Open(trying, a, step.URL, func(error) { give(noBrowser) })
	if err == nil {
		defer stop()
		var reply sdk.Reply
		if reply, err = a.WaitCallback(trying, step); !errors.Is(err, noBrowser) {
			return reply, err
		}
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if c, ok, err := a.callback(ctx); ok || err != nil { // it had been on its way all the same
		return c, err
	}
	return nil, a.fail(ctx, noBrowser)
}

// takePerson waits until no other attempt holds the person, but not past the end of the step, the attempt or the session.
func (a *Attempt) takePerson(ctx context.Context, step sdk.OpenURL) error {
	clk := a.s.e.o.Clock
	end := soonest(a.row.ExpiresAt, step.ExpiresAt)
	over, stop := clk.After(end.Sub(clk.Now()))
	defer stop()
	select {
	case a.s.person <- struct{}{}:
		if clk.Now().Before(end) {
			return nil
		}
		<-a.s.person
	case <-over:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if !clk.Now().Before(a.s.EndsAt) {
		return ErrEnded
	}
	return a.fail(ctx, failure.New(failure.AttemptExpired, "another source held the browser for too long"))
}

// WaitCallback waits until the redirect of a step has come, but not past the step's, the attempt's or the session's end.
func (a *Attempt) WaitCallback(ctx context.Context, step sdk.OpenURL) (sdk.Reply, error) {
	for {
		moved := a.s.e.Moved()
		if c, ok, err := a.callback(ctx); ok || err != nil {
			return c, err
		}
		if err := a.late(ctx, step); err != nil {
			return nil, err
		}
		next, stop := a.s.e.o.Clock.After(callbackPoll)
		select {
		case <-next:
		case <-moved:
			stop()
		case <-ctx.Done():
			stop()
			return nil, context.Cause(ctx)
		}
	}
}

// late ends the attempt if the time in which the redirect of a step may come is over.
func (a *Attempt) late(ctx context.Context, step sdk.OpenURL) error {
	now := a.s.e.o.Clock.Now()
	switch {
	case !now.Before(a.s.EndsAt):
		return ErrEnded
	case !now.Before(soonest(a.row.ExpiresAt, step.ExpiresAt)):
		return a.fail(ctx, failure.New(failure.AttemptExpired, "no authorization response arrived in time"))
	}
	return nil
}

// callback returns the redirect of the attempt if it has come.
func (a *Attempt) callback(ctx context.Context) (sdk.Reply, bool, error) {
	var row store.Attempt
	err := a.s.e.o.Store.View(ctx, func(tx store.Tx) (err error) {
		if _, err := a.s.guard(tx); err != nil {
			return err
		}
		row, err = tx.Attempt(a.row.ID)
		return err
	})
	switch {
	case ctx.Err() != nil:
		return nil, false, context.Cause(ctx)
	case err != nil:
		return nil, false, fmt.Errorf("look for a callback: %w", err)
	case row.State != store.AttemptOpen:
		return nil, false, ErrTakenOver
	case row.Callback == nil:
		return nil, false, nil
	}
	c, err := host.UnmarshalCallback(row.Callback)
	if err != nil {
		return nil, false, a.fail(ctx, interrupted())
	}
	a.row = row
	return c, true, nil
}

// bind gets the address that redirects of the attempt come back to. A resumed attempt needs the one that it began with.
func (a *Attempt) bind(ctx context.Context) error {
	resumed := a.stored && a.row.RedirectURI != ""
	fresh := !a.stored && slices.Contains(a.Source.Methods, sdk.MethodBrowser)
	if a.s.redirects == nil || !a.s.frontEnd.Browser || !resumed && !fresh {
		return nil
	}
	if a.row.Callback != nil { // nothing is waited for any more
		return nil
	}
	uri, err := a.s.redirects.Bind(ctx, a.Source, a.row.RedirectURI)
	switch {
	case err != nil && resumed:
		return failure.New(failure.AttemptInterrupted, "the redirect URI is in use by another program")
	case err != nil:
		return cannotListen(err)
	}
	a.row.RedirectURI = uri
	return nil
}

// cannotListen says where redirects were to come back to.
func cannotListen(err error) *failure.Failure {
	where := "the redirect URI"
	if op := (*net.OpError)(nil); errors.As(err, &op) && op.Addr != nil {
		where = op.Addr.String()
	}
	f := failure.New(failure.BadConfiguration, "cannot listen at %s for the redirect", where)
	if errors.Is(err, syscall.EADDRINUSE) {
		f = failure.New(failure.BadConfiguration, "%s: address in use", where)
		f.Retryable = true
	}
	f.Setting = "callback.listen"
	return f
}

// MaxURL is how long an address may be that a person is sent to, in bytes. It is shown whole or not at all.
const MaxURL = 8 << 10

// send checks where a step sends the person. For a browser, it makes the state of the attempt good for one redirect.
func send(row *store.Attempt, src source.Source, step sdk.Step) error {
	hosts := append(strings.Fields(string(row.Hosts)), src.Hosts...)
	var addresses []string
	switch step := step.(type) {
	case sdk.OpenURL:
		addresses = []string{step.URL}
		if row.OAuthState == nil {
			return failure.New(failure.SourceError, "the provider opened the browser a second time")
		}
		hash := sha256.Sum256(row.OAuthState)
		row.StateHash = hash[:]
	case sdk.ShowCode:
		addresses = []string{step.VerificationURI}
		if step.VerificationURIComplete != "" {
			addresses = append(addresses, step.VerificationURIComplete)
		}
	}
	for _, address := range addresses {
		if len(address) > MaxURL {
			return failure.New(failure.SourceError, "the provider opened a URL of more than %d bytes", MaxURL)
		}
		if err := hostlist.Check(hosts, address); err != nil {
			return failure.New(failure.SourceError, "the provider sends the person to a URL that is refused: %s", err)
		}
	}
	return nil
}

// named adds to the hosts of an attempt those that a person names in the URL fields of its form.
func (a *Attempt) named(values sdk.FormValues) []byte {
	hosts := strings.Fields(string(a.row.Hosts))
	form, _ := a.last.(sdk.Form)
	for _, f := range form.Fields {
		host := source.HostOf(values.Values[f.ID].Reveal())
		if f.Kind == sdk.KindURL && host != "" && !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
		}
	}
	return []byte(strings.Join(hosts, " "))
}

// AttemptState says how far an attempt has come after its redirect.
type AttemptState string

// The states of an attempt that a redirect can meet.
const (
	// AttemptWorking: the provider works on the redirect.
	AttemptWorking AttemptState = "working"
	// AttemptAsks: the provider asks for more, which the front end shows.
	AttemptAsks      AttemptState = "asks"
	AttemptConnected AttemptState = "connected"
	// AttemptFailed: Failure says why.
	AttemptFailed AttemptState = "failed"
	// AttemptOver: it was cancelled, or its session is over.
	AttemptOver AttemptState = "over"
)

// Progress is how far an attempt has come.
type Progress struct {
	State      AttemptState
	SourceName string
	Failure    *failure.Failure
}

// Progress tells how far an attempt has come, to the page that a redirect ends at.
func (e *Engine) Progress(ctx context.Context, attempt id.Attempt) (Progress, error) {
	var p Progress
	err := e.o.Store.View(ctx, func(tx store.Tx) error {
		a, err := tx.Attempt(attempt)
		if err != nil {
			return err
		}
		p = Progress{State: AttemptOver}
		switch a.State {
		case store.AttemptConnected:
			p.State = AttemptConnected
		case store.AttemptFailed:
			p.State = AttemptFailed
		case store.AttemptOpen:
			p.State = AttemptAsks
			if a.Callback != nil || waits(a) {
				p.State = AttemptWorking
			}
		}
		return p.describe(tx, a)
	})
	if err != nil {
		return p, fmt.Errorf("look how far an attempt is: %w", err)
	}
	return p, nil
}

// waits says that the provider asks for nothing but time.
func waits(a store.Attempt) bool {
	step, err := host.UnmarshalStep(a.LastStep)
	_, wait := step.(sdk.Wait)
	return err == nil && wait
}

// describe adds what the session's history knows of the attempt.
func (p *Progress) describe(tx store.ActionTx, a store.Attempt) error {
	actions, err := tx.Actions(a.Session)
	for _, act := range actions {
		same := act.Position == a.Position && act.Kind == store.ActionConnect && act.Source == a.Source
		if !same {
			continue
		}
		p.SourceName = act.SourceName
		if p.State == AttemptFailed && act.Code != "" {
			p.Failure = &failure.Failure{Code: problem.Code(act.Code), Message: act.Message, Retryable: act.Retryable}
		}
	}
	return err
}
