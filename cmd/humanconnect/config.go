package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/humanconnect/humanconnect/core/config"
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
		Long: `Check the config: every problem of the file at once, each with its place, and the settings of
sources against what their providers declare.`,
		Example: "  humanconnect config validate",
		Args:    upToArgs(0),
		RunE: func(c *cobra.Command, _ []string) error {
			st, err := app.prepare()
			if err != nil {
				return err
			}
			defer st.Close()
			if _, err := st.sources.catalog(c.Context()); err != nil {
				return err
			}
			out := struct {
				File  string `json:"file"`
				Valid bool   `json:"valid"`
			}{st.config.File, true}
			return app.print(out, func(w io.Writer) error {
				_, err := fmt.Fprintln(w, "the config is valid")
				return err
			})
		},
	}
	return exits(c, exitOK, exitUsage, exitConfig, exitProvider)
}
