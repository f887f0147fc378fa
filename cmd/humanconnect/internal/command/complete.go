package command

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/app"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/iostreams"
	"github.com/humanconnect/humanconnect/core/query"
	"github.com/humanconnect/humanconnect/core/source"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/core/store/sqlite"
)

// completed is the directive of a completion of ids: no file names.
const completed = cobra.ShellCompDirectiveNoFileComp

const (
	// completeTime is how long a person waits for a completion.
	completeTime = 2 * time.Second
	// maxCompleted is how many ids a completion offers.
	maxCompleted = 50
)

// Completion completes an argument, or the value of a flag.
type Completion = func(c *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective)

// CompleteAll gives every command and flag below c a completion: its own, that of its kind, or none, so that a shell
// offers files only where a file is expected.
func CompleteAll(a *app.App, c *cobra.Command) {
	switch {
	case c.ValidArgsFunction == nil && len(c.ValidArgs) == 0 && !strings.Contains(c.Use, "FILE"):
		c.ValidArgsFunction = cobra.NoFileCompletions
	case c.ValidArgsFunction != nil && !strings.ContainsAny(c.Use, "…|"):
		c.ValidArgsFunction = firstArgument(c.ValidArgsFunction)
	}
	c.LocalFlags().VisitAll(func(f *pflag.Flag) {
		_, has := c.GetFlagCompletionFunc(f.Name)
		if complete := completionOf(a, f); !has && complete != nil {
			_ = c.RegisterFlagCompletionFunc(f.Name, complete) // fails only where there is one
		}
		f.Usage = strings.ReplaceAll(f.Usage, "`", "") // the marks around the name of the value, which a shell would show
	})
	for _, sub := range c.Commands() {
		CompleteAll(a, sub)
	}
}

// completionOf is how the value of a flag is completed; nil for one that may name a file.
func completionOf(a *app.App, f *pflag.Flag) Completion {
	if c, ok := f.Value.(*Choice); ok {
		return cobra.FixedCompletions(c.Of, completed)
	}
	switch f.Name {
	case "session":
		return Sessions(a)
	case "hook":
		return Hooks(a)
	case "answer":
		return answers(a)
	}
	if takesPath(f) || strings.Contains(f.Usage, "@FILE") {
		return nil
	}
	return cobra.NoFileCompletions
}

// firstArgument completes the first argument alone.
func firstArgument(f Completion) Completion {
	return func(c *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, completed
		}
		return f(c, args, toComplete)
	}
}

// prepareCompletion reads the flags of the line so far, and silences messages.
func prepareCompletion(a *app.App, c *cobra.Command) error {
	a.IO.Flags.Quiet = true
	return ReadFlags(a, c)
}

// Sources completes ids of sources.
func Sources(a *app.App) Completion {
	return fromSources(a, completed, func(s source.Source) []string {
		return []string{cobra.CompletionWithDesc(s.ID, iostreams.Clean(s.Name))}
	})
}

// SourceGroups completes groups of sources.
func SourceGroups(a *app.App) Completion {
	return fromSources(a, completed, func(s source.Source) []string {
		if s.Group == "" {
			return nil
		}
		return []string{iostreams.Clean(s.Group)}
	})
}

// answers completes the fields of the forms of sources.
func answers(a *app.App) Completion {
	return fromSources(a, completed|cobra.ShellCompDirectiveNoSpace, func(s source.Source) (out []string) {
		for _, f := range s.Fields {
			out = append(out, cobra.CompletionWithDesc(s.ID+"."+f.ID+"=", iostreams.Clean(f.Label)))
		}
		return out
	})
}

