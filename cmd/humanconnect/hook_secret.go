package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/humanconnect/humanconnect/core/hook"
)

func newHookSecret(app *App) *cobra.Command {
	c := group(&cobra.Command{
		Use:     "secret",
		Short:   "Look at the secret that signs for URLs given as flags",
		Long:    "Look at the secret with which this state signs posts to URLs that were given as flags of open.\nA hook of the config file has a secret of its own.",
		Example: "  humanconnect hook secret show",
	})
	c.AddCommand(newHookSecretShow(app))
	return exits(c, exitOK, exitUsage)
}

func newHookSecretShow(app *App) *cobra.Command {
	c := &cobra.Command{
		Use:   "show",
		Short: "Print the secret that signs for URLs given as flags",
		Long: `Print the secret with which this state signs posts to URLs that were given as flags of open, for
their receiver to check them with. Whoever has it can sign such posts.`,
		Example: "  humanconnect hook secret show",
		Args:    upToArgs(0),
		RunE: func(c *cobra.Command, _ []string) error {
			st, err := app.openState(c.Context(), stateOptions{})
			if err != nil {
				return err
			}
			defer st.Close()
			secret, err := hook.DefaultSecret(c.Context(), st.store, app.Clock.Now())
			if err != nil {
				return err
			}
			out := struct {
				Secret string `json:"secret"`
			}{secret.Reveal()}
			return app.print(out, func(w io.Writer) error {
				_, err := fmt.Fprintln(w, out.Secret)
				return err
			})
		},
	}
	return exits(c, exitOK, exitUsage, exitConfig, exitProvider, exitStore)
}
