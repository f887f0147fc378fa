package hook

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/app"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/command"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/exit"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/iostreams"
)

func newSecret(a *app.App) *cobra.Command {
	c := command.Group(&cobra.Command{
		Use:     "secret",
		Short:   "Show the signing secret for URLs given as flags",
		Long:    "Show the secret that signs requests to URLs given as flags of open. A hook of the config file\nhas its own secret.",
		Example: "  humanconnect hook secret show",
	})
	c.AddCommand(newSecretShow(a))
	return command.Exits(c, exit.OK, exit.Usage)
}

// shownSecret is the signing secret.
type shownSecret struct {
	Kind   string         `json:"kind"`
	ID     iostreams.NoID `json:"id"`
	Secret string         `json:"secret"`
}

func newSecretShow(a *app.App) *cobra.Command {
	c := &cobra.Command{
		Use:   "show",
		Short: "Print the signing secret for URLs given as flags",
		Long: `Print the secret that signs requests to URLs given as flags of open, so that their receiver can
verify them. Anyone who has the secret can sign such requests.`,
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
			out := shownSecret{Kind: kindSecret, Secret: secret.Reveal()}
			return a.IO.Print(out, func(w io.Writer) error {
				_, err := fmt.Fprintln(w, out.Secret)
				return err
			})
		},
	}
	return command.Exits(c, exit.OK, exit.Usage, exit.Config, exit.Provider, exit.Store)
}
