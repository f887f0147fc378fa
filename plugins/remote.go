package plugins

import (
	"context"
	"errors"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/host"
)

// remote is a provider for one of its sources: each call goes to the process that runs then.
type remote struct {
	supervisor *supervisor
	limits     Limits
}

var (
	_ sdk.Provider  = (*remote)(nil)
	_ sdk.Refresher = (*remote)(nil)
	_ sdk.Checker   = (*remote)(nil)
)

// errCallLimit is the cause of a call's context that ends because the call's limit is over.
var errCallLimit = errors.New("call limit is over")

// Describe implements sdk.Provider. The description is checked and cleaned.
func (r *remote) Describe(ctx context.Context) (*sdk.Description, error) {
	return r.describe(ctx, &sdk.DescribeRequest{})
}

// describe asks for one source, or without one for all. A provider may answer for all where it gets no definition. An *sdk.Error is
// what it has against the definition, and its Setting a JSON Pointer, which may be longer than the name of a setting.
func (r *remote) describe(ctx context.Context, req *sdk.DescribeRequest) (*sdk.Description, error) {
	var d *sdk.Description
	pointer := ""
	err := r.call(ctx, "in describe", r.limits.Describe, func(ctx context.Context, c *host.Client) (err error) {
		d, err = c.DescribeSource(ctx, req)
		if said := (*sdk.Error)(nil); errors.As(err, &said) {
			pointer = clean(said.Setting, 500)
		}
		return err
	})
	if said := (*sdk.Error)(nil); errors.As(err, &said) {
		said.Setting = pointer
	}
	if err != nil {
		return nil, err
	}
	if err := checkDescription(r.supervisor.spec.Name, d); err != nil {
		return nil, err
	}
	r.supervisor.secrets.learn(d)
	return d, nil
}

// Connect implements sdk.Provider.
func (r *remote) Connect(ctx context.Context, req *sdk.ConnectRequest) (sdk.Step, error) {
	r.supervisor.secrets.addConnect(req)
	var step sdk.Step
	err := r.call(ctx, "in a step", r.limits.Step, func(ctx context.Context, c *host.Client) (err error) {
		step, err = c.Connect(ctx, req)
		return err
	})
	if err != nil {
		return nil, err
	}
	r.supervisor.secrets.addStep(req, step)
	if wrong := checkStep(step, r.now()); wrong != "" {
		return nil, r.invalidResponse("in a step", wrong)
	}
	return cleanStep(step), nil
}

// Disconnect implements sdk.Provider.
func (r *remote) Disconnect(ctx context.Context, req *sdk.CredentialRequest) error {
	r.supervisor.secrets.addCredentialRequest(req)
	return r.call(ctx, "in a disconnect", r.limits.Credential, func(ctx context.Context, c *host.Client) error {
		return c.Disconnect(ctx, req)
	})
}

// Refresh implements sdk.Refresher.
func (r *remote) Refresh(ctx context.Context, req *sdk.CredentialRequest) (*sdk.Refreshed, error) {
	r.supervisor.secrets.addCredentialRequest(req)
	var refreshed *sdk.Refreshed
	err := r.call(ctx, "in a refresh", r.limits.Credential, func(ctx context.Context, c *host.Client) (err error) {
		refreshed, err = c.Refresh(ctx, req)
		return err
	})
	if err != nil {
		return nil, err
	}
	r.supervisor.secrets.add(refreshed.Credential.Data.Reveal())
	if c := &refreshed.Credential; c.ReconnectBy.Equal(req.Credential.ReconnectBy) && !c.ReconnectBy.After(r.now()) {
		c.ReconnectBy = time.Time{} // what the provider has kept of the credential before was wrong: the source has renewed it
	}
	if wrong := checkCredential(refreshed.Credential, refreshed.Scopes, r.now()); wrong != "" {
		return nil, r.invalidResponse("in a refresh", wrong)
	}
	return refreshed, nil
}

// Check implements sdk.Checker.
func (r *remote) Check(ctx context.Context, req *sdk.CredentialRequest) error {
	r.supervisor.secrets.addCredentialRequest(req)
	return r.call(ctx, "in a check", r.limits.Credential, func(ctx context.Context, c *host.Client) error {
		return c.Check(ctx, req)
	})
}

func (r *remote) now() time.Time { return r.supervisor.host.options.Now() }

// call makes one call within its limit, and returns exactly what went wrong.
func (r *remote) call(
	ctx context.Context, doing string, limit time.Duration, do func(context.Context, *host.Client) error,
) error {
	inst, err := r.supervisor.acquire(ctx)
	if err != nil {
		return err
	}
	defer inst.endCall()
	limited, cancel := context.WithTimeoutCause(ctx, limit, errCallLimit)
	defer cancel()
	limited, resp := trackResponse(limited)
	err = do(limited, inst.calls)
	if err == nil {
		return nil
	}
	var said *sdk.Error
	if errors.As(err, &said) {
		return r.cleanError(said)
	}
	end, _ := limited.Deadline()
	code, out := status.Code(err), time.Until(end) < nearEnd
	if gaveUp(ctx, code, end) {
		return context.Cause(ctx)
	}
	switch {
	case resp.received.Load() && out && code == codes.DeadlineExceeded:
		return r.timedOut(inst, doing, limit)
	case resp.received.Load():
		return r.statusError(inst, doing, err)
	case limited.Err() != nil, out && (code == codes.DeadlineExceeded || code == codes.Canceled):
		inst.retire() // it hangs
		return r.timedOut(inst, doing, limit)
	}
	return r.noResponse(inst, doing, err)
}

