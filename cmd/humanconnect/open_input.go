package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/humanconnect/humanconnect/core/hook"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/problem"
	"github.com/humanconnect/humanconnect/core/session"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/host"
)

const (
	actionConnect    = store.ActionConnect
	actionDisconnect = store.ActionDisconnect
	// maxInput is the largest file, or standard input, that holds a token, a user id or an answer.
	maxInput = 64 << 10
)

// actionFlag appends to one list from two flags, so that their order is kept.
type actionFlag struct {
	into *[]session.Action
	kind store.ActionKind
}

// Set implements [pflag.Value].
func (f *actionFlag) Set(target string) error {
	if _, err := id.Parse[id.Connection](target); err != nil && !host.ValidID(target) {
		return fmt.Errorf("wants %s", f.Wants())
	}
	*f.into = append(*f.into, session.Action{Kind: f.kind, Target: target})
	return nil
}

// String implements [pflag.Value].
func (f *actionFlag) String() string { return "" }

// Type implements [pflag.Value].
func (f *actionFlag) Type() string { return "target" }

// Wants says what the flag takes.
func (f *actionFlag) Wants() string { return "the id of a source or of a connection (con_…)" }

// givenHook is an --on-… flag.
type givenHook struct {
	on    hook.On
	value string
}

type hookFlag struct {
	into *[]givenHook
	on   hook.On
}

// Set implements [pflag.Value].
func (f *hookFlag) Set(value string) error {
	*f.into = append(*f.into, givenHook{f.on, value})
	return nil
}

// String implements [pflag.Value].
func (f *hookFlag) String() string { return "" }

// Type implements [pflag.Value].
func (f *hookFlag) Type() string { return "hook" }

func addHookFlags(f *pflag.FlagSet, into *[]givenHook) {
	f.Var(&hookFlag{into, hook.OnClose}, "on-close", "`HOOK` to tell when the session closes: a URL, or a command line for sh -c; repeatable")
	f.Var(&hookFlag{into, hook.OnConnectSource}, "on-connect-source", "`HOOK` to tell when a source is connected; repeatable")
	f.Var(&hookFlag{into, hook.OnDisconnectSource}, "on-disconnect-source", "`HOOK` to tell when a source is disconnected; repeatable")
}

// openRequest reads all that open is given.
func (a *App) openRequest(ctx context.Context, c *cobra.Command, o openOptions, st *state) (session.OpenRequest, error) {
	script, err := a.script(ctx, c, o, st)
	if err != nil {
		return session.OpenRequest{}, err
	}
	hooks, err := a.givenHooks(o.hooks)
	if err != nil {
		return session.OpenRequest{}, err
	}
	token, err := a.sessionToken(ctx, c, o.token)
	if err != nil {
		return session.OpenRequest{}, err
	}
	user, err := a.textOf(ctx, "--client-user-id", o.clientUserID)
	if err != nil {
		return session.OpenRequest{}, err
	}
	if user == "" && o.clientUserID != "" {
		return session.OpenRequest{}, usage(c, "the file of --client-user-id is empty")
	}
	return session.OpenRequest{
		Token: token, ClientID: o.clientID, ClientUserID: user, DefaultClientID: st.config.ClientID,
		Script: script, Hooks: hooks, TakeOver: o.takeOver,
	}, nil
}

// script is what to do: flags, else the plan file, else the config's plan.
func (a *App) script(ctx context.Context, c *cobra.Command, o openOptions, st *state) (session.Script, error) {
	answers, err := a.answers(ctx, c, o.answers)
	if err != nil {
		return session.Script{}, err
	}
	s := session.Script{Actions: o.actions, Answers: answers}
	if len(s.Actions) == 0 {
		if s.Actions, err = st.planned(ctx, o.plan); err != nil {
			return s, err
		}
	}
	return s, nil
}