// fromSources completes with values of the sources whose descriptions are known in time.
func fromSources(a *app.App, directive cobra.ShellCompDirective, valuesOf func(source.Source) []string) Completion {
	return func(c *cobra.Command, _ []string, _ string) (out []string, _ cobra.ShellCompDirective) {
		if prepareCompletion(a, c) != nil {
			return nil, directive
		}
		inst, err := a.Prepare()
		if err != nil {
			return nil, directive
		}
		defer inst.Close()
		ctx, cancel := context.WithTimeout(c.Context(), completeTime)
		defer cancel()
		_, _ = inst.Providers.Offered(ctx) // what is known when the time is over is better than nothing
		catalog, err := inst.Providers.Known()
		if err != nil {
			return nil, directive
		}
		for _, s := range catalog.All() {
			out = append(out, valuesOf(s)...)
		}
		return slices.Compact(out), directive
	}
}

// Providers completes names of providers.
func Providers(a *app.App) Completion {
	return func(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		if prepareCompletion(a, c) != nil {
			return nil, completed
		}
		inst, err := a.Prepare()
		if err != nil {
			return nil, completed
		}
		defer inst.Close()
		return inst.Providers.Names(), completed
	}
}

// Hooks completes names of hooks of the config.
func Hooks(a *app.App) Completion {
	return func(c *cobra.Command, _ []string, _ string) (out []string, _ cobra.ShellCompDirective) {
		if prepareCompletion(a, c) != nil {
			return nil, completed
		}
		cfg, err := a.LoadConfig()
		if err != nil {
			return nil, completed
		}
		for _, h := range cfg.Hooks {
			out = append(out, h.Name)
		}
		return out, completed
	}
}

// Connections completes ids of connections that are not disconnected, taken from the newest events.
func Connections(a *app.App) Completion {
	return ids(a, func(ctx context.Context, s *sqlite.Store) ([]string, error) {
		list, err := query.NewestConnections(ctx, s, maxCompleted)
		return toStrings(list), err
	})
}

// Sessions completes ids of sessions, the newest first.
func Sessions(a *app.App) Completion {
	return ids(a, func(ctx context.Context, s *sqlite.Store) (out []string, err error) {
		list, err := query.Sessions(ctx, s, store.SessionFilter{Limit: maxCompleted})
		for _, row := range list {
			out = append(out, string(row.ID))
		}
		return out, err
	})
}

// Deliveries completes ids of deliveries, the newest first.
func Deliveries(a *app.App) Completion {
	return ids(a, func(ctx context.Context, s *sqlite.Store) (out []string, err error) {
		list, err := query.Deliveries(ctx, s, store.DeliveryFilter{Limit: maxCompleted})
		for _, row := range list {
			out = append(out, string(row.ID))
		}
		return out, err
	})
}

// Events completes ids of events, the newest first.
func Events(a *app.App) Completion {
	return ids(a, func(ctx context.Context, s *sqlite.Store) (out []string, err error) {
		list, err := query.Events(ctx, s, store.EventFilter{Limit: maxCompleted})
		for _, row := range list {
			out = append(out, string(row.ID))
		}
		return out, err
	})
}

func toStrings[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = string(v)
	}
	return out
}

// ids completes with ids of the state, which is only read: a completion creates no state and closes no session.
func ids(a *app.App, list func(context.Context, *sqlite.Store) ([]string, error)) Completion {
	return func(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		if prepareCompletion(a, c) != nil {
			return nil, completed
		}
		ctx, cancel := context.WithTimeout(c.Context(), completeTime)
		defer cancel()
		out, err := readIDs(ctx, a, list)
		if err != nil {
			return nil, completed
		}
		return out, cobra.ShellCompDirectiveKeepOrder | completed
	}
}

func readIDs(ctx context.Context, a *app.App, list func(context.Context, *sqlite.Store) ([]string, error)) ([]string, error) {
	cfg, err := a.LoadConfig()
	if err != nil {
		return nil, err
	}
	o := a.StoreOptions(cfg)
	o.ReadOnly, o.BusyLimit = true, completeTime
	s, err := sqlite.Open(ctx, o)
	if err != nil {
		return nil, err
	}
	defer func() { _ = s.Close() }() // only read
	return list(ctx, s)
}
