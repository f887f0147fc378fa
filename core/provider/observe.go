package provider

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/core/source"
	"github.com/humanconnect/humanconnect/sdk"
)

// Observer is called when a piece of work begins, with a few words and pairs of key and value, and returns what is called
// with its error when it has ended. Nothing that it is given names a source or a user.
type Observer func(what string, about ...any) (done func(err error, more ...any))

// observed is a provider for one source, whose calls an observer sees. It refuses a request of another source: what is in it, such
// as a secret, is not for this process.
type observed struct {
	sdk.Provider
	label, source string
	observe       Observer
	// find returns a source by what is known of it now.
	find func(id string) (source.Source, error)
}

var (
	_ sdk.Provider  = (*observed)(nil)
	_ sdk.Refresher = (*observed)(nil)
	_ sdk.Checker   = (*observed)(nil)
)

func (o *observed) call(kind string, about ...any) func(error, ...any) {
	return o.observe("provider answered", append([]any{"provider", o.label, "call", kind}, about...)...)
}

func (o *observed) isFor(source string) error {
	if source != o.source {
		return fmt.Errorf("a request of another source for %s", o.label)
	}
	return nil
}

// explained adds to a wrong configuration which source it is of, and its page on how to get access.
func (o *observed) explained(id string, err error) error {
	if said := (*sdk.Error)(nil); !errors.As(err, &said) || said.Code != sdk.BadConfiguration {
		return err
	}
	src, unknown := o.find(id)
	if unknown != nil {
		return err
	}
	return src.FailureOf(failure.Of(err))
}

// Connect implements [sdk.Provider].
func (o *observed) Connect(ctx context.Context, req *sdk.ConnectRequest) (sdk.Step, error) {
	if err := o.isFor(req.Source); err != nil {
		return nil, err
	}
	done := o.call("connect", "attempt", req.AttemptID, "reply", kindOf(req.Reply))
	step, err := o.Provider.Connect(ctx, req)
	done(err, "step", kindOf(step))
	return step, o.explained(req.Source, err)
}

// Disconnect implements [sdk.Provider].
func (o *observed) Disconnect(ctx context.Context, req *sdk.CredentialRequest) error {
	if err := o.isFor(req.Source); err != nil {
		return err
	}
	done := o.call("disconnect")
	err := o.Provider.Disconnect(ctx, req)
	done(err)
	return o.explained(req.Source, err)
}

// Refresh implements [sdk.Refresher], as the providers of the host do.
func (o *observed) Refresh(ctx context.Context, req *sdk.CredentialRequest) (*sdk.Refreshed, error) {
	refresher, ok := o.Provider.(sdk.Refresher)
	if !ok {
		return nil, fmt.Errorf("a %T does not refresh", o.Provider)
	}
	if err := o.isFor(req.Source); err != nil {
		return nil, err
	}
	done := o.call("refresh")
	refreshed, err := refresher.Refresh(ctx, req)
	done(err)
	return refreshed, o.explained(req.Source, err)
}

// Check implements [sdk.Checker], as the providers of the host do.
func (o *observed) Check(ctx context.Context, req *sdk.CredentialRequest) error {
	checker, ok := o.Provider.(sdk.Checker)
	if !ok {
		return fmt.Errorf("a %T does not check", o.Provider)
	}
	if err := o.isFor(req.Source); err != nil {
		return err
	}
	done := o.call("check")
	err := checker.Check(ctx, req)
	done(err)
	return o.explained(req.Source, err)
}

// kindOf names the kind of a step or a reply: "Form", "TimePassed"; "none" for nothing.
func kindOf(v any) string {
	if v == nil {
		return "none"
	}
	return strings.TrimPrefix(fmt.Sprintf("%T", v), "sdk.")
}