// answers reads --answer flags. What they hold is never repeated in an error.
func (a *App) answers(ctx context.Context, c *cobra.Command, given []string) (map[string]map[string]sdk.Secret, error) {
	out := make(map[string]map[string]sdk.Secret)
	for _, g := range given {
		target, text, _ := strings.Cut(g, "=")
		source, field, _ := strings.Cut(target, ".")
		if len(target) == len(g) || !host.ValidID(source) || !host.ValidFieldID(field) {
			return nil, usage(c, "an answer is written SOURCE.FIELD=VALUE or SOURCE.FIELD=@FILE")
		}
		value, err := a.textOf(ctx, "--answer", text)
		if err != nil {
			return nil, err
		}
		if out[source] == nil {
			out[source] = make(map[string]sdk.Secret)
		}
		out[source][field] = sdk.Secret(value)
	}
	return out, nil
}

func (a *App) givenHooks(given []givenHook) ([]hook.Hook, error) {
	if len(given) == 0 {
		return nil, nil
	}
	place, err := a.place()
	if err != nil {
		return nil, err
	}
	var out []hook.Hook
	for _, g := range given {
		h, err := hook.Parse(g.on, g.value, place)
		if err != nil {
			return nil, err
		}
		out = append(out, h)
	}
	return out, nil
}

// place is who runs hooks of flags, and where.
func (a *App) place() (hook.Place, error) {
	dir, err := a.Getwd()
	if err != nil {
		return hook.Place{}, fmt.Errorf("the working directory: %w", err)
	}
	host, err := os.Hostname()
	if err != nil {
		return hook.Place{}, fmt.Errorf("the name of this host: %w", err)
	}
	return hook.Place{Dir: dir, UID: a.UID, Host: host}, nil
}

// sessionToken reads the token as --token says, else from the environment. No token at all is "", which has a status of
// its own.
func (a *App) sessionToken(ctx context.Context, c *cobra.Command, value string) (sdk.Secret, error) {
	if c.Flags().Changed("token") {
		if value == "-" {
			text, err := a.readStdin(ctx)
			return bareToken(text), err
		}
		text, err := a.textOf(ctx, "--token", value)
		return bareToken(text), err
	}
	return a.environmentToken(ctx)
}

func (a *App) environmentToken(ctx context.Context) (sdk.Secret, error) {
	if path := a.env("HUMANCONNECT_SESSION_TOKEN_FILE"); path != "" {
		text, err := a.textOf(ctx, "HUMANCONNECT_SESSION_TOKEN_FILE", "@"+path)
		return bareToken(text), err
	}
	return bareToken(a.env("HUMANCONNECT_SESSION_TOKEN")), nil
}

// readStdin reads standard input to its end.
func (a *App) readStdin(ctx context.Context) (string, error) {
	return readAll(ctx, "standard input", func() (io.ReadCloser, error) { return io.NopCloser(a.Streams.In), nil })
}

// readAll opens and reads what is a small text. A terminal, a pipe or a named pipe may keep it waiting: it ends early, with
// the cause, when ctx does, and leaves the read to the end of the program.
func readAll(ctx context.Context, what string, open func() (io.ReadCloser, error)) (string, error) {
	type result struct {
		text []byte
		err  error
	}
	read := make(chan result, 1)
	go func() {
		r, err := open()
		if err != nil {
			read <- result{nil, err}
			return
		}
		defer r.Close()
		text, err := io.ReadAll(io.LimitReader(r, maxInput+1))
		read <- result{text, err}
	}()
	var got result
	select {
	case got = <-read:
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
	switch {
	case got.err != nil:
		return "", problem.New("input_file", "%s cannot be read", what).Because(withoutPath(got.err)).
			Hint("name a file that is there and that you may read")
	case len(got.text) > maxInput:
		return "", problem.New("input_file", "%s is larger than %d bytes", what, maxInput).
			Hint("name the file that holds this and nothing else")
	}
	return string(bytes.TrimRight(got.text, "\r\n")), nil
}

// withoutPath is what went wrong with a file: its name may tell of a user.
func withoutPath(err error) error {
	var p *os.PathError
	if asPath(err, &p) {
		return p.Err
	}
	return err
}
