package connection

import (
	"context"
	"errors"
	"time"

	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/provider"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/sdk"
)

// checkLimit bounds one check, the start of its provider included.
const checkLimit = 45 * time.Second

// Check asks the source whether a connection's credential works, which is refreshed first where it is due; a cool-down is not
// waited for. Where the source says that it does not work, it is refreshed once. One that cannot be refreshed, or does not
// work then either, needs to be reconnected, with the reason [failure.Revoked].
//
// Its errors are those of [Refresher.Valid], and a [*failure.Failure] of the check.
func (f *Refresher) Check(ctx context.Context, con id.Connection) (store.Connection, error) {
	held, err := f.run(ctx, con, demand{atOnce: true})
	if err != nil {
		return store.Connection{}, err
	}
	err = f.ask(ctx, held)
	if !isRevoked(err) {
		return held.Connection, err
	}
	if !held.Refreshed && held.Connection.CanRefresh {
		held, err = f.run(ctx, con, demand{useless: held.Connection.Version, atOnce: true})
		if err != nil {
			return store.Connection{}, err
		}
		if held.Failure != nil {
			if held.Failure.Code != failure.NotSupported {
				return held.Connection, held.Failure
			}
			err = failure.New(failure.Revoked, "the credential is no longer valid")
		} else if err = f.ask(ctx, held); !isRevoked(err) {
			return held.Connection, err
		}
	}
	c, fallErr := f.fall(ctx, held.Connection, failure.Revoked)
	switch {
	case fallErr != nil:
		return c, fallErr
	case c.State == store.ConnectionNeedsReconnect:
		return c, needsReconnect(c)
	}
	return c, err
}

func isRevoked(err error) bool {
	f := (*failure.Failure)(nil)
	return errors.As(err, &f) && f.Code == failure.Revoked
}

// ask makes the check. It is repeated once after a crash.
func (f *Refresher) ask(ctx context.Context, h Held) error {
	if h.Failure != nil && h.Failure.Code != failure.NotSupported {
		return h.Failure
	}
	c := h.Connection
	if !c.CanCheck {
		return failure.New(failure.NotSupported, "the source has no way to check a credential")
	}
	ctx, cancel := context.WithTimeout(ctx, checkLimit)
	defer cancel()
	settings, err := f.Settings.Settings(ctx, c.Source, c.Provider)
	if err != nil {
		return failure.OfSettings(err)
	}
	err = f.askOnce(ctx, c, settings)
	if provider.Crashed(err) {
		err = f.askOnce(ctx, c, settings)
	}
	if err != nil {
		return failure.Of(err)
	}
	return nil
}

func (f *Refresher) askOnce(ctx context.Context, c store.Connection, settings sdk.Settings) error {
	p, err := f.Providers.Provider(ctx, c.Provider)
	if err != nil {
		return err
	}
	checker, can := p.(sdk.Checker)
	if !can {
		return failure.New(failure.NotSupported, "the provider does not check")
	}
	return checker.Check(ctx, requestOf(c, settings))
}
