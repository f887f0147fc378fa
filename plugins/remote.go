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

// remote is a provider by its name: each call goes to the process that runs then.
type remote struct {
	slot   *slot
	limits Limits
}

var (
	_ sdk.Provider  = (*remote)(nil)
	_ sdk.Refresher = (*remote)(nil)
	_ sdk.Checker   = (*remote)(nil)
)

// errCallLimit is the cause of a call's context that ends because the call's limit is over.
var errCallLimit = errors.New("call limit is over")

// Describe implements sdk.Provider. What the provider says of itself is checked and cleaned.
func (r *remote) Describe(ctx context.Context) (*sdk.Description, error) {
	var d *sdk.Description
	err := r.call(ctx, "in describe", r.limits.Describe, func(ctx context.Context, c *host.Client) (err error) {
		d, err = c.Describe(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := checkDescription(r.slot.spec.Name, d); err != nil {
		return nil, err
	}
	return d, nil
}

// Connect implements sdk.Provider.
func (r *remote) Connect(ctx context.Context, req *sdk.ConnectRequest) (sdk.Step, error) {
	r.slot.secrets.addConnect(req)
	var step sdk.Step
	err := r.call(ctx, "in a step", r.limits.Step, func(ctx context.Context, c *host.Client) (err error) {
		step, err = c.Connect(ctx, req)
		return err
	})
	if err != nil {
		return nil, err
	}
	r.slot.secrets.addStep(step)
	if wrong := checkStep(step); wrong != "" {
		return nil, r.bad("in a step", wrong)
	}
	return cleanStep(step), nil
}

// Disconnect implements sdk.Provider.
func (r *remote) Disconnect(ctx context.Context, req *sdk.CredentialRequest) error {
	r.slot.secrets.addGrant(req)
	return r.call(ctx, "in a disconnect", r.limits.Grant, func(ctx context.Context, c *host.Client) error {
		return c.Disconnect(ctx, req)
	})
}

// Refresh implements sdk.Refresher.
func (r *remote) Refresh(ctx context.Context, req *sdk.CredentialRequest) (*sdk.Refreshed, error) {
	r.slot.secrets.addGrant(req)
	var refreshed *sdk.Refreshed
	err := r.call(ctx, "in a refresh", r.limits.Grant, func(ctx context.Context, c *host.Client) (err error) {
		refreshed, err = c.Refresh(ctx, req)
		return err
	})
	if err != nil {
		return nil, err
	}
	r.slot.secrets.add(refreshed.Credential.Data.Reveal())
	if wrong := checkGrant(refreshed.Credential, refreshed.Scopes); wrong != "" {
		return nil, r.bad("in a refresh", wrong)
	}
	return refreshed, nil
}

// Check implements sdk.Checker.
func (r *remote) Check(ctx context.Context, req *sdk.CredentialRequest) error {
	r.slot.secrets.addGrant(req)
	return r.call(ctx, "in a check", r.limits.Grant, func(ctx context.Context, c *host.Client) error {
		return c.Check(ctx, req)
	})
}

// call does one call within its limit, and says exactly what went wrong in it.
func (r *remote) call(
	ctx context.Context, doing string, limit time.Duration, do func(context.Context, *host.Client) error,
) error {
	v, err := r.slot.acquire(ctx)
	if err != nil {
		return err
	}
	defer v.leave()
	limited, cancel := context.WithTimeoutCause(ctx, limit, errCallLimit)
	defer cancel()
	limited, answer := awaitAnswer(limited)
	err = do(limited, v.calls)
	if err == nil {
		return nil
	}
	var said *sdk.Error
	if errors.As(err, &said) {
		return r.cleanError(said)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	end, _ := limited.Deadline()
	code, out := status.Code(err), time.Until(end) < nearEnd
	switch {
	case answer.came.Load() && out && code == codes.DeadlineExceeded:
		return r.late(v, doing, limit)
	case answer.came.Load():
		return r.failed(v, doing, err)
	case limited.Err() != nil, out && (code == codes.DeadlineExceeded || code == codes.Canceled):
		v.retire() // it hangs
		return r.late(v, doing, limit)
	}
	return r.broken(v, doing, err)
}

// nearEnd is how much too early a server may be that keeps to the limit of a call itself: each is told of it, and one in Go
// breaks the call off then, whatever its handler does.
const nearEnd = 100 * time.Millisecond

// bad is an answer that core must not keep.
func (r *remote) bad(doing, wrong string) *Error {
	return newError(CodeBadAnswer, r.slot.spec.Name, "returned an invalid response %s: %s", doing, wrong).
		hint("report it to the provider's author")
}

// late is a call whose time is over.
func (r *remote) late(v *live, doing string, limit time.Duration) *Error {
	return newError(CodeTimeout, r.slot.spec.Name, "did not answer within %s %s", limit, doing).lines(v.launch.tail()).
		hint("try again; if it hangs again, report it to the provider's author")
}

// failed is a call that the provider answered with a gRPC status: it is alive, and its status says nothing of our limits.
func (r *remote) failed(v *live, doing string, err error) *Error {
	name, s := r.slot.spec.Name, status.Convert(err)
	said := r.slot.secrets.shown(s.Message(), 200)
	if s.Code() == codes.Unimplemented {
		return newError(CodeProtocol, name, "does not implement a method %s: %s", doing, said).
			hint("install a provider that serves humanconnect.provider.v1")
	}
	return newError(CodeBadAnswer, name, "failed %s (%s): %s", doing, s.Code(), said).lines(v.launch.tail()).
		hint("report it to the provider's author")
}

// broken is a call that got no answer before its time was over: a crash, or something else that ended it on our side.
func (r *remote) broken(v *live, doing string, err error) *Error {
	name, code := r.slot.spec.Name, status.Code(err)
	gone := v.ended() || code == codes.Unavailable && v.launch.process().endsWithin(exitLimit)
	switch {
	case v.isExpected():
		return newError(CodeUnavailable, name, "was stopped %s", doing).hint("try again")
	case gone:
		return r.slot.crashedIn(v, doing)
	case code == codes.Unavailable:
		v.retire()
		return newError(CodeUnavailable, name, "closed its connection %s, but did not exit", doing).
			lines(v.launch.tail()).hint("try again; if it happens again, report it to the provider's author")
	case code == codes.ResourceExhausted:
		return newError(CodeBadAnswer, name, "exceeded the limit of %d MiB for a message %s", sdk.MaxMessage>>20, doing).
			hint("report it to the provider's author")
	}
	return newError(CodeBadAnswer, name, "returned a response that cannot be decoded %s (%s): %s", doing, code,
		r.slot.secrets.shown(status.Convert(err).Message(), 200)).lines(v.launch.tail()).
		hint("report it to the provider's author")
}

func (v *live) isExpected() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.expected
}

// cleanError makes what a source said no with fit to show.
func (r *remote) cleanError(said *sdk.Error) *sdk.Error {
	out := *said
	out.Message = r.slot.secrets.shown(said.Message, 500)
	out.Field = clean(said.Field, 64)
	out.Setting = clean(said.Setting, 64)
	return &out
}

// cleanStep makes the text of a step fit to show, but for the fields of a form, which checkStep cleans. Addresses, codes, ids
// and opaque bytes stay as they are.
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
