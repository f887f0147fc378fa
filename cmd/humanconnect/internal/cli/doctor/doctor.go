// Package doctor has the command that checks everything.
package doctor

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/app"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/command"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/doctor"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/exit"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/iostreams"
)

// New returns the command doctor.
func New(a *app.App) *cobra.Command {
	full := false
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Check everything, change nothing",
		Long: `Check the config, the state and its key, the session token service, every provider, the sources
and the plan of the config with their secrets, the hooks, and the redirect listener, and print
what is wrong and how to fix it. It changes nothing; state.db-shm, where SQLite keeps track of
readers, is not part of the state. Of a state larger than 16 MiB the newest rows are read, and
all of them with --full, which takes minutes where the state has gigabytes. The exit code is 0
if no check failed, else that of the first failed check.`,
		Example: "  humanconnect doctor\n  humanconnect doctor -o json",
		Args:    command.UpToArgs(0),
		RunE:    func(c *cobra.Command, _ []string) error { return run(a, c, full) },
	}
	c.Flags().BoolVar(&full, "full", false, "read the whole state, however large it is")
	return command.Exits(c, exit.OK, exit.Usage, exit.Config, exit.NotFound, exit.Provider, exit.Network, exit.Store)
}

const kind = "doctor"

// report is what doctor prints.
type report struct {
	Kind string         `json:"kind"`
	ID   iostreams.NoID `json:"id"`
	// Checks in the order in which they were made.
	Checks []doctor.Finding `json:"checks"`
}

// Outputs returns samples of what the command prints as JSON.
func Outputs() []command.Output {
	return []command.Output{{Command: "doctor", Sample: report{Kind: kind}}}
}

func run(a *app.App, c *cobra.Command, full bool) error {
	findings, err := doctor.Examine(c.Context(), a, full)
	if err != nil {
		return err
	}
	err = a.IO.Print(report{Kind: kind, Checks: findings}, func(w io.Writer) error { return doctor.Write(w, findings) })
	if err != nil {
		return err
	}
	for _, f := range findings {
		if f.State == doctor.StateFailed {
			return exit.With(f.Exit)
		}
	}
	return nil
}
