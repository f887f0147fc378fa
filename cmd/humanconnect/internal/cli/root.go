// Package cli is the tree of commands, and runs the one that the arguments name. The commands of one noun are one package below
// this one: each parses its flags, makes one call, and prints the result. A new noun gets a package and a line in [NewRoot].
package cli

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/app"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/cli/completion"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/cli/config"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/cli/connection"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/cli/delivery"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/cli/doctor"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/cli/event"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/cli/help"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/cli/hook"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/cli/open"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/cli/provider"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/cli/sandbox"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/cli/session"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/cli/source"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/cli/token"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/cli/version"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/command"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/exit"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/iostreams"
)

// Run runs the command that the arguments name, prints its error, and returns the exit code.
func Run(a *app.App) int {
	began := a.Clock.Now()
	root := NewRoot(a)
	root.SetArgs(a.IO.Args)
	c, err := root.ExecuteContextC(a.Signals.Closing())
	code := report(a, err)
	a.IO.Logger().Debug("done", "command", c.CommandPath(), "exit", code, "took", a.Clock.Now().Sub(began).String())
	return code
}

// report prints the error of a command. An interrupt by Ctrl-C needs no message.
func report(a *app.App, err error) int {
	if _, silent := exit.Silent(err); err != nil && !silent && a.Signals.First() != nil {
		if s := exit.Signal(nil); errors.Is(err, context.Canceled) || errors.As(err, &s) {
			return a.Signals.ExitCode()
		}
	}
	return a.IO.Report(err)
}

// NewRoot returns the tree of commands. It reads nothing from disk; a command opens what it needs when it runs.
func NewRoot(a *app.App) *cobra.Command {
	root := &cobra.Command{
		Use:   "humanconnect",
		Short: "Connect users' health data sources",
		Long: `humanconnect runs sessions in which a user connects and disconnects health data sources. It
delivers each change to your application as an event, and prints the response.`,
		Example: `  humanconnect token create --client-user-id demo-user > token.txt
  humanconnect open --token @token.txt --connect sandbox-instant
  humanconnect source list`,
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	addGlobalFlags(root, a)
	root.SetIn(a.IO.In)
	root.SetOut(a.IO.Out)
	root.SetErr(a.IO.Err)
	root.SetFlagErrorFunc(command.FlagProblem)
	root.SetHelpFunc(func(c *cobra.Command, _ []string) { help.Show(a, c) })
	root.SetHelpCommand(help.New(a))
	root.Flags().Bool("version", false, "print the version")
	root.PersistentPreRunE = func(c *cobra.Command, _ []string) error {
		a.Signals.Watch()
		return command.ReadFlags(a, c)
	}
	addGroup(root, "Main commands", open.New(a), source.New(a), token.New(a))
	addGroup(root, "Records", connection.New(a), delivery.New(a), event.New(a), session.New(a))
	addGroup(root, installation, completion.New(a), config.New(a), doctor.New(a), hook.New(a), provider.New(a), sandbox.New(a), version.New(a))
	root.SetHelpCommandGroupID(installation)
	command.Group(root)
	showGroup := root.RunE
	root.RunE = func(c *cobra.Command, args []string) error {
		if asked, _ := c.Flags().GetBool("version"); asked { // the flag is defined above
			return version.Print(a)
		}
		return showGroup(c, args)
	}
	if len(a.IO.Args) > 0 && strings.HasPrefix(a.IO.Args[0], cobra.ShellCompRequestCmd) {
		command.CompleteAll(a, root)
	}
	return root
}

const installation = "Setup and diagnostics"

// addGroup adds commands under one title of the help.
func addGroup(root *cobra.Command, title string, commands ...*cobra.Command) {
	root.AddGroup(&cobra.Group{ID: title, Title: title})
	for _, c := range commands {
		c.GroupID = title
	}
	root.AddCommand(commands...)
}

func addGlobalFlags(root *cobra.Command, a *app.App) {
	flags, g := root.PersistentFlags(), &a.IO.Flags
	flags.StringVar(&a.ConfigPath, "config", "", "config `FILE`; none uses no config file")
	flags.String("state-dir", "", "state directory `DIR`")
	command.SetsConfig(flags, "state-dir", "stateDir")
	flags.VarP(&command.Choice{Value: &g.Output, Of: []string{iostreams.OutputJSON, iostreams.OutputText}}, "output", "o", "output format: json or text")
	flags.BoolVar(&g.Quiet, "quiet", false, "print errors only")
	flags.BoolVar(&a.NoInput, "no-input", false, "never prompt; a missing answer is an error")
	g.Colour = iostreams.ColourAuto
	colours := []string{iostreams.ColourAuto, iostreams.ColourAlways, iostreams.ColourNever}
	flags.Var(&command.Choice{Value: &g.Colour, Of: colours}, "color", "when to use colour: auto, always or never")
	flags.BoolVar(&g.Debug, "debug", false, "log what is done to standard error")
	_ = root.MarkPersistentFlagDirname("state-dir") // fails only where the flag is not defined
}
