package main

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/humanconnect/humanconnect/core/config"
	"github.com/humanconnect/humanconnect/internal/problem"
)

func newConfig(app *App) *cobra.Command {
	c := group(&cobra.Command{
		Use:     "config",
		Short:   "Look at the config and check it",
		Long:    "Look at the config that is in force, and check it.",
		Example: "  humanconnect config show",
	})
	c.AddCommand(newConfigPath(app), newConfigShow(app), newConfigValidate(app))
	return exits(c, exitOK, exitUsage)
}

func (a *App) configOptions() config.Options {
	return config.Options{
		Path: a.global.config, Environ: a.Environ(), Home: a.env("HOME"), UID: a.UID, Overrides: a.overrides,
	}
}

func newConfigPath(app *App) *cobra.Command {
	c := &cobra.Command{
		Use:     "path",
		Short:   "Print which config file is read",
		Long:    "Print which config file is read, whether it is there or not.",
		Example: "  humanconnect config path",
		Args:    upToArgs(0),
		RunE: func(*cobra.Command, []string) error {
			found := config.Find(app.configOptions())
			out := struct {
				Path   string `json:"path"`
				Exists bool   `json:"exists"`
			}{found.Path, exists(found.Path)}
			return app.print(out, func(w io.Writer) error {
				_, err := fmt.Fprintln(w, orNone(out.Path))
				return err
			})
		},
	}
	return exits(c, exitOK, exitUsage)
}

func newConfigShow(app *App) *cobra.Command {
	c := &cobra.Command{
		Use:     "show",
		Short:   "Print every value of the config and where it comes from",
		Long:    "Print every value of the config that is in force and where it comes from: a flag, a variable\nof the environment, a line of the file, or the default. Secrets are references, and stay so.",
		Example: "  humanconnect config show -o json",
		Args:    upToArgs(0),
		RunE: func(*cobra.Command, []string) error {
			cfg, err := app.loadConfig()
			if err != nil {
				return err
			}
			entries := cfg.Redacted()
			return app.print(entries, func(w io.Writer) error {
				var rows [][]string
				for _, e := range entries {
					rows = append(rows, []string{e.Key, e.Value, e.Origin})
				}
				return writeTable(w, []string{"KEY", "VALUE", "FROM"}, rows)
			})
		},
	}
	return exits(c, exitOK, exitUsage, exitConfig)
}

func newConfigValidate(app *App) *cobra.Command {
	c := &cobra.Command{
		Use:   "validate",
		Short: "Check the config",
		Long: `Check the config: every problem of the file at once, each with its place, and its sources and
plan against what the providers declare. Providers that say nothing yet are started for that,
and one that cannot be asked is a problem too.`,
		Example: "  humanconnect config validate",
		Args:    upToArgs(0),
		RunE:    func(c *cobra.Command, _ []string) error { return app.configValidate(c.Context()) },
	}
	return exits(c, exitOK, exitUsage, exitConfig, exitProvider)
}

func (a *App) configValidate(ctx context.Context) error {
	cfg, warnings, err := config.Check(a.configOptions())
	a.sayWarnings(warnings)
	if cfg == nil {
		return err
	}
	wrong := []error{err}
	more, err := a.wrongWith(ctx, cfg)
	if err != nil {
		return err
	}
	if err := allOf(append(wrong, more...)); err != nil {
		return err
	}
	out := struct {
		File  string `json:"file"`
		Valid bool   `json:"valid"`
	}{cfg.File, true}
	return a.print(out, func(w io.Writer) error {
		_, err := fmt.Fprintln(w, "the config is valid")
		return err
	})
}

// wrongWith returns what is wrong with a config that only the providers know, and nil in places where nothing is.
func (a *App) wrongWith(ctx context.Context, cfg *config.Config) ([]error, error) {
	st, err := a.prepareWith(cfg, cacheDir(cfg))
	if err != nil {
		return []error{err}, nil
	}
	defer st.Close()
	catalog, err := st.catalog(ctx)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	wrong := []error{err}
	if err == nil {
		wrong = append(wrong, catalog.CheckPlan(cfg.Plan))
	}
	return append(wrong, st.sources.brokenOnes()...), nil
}

// allOf makes one error of all that are not nil. Its code is that of the first; the others stand in its facts.
func allOf(errs []error) error {
	errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	switch len(errs) {
	case 0:
		return nil
	case 1:
		return errs[0]
	}
	all := problem.New(problemOf(errs[0]).Code(), "the config and what it depends on have several problems")
	for _, err := range errs {
		said := describe(err)
		all = all.Fact("%s [%s]", said.Message, said.Code)
		for _, fact := range said.Facts {
			all = all.Fact("  %s", fact)
		}
		for _, hint := range said.Hints {
			if !slices.Contains(all.Hints(), hint) {
				all = all.Hint("%s", hint)
			}
		}
	}
	return all
}
