package hook

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/app"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/command"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/exit"
)

func newSecret(a *app.App) *cobra.Command {
	c := command.Group(&cobra.Command{
		Use:     "secret",
		Short:   "Show the secret that signs for URLs given as flags",
		Long:    "Show the secret with which this state signs posts to URLs that were given as flags of open.\nA hook of the config file has a secret of its own.",
		Example: "  humanconnect hook secret show",
	})
	c.AddCommand(newSecretShow(a))
	return command.Exits(c, exit.OK, exit.Usage)
}

func newSecretShow(a *app.App) *cobra.Command {
	c := &cobra.Command{
		Use:   "show",
		Short: "Print the secret that signs for URLs given as flags",
		Long: `Print the secret with which this state signs posts to URLs that were given as flags of open, for
their receiver to check them with. Whoever has it can sign such posts.`,
		Example: "  humanconnect hook secret show",
		Args:    command.UpToArgs(0),
		RunE: func(c *cobra.Command, _ []string) error {
			st, err := a.Open(c.Context(), app.Options{})
			if err != nil {
				return err
			}
			defer st.Close()
			secret, err := st.HookSecret(c.Context())
			if err != nil {
				return err
			}
			out := struct {
				Secret string `json:"secret"`
			}{secret.Reveal()}
			return a.IO.Print(out, func(w io.Writer) error {
				_, err := fmt.Fprintln(w, out.Secret)
				return err
			})
		},
	}
	return command.Exits(c, exit.OK, exit.Usage, exit.Config, exit.Provider, exit.Store)
}
