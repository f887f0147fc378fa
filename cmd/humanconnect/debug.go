package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/humanconnect/humanconnect/core/clock"
	"github.com/humanconnect/humanconnect/sdk"
)

// logger writes for --debug and drops everything without it. Arguments, tokens, answers, and names of sources or users
// never go to it: what is done is told by kinds, ids of ours, and times.
func (a *App) logger() *slog.Logger {
	if !a.global.debug {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(a.Streams.Err, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// stopwatch logs a piece of work when it is done, with how long it took. What it failed with is told by its code alone:
// its text may tell of a user.
func stopwatch(log *slog.Logger, c clock.Clock, what string, about ...any) func(err error, more ...any) {
	began := c.Now()
	return func(err error, more ...any) {
		args := append(append(about, more...), "took", c.Now().Sub(began).Round(time.Millisecond).String())
		if err != nil {
			args = append(args, "code", wordFor(err))
		}
		log.Debug(what, args...)
	}
}

// wordFor is the code of an error, that of a source included.
func wordFor(err error) string {
	if code := codeOf(err); code != "" {
		return code
	}
	if said := (*sdk.Error)(nil); errors.As(err, &said) {
		return string(said.Code)
	}
	return codeless
}

// watched is a provider whose calls are logged: which, for how long, and what kind of thing came of it.
type watched struct {
	sdk.Provider
	name  string
	log   *slog.Logger
	clock clock.Clock
}

var (
	_ sdk.Provider  = (*watched)(nil)
	_ sdk.Refresher = (*watched)(nil)
	_ sdk.Checker   = (*watched)(nil)
)

func (w *watched) call(kind string, about ...any) func(error, ...any) {
	return stopwatch(w.log, w.clock, "provider answered", append([]any{"provider", w.name, "call", kind}, about...)...)
}

// Connect implements sdk.Provider.
func (w *watched) Connect(ctx context.Context, req *sdk.ConnectRequest) (sdk.Step, error) {
	done := w.call("connect", "attempt", req.AttemptID, "reply", kindOf(req.Reply))
	step, err := w.Provider.Connect(ctx, req)
	done(err, "step", kindOf(step))
	return step, err
}

// Disconnect implements sdk.Provider.
func (w *watched) Disconnect(ctx context.Context, req *sdk.CredentialRequest) error {
	done := w.call("disconnect")
	err := w.Provider.Disconnect(ctx, req)
	done(err)
	return err
}

// Refresh implements sdk.Refresher, as the providers of the host do.
func (w *watched) Refresh(ctx context.Context, req *sdk.CredentialRequest) (*sdk.Refreshed, error) {
	refresher, ok := w.Provider.(sdk.Refresher)
	if !ok {
		return nil, fmt.Errorf("a %T does not refresh", w.Provider)
	}
	done := w.call("refresh")
	refreshed, err := refresher.Refresh(ctx, req)
	done(err)
	return refreshed, err
}

// Check implements sdk.Checker, as the providers of the host do.
func (w *watched) Check(ctx context.Context, req *sdk.CredentialRequest) error {
	checker, ok := w.Provider.(sdk.Checker)
	if !ok {
		return fmt.Errorf("a %T does not check", w.Provider)
	}
	done := w.call("check")
	err := checker.Check(ctx, req)
	done(err)
	return err
}

// kindOf names the kind of a step or a reply: "Form", "TimePassed"; "none" for nothing.
func kindOf(v any) string {
	if v == nil {
		return "none"
	}
	return strings.TrimPrefix(fmt.Sprintf("%T", v), "sdk.")
}