// gaveUp says whether a call ended with its caller, and not by its own limit. gRPC may be before the caller's deadline by a moment,
// which is waited for.
func gaveUp(ctx context.Context, code codes.Code, end time.Time) bool {
	caller, limited := ctx.Deadline()
	if limited && !caller.After(end) && time.Until(caller) < nearEnd && (code == codes.DeadlineExceeded || code == codes.Canceled) {
		<-ctx.Done()
	}
	return ctx.Err() != nil
}

// nearEnd is how much too early a server may end a call at its deadline: gRPC sends the deadline with each call, and a server
// in Go ends the call then, whatever its handler does.
const nearEnd = 100 * time.Millisecond

// invalidResponse is the error for a response that core must not use.
func (r *remote) invalidResponse(doing, wrong string) *Error {
	return newError(CodeBadAnswer, r.supervisor.spec.Name, "sent an invalid response %s: %s", doing, wrong).
		hint("report it to the provider's author")
}

// timedOut is the error for a call that exceeded its limit.
func (r *remote) timedOut(inst *instance, doing string, limit time.Duration) *Error {
	return newError(CodeTimeout, r.supervisor.spec.Name, "did not answer within %s %s", limit, doing).lines(inst.launch.tail()).
		hint("try again; if it hangs again, report it to the provider's author")
}

// statusError is the error for a gRPC status of the provider: it is alive, and its status says nothing about our limits.
func (r *remote) statusError(inst *instance, doing string, err error) *Error {
	name, s := r.supervisor.spec.Name, status.Convert(err)
	said := r.quote(s.Message())
	if s.Code() == codes.Unimplemented {
		return newError(CodeProtocol, name, "does not implement a method %s%s", doing, said).
			hint("install a provider that serves humanconnect.provider.v1")
	}
	return newError(CodeBadAnswer, name, "failed %s (%s)%s", doing, s.Code(), said).lines(inst.launch.tail()).
		hint("report it to the provider's author")
}

// noResponse is the error for a call that ended without a response within its limit: a crash, or an end on our side.
func (r *remote) noResponse(inst *instance, doing string, err error) *Error {
	name, code := r.supervisor.spec.Name, status.Code(err)
	gone := inst.ended() || code == codes.Unavailable && inst.launch.process().endsWithin(exitLimit)
	switch {
	case inst.isExpected():
		return newError(CodeUnavailable, name, "was stopped %s", doing).hint("try again")
	case gone:
		return r.supervisor.crashedIn(inst, doing)
	case code == codes.Unavailable:
		inst.retire()
		return newError(CodeUnavailable, name, "closed its connection %s, but did not exit", doing).
			lines(inst.launch.tail()).hint("try again; if it happens again, report it to the provider's author")
	case code == codes.ResourceExhausted:
		return newError(CodeBadAnswer, name, "exceeded the message limit of %d MiB %s", sdk.MaxMessage>>20, doing).
			hint("report it to the provider's author")
	}
	return newError(CodeBadAnswer, name, "sent a response that cannot be decoded %s (%s)%s", doing, code,
		r.quote(status.Convert(err).Message())).lines(inst.launch.tail()).
		hint("report it to the provider's author")
}

func (i *instance) isExpected() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.expected
}

// quote is what a status says, after a colon; empty if there is nothing to say, or if it holds a secret.
func (r *remote) quote(message string) string {
	if said := r.sentence(message, 200); said != "" {
		return ": " + said
	}
	return ""
}

// sentence is what a provider says to a person, safe to show; empty if it holds a secret, which is logged.
func (r *remote) sentence(message string, limit int) string {
	said := r.supervisor.secrets.sentence(message, limit)
	if log := r.supervisor.logger(); log != nil && said == "" && clean(message, limit) != "" {
		log("a message of the provider is not shown: it holds a secret")
	}
	return said
}

// cleanError makes the error response of a source safe to show. Without a message, the sentence of its code is shown.
func (r *remote) cleanError(said *sdk.Error) *sdk.Error {
	out := *said
	out.Message = r.sentence(said.Message, 500)
	out.Field = r.supervisor.secrets.sentence(said.Field, 64)
	out.Setting = r.supervisor.secrets.sentence(said.Setting, 64)
	out.RetryAfter = min(max(said.RetryAfter, 0), maxRetryAfter)
	return &out
}

// cleanStep makes the text of a step safe to show, but for the fields of a form, which checkStep cleans. URLs, codes, ids and
// opaque bytes stay as they are.
func cleanStep(step sdk.Step) sdk.Step {
	switch s := step.(type) {
	case sdk.Form:
		s.Title, s.Text = clean(s.Title, 200), cleanText(s.Text, 2000)
		return s
	case sdk.ShowCode:
		s.UserCode = clean(s.UserCode, 64)
		return s
	case sdk.Wait:
		s.Text = cleanText(s.Text, 2000)
		return s
	case sdk.Connected:
		s.Account.Label = clean(s.Account.Label, 200)
		return s
	}
	return step
}

func cleanField(f *sdk.Field) {
	f.Label, f.Help = clean(f.Label, 200), cleanText(f.Help, 1000)
	for i := range f.Choices {
		f.Choices[i].Label = clean(f.Choices[i].Label, 200)
	}
}
