// Package config has the commands that show and check the config.
package config

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/app"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/command"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/exit"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/iostreams"
	"github.com/humanconnect/humanconnect/core/config"
	"github.com/humanconnect/humanconnect/internal/problem"
)

// New returns the command config.
func New(a *app.App) *cobra.Command {
	c := command.Group(&cobra.Command{
		Use:     "config",
		Short:   "Show and check the config",
		Long:    "Show the effective config, and check it.",
		Example: "  humanconnect config show",
	})
	c.AddCommand(newPath(a), newShow(a), newValidate(a))
	return command.Exits(c, exit.OK, exit.Usage)
}

// location is where the config file is looked for; Path is null for none.
type location struct {
	Kind   string         `json:"kind"`
	ID     iostreams.NoID `json:"id"`
	Path   *string        `json:"path"`
	Exists bool           `json:"exists"`
}

// value is one value of the config.
type value struct {
	Kind string `json:"kind"`
	// ID is its key: "token.ttl", "hooks[0].on".
	ID    string `json:"id"`
	Value string `json:"value"`
	// Origin is "flag", "env NAME", "FILE:LINE" or "default".
	Origin string `json:"origin"`
}

func valuesOf(entries []config.Entry) []value {
	values := make([]value, 0, len(entries))
	for _, e := range entries {
		values = append(values, value{kindValue, e.Key, e.Value, e.Origin})
	}
	return values
}

// The kinds of what the commands print.
const (
	kindPath     = "config.path"
	kindValue    = "config.value"
	kindValidate = "config.validate"
)

// Outputs returns samples of what the commands print as JSON.
func Outputs() []command.Output {
	return []command.Output{
		{Command: "config path", Sample: location{Kind: kindPath}},
		{Command: "config show", Sample: []value{{Kind: kindValue}}},
		{Command: "config validate", Sample: validity{Kind: kindValidate}},
	}
}

func newPath(a *app.App) *cobra.Command {
	c := &cobra.Command{
		Use:     "path",
		Short:   "Print the path of the config file",
		Long:    "Print the path of the config file, whether the file exists or not.",
		Example: "  humanconnect config path",
		Args:    command.UpToArgs(0),
		RunE: func(*cobra.Command, []string) error {
			found := config.Find(a.ConfigOptions())
			out := location{Kind: kindPath, Path: iostreams.OrNull(found.Path), Exists: exists(found.Path)}
			return a.IO.Print(out, func(w io.Writer) error {
				_, err := fmt.Fprintln(w, iostreams.OrNone(found.Path))
				return err
			})
		},
	}
	return command.Exits(c, exit.OK, exit.Usage)
}

func newShow(a *app.App) *cobra.Command {
	c := &cobra.Command{
		Use:     "show",
		Short:   "Print every value of the config and its origin",
		Long:    "Print every value of the effective config and its origin: a flag, an environment variable, a line\nof the file, or the default. Secrets are shown as references.",
		Example: "  humanconnect config show -o json",
		Args:    command.UpToArgs(0),
		RunE: func(*cobra.Command, []string) error {
			cfg, err := a.LoadConfig()
			if err != nil {
				return err
			}
			entries := cfg.Redacted()
			return a.IO.Print(valuesOf(entries), func(w io.Writer) error {
				var rows [][]string
				for _, e := range entries {
					rows = append(rows, []string{e.Key, e.Value, e.Origin})
				}
				return iostreams.WriteTable(w, []string{"KEY", "VALUE", "FROM"}, rows)
			})
		},
	}
	return command.Exits(c, exit.OK, exit.Usage, exit.Config)
}

func newValidate(a *app.App) *cobra.Command {
	c := &cobra.Command{
		Use:   "validate",
		Short: "Check the config",
		Long: `Check the config: print every problem of the file, each with its line, and check its sources and
plan against the descriptions of the providers. Providers without a cached description are
started, and one that cannot be started is a problem too. A secret that is not there is a
warning, or, for a required hook, a problem.`,
		Example: "  humanconnect config validate",
		Args:    command.UpToArgs(0),
		RunE:    func(c *cobra.Command, _ []string) error { return validate(c.Context(), a) },
	}
	return command.Exits(c, exit.OK, exit.Usage, exit.Config, exit.Provider)
}

func validate(ctx context.Context, a *app.App) error {
	cfg, warnings, err := config.Check(a.ConfigOptions())
	a.Warn(warnings)
	if cfg == nil {
		return err
	}
	problems := []error{err, requiredSecrets(cfg, a.Environ())}
	more, err := providerProblems(ctx, a, cfg)
	if err != nil {
		return err
	}
	if err := problem.Join("the config and what it depends on have %d problems", append(problems, more...)...); err != nil {
		return err
	}
	a.Warn(cfg.MissingSecrets(a.Environ()))
	out := validity{Kind: kindValidate, File: iostreams.OrNull(cfg.File), Valid: true, Hooks: len(cfg.Hooks), Sources: len(cfg.Sources)}
	if cfg.Plan != nil {
		out.Actions = len(cfg.Plan.Actions)
	}
	if cfg.File == "" {
		a.IO.Warn("no config file is read; these are the defaults, the environment and the flags")
	}
	return a.IO.Print(out, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "the config is valid: %s with %s, %s, %s in the plan\n", cmp.Or(cfg.File, "no file"),
			counted(out.Hooks, "hook"), counted(out.Sources, "source"), counted(out.Actions, "action"))
		return err
	})
}

// validity is what config validate says of a valid config.
type validity struct {
	Kind string         `json:"kind"`
	ID   iostreams.NoID `json:"id"`
	// File is null where none is read.
	File  *string `json:"file"`
	Valid bool    `json:"valid"`
	// Hooks, Sources and Actions are how many the file has of each.
	Hooks   int `json:"hooks"`
	Sources int `json:"sources"`
	Actions int `json:"actions"`
}

func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// requiredSecrets returns a problem if the secret of a required hook is not there: open would open no session.
func requiredSecrets(cfg *config.Config, env config.Environment) error {
	for _, h := range cfg.Hooks {
		if h.Required && h.Secret != nil && !h.Secret.Exists(env) {
			return problem.New(config.CodeSecret, "the secret of the required hook %s is not there: %s", h.Name, h.Secret).
				Hint("write it there, or correct the hook in the config")
		}
	}
	return nil
}

// providerProblems returns the problems of a config that only the providers know; entries may be nil.
func providerProblems(ctx context.Context, a *app.App, cfg *config.Config) ([]error, error) {
	inst, err := a.PrepareWith(cfg, true)
	if err != nil {
		return []error{err}, nil
	}
	defer inst.Close()
	catalog, err := inst.Catalog(ctx)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	problems := []error{err}
	if err == nil {
		problems = append(problems, catalog.CheckPlan(cfg.Plan))
		inst.WarnOfConflicts(catalog.Conflicts())
	}
	return append(problems, inst.Providers.Broken()...), nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
