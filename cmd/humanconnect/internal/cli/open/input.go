package open

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/app"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/command"
	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/hook"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/session"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/host"
)

// actionFlag appends to one list from two flags, so that their order is kept.
type actionFlag struct {
	into *[]session.Action
	kind store.ActionKind
}

// Set implements [pflag.Value].
func (f *actionFlag) Set(target string) error {
	if _, err := id.Parse[id.Connection](target); err != nil && !host.ValidID(target) {
		return fmt.Errorf("must be %s", f.Expected())
	}
	*f.into = append(*f.into, session.Action{Kind: f.kind, Target: target})
	return nil
}

// String implements [pflag.Value].
func (f *actionFlag) String() string { return "" }

// Type implements [pflag.Value].
func (f *actionFlag) Type() string { return "target" }

// Expected describes the value of the flag.
func (f *actionFlag) Expected() string { return "the id of a source or of a connection (con_…)" }

// givenHook is an --on-… flag.
type givenHook struct {
	on    event.On
	value string
}

type hookFlag struct {
	into *[]givenHook
	on   event.On
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
	f.Var(&hookFlag{into, event.OnClose}, "on-close", "`HOOK` to call when the session closes: a URL, or a command line for sh -c; repeatable")
	f.Var(&hookFlag{into, event.OnConnectSource}, "on-connect-source", "`HOOK` to call when a source is connected; repeatable")
	f.Var(&hookFlag{into, event.OnDisconnectSource}, "on-disconnect-source", "`HOOK` to call when a source is disconnected; repeatable")
}

// request reads the flags and files of open.
func request(ctx context.Context, a *app.App, c *cobra.Command, o options, inst *app.Installation) (session.OpenRequest, error) {
	script, err := scriptOf(ctx, a, c, o, inst)
	if err != nil {
		return session.OpenRequest{}, err
	}
	hooks, err := givenHooks(a, o.hooks)
	if err != nil {
		return session.OpenRequest{}, err
	}
	token, err := sessionToken(ctx, a, c, o.token)
	if err != nil {
		return session.OpenRequest{}, err
	}
	user, err := command.UserID(ctx, a, c, o.clientUserID)
	if err != nil {
		return session.OpenRequest{}, err
	}
	return session.OpenRequest{
		Token: token, ClientID: o.clientID, ClientUserID: user, DefaultClientID: inst.Config.ClientID,
		Script: script, Hooks: hooks, TakeOver: o.takeOver, FrontEnd: sdk.FrontEnd{Form: true, Code: true}, Locale: a.Locale(),
	}, nil
}

// scriptOf returns the actions: of the flags, else of the plan file, else of the config's plan.
func scriptOf(ctx context.Context, a *app.App, c *cobra.Command, o options, inst *app.Installation) (session.Script, error) {
	answers, err := answersOf(ctx, a, c, o.answers)
	if err != nil {
		return session.Script{}, err
	}
	s := session.Script{Actions: o.actions, Answers: answers}
	if len(s.Actions) == 0 {
		if s.Actions, err = inst.Planned(ctx, o.plan); err != nil {
			return s, err
		}
	}
	return s, nil
}

// answersOf reads --answer flags. An error never contains their values.
func answersOf(ctx context.Context, a *app.App, c *cobra.Command, given []string) (map[string]map[string]sdk.Secret, error) {
	out := make(map[string]map[string]sdk.Secret)
	for _, g := range given {
		target, text, _ := strings.Cut(g, "=")
		source, field, _ := strings.Cut(target, ".")
		if len(target) == len(g) || !host.ValidID(source) || !host.ValidFieldID(field) {
			return nil, command.Usage(c, "--answer must be SOURCE.FIELD=VALUE or SOURCE.FIELD=@FILE")
		}
		value, err := command.Input{What: "--answer", Secret: true}.Of(ctx, a, text)
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

func givenHooks(a *app.App, given []givenHook) ([]hook.Hook, error) {
	if len(given) == 0 {
		return nil, nil
	}
	place, err := a.Place()
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

// sessionToken reads the token as --token says, else from the environment. No token at all is "", which has a status of
// its own.
func sessionToken(ctx context.Context, a *app.App, c *cobra.Command, value string) (sdk.Secret, error) {
	if c.Flags().Changed("token") {
		return command.SessionToken(ctx, a, "--token", value)
	}
	return command.EnvironmentToken(ctx, a)
}
