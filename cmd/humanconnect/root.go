package main

import (
	"strings"

	"github.com/spf13/cobra"
)

// globalFlags are the flags of every command.
type globalFlags struct {
	// config is a path, none, or "" where it was not given.
	config string
	// output is outputJSON, outputText, or "" where it was not given.
	output  string
	quiet   bool
	noInput bool
	colour  string
	debug   bool
}

// newRoot returns the tree of commands. Making it touches no disk; whatever a command needs of the disk it opens when
// it runs.
func newRoot(app *App) *cobra.Command {
	root := &cobra.Command{
		Use:   "humanconnect",
		Short: "Let people connect the places that hold their health data",
		Long: `humanconnect opens sessions in which a person connects and disconnects sources of
health data, tells your application of each change, and prints the response.`,
		Example: `  humanconnect token create --client-user-id demo-user > token.txt
  humanconnect open --token @token.txt --connect sandbox-instant
  humanconnect source list`,
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	addGlobalFlags(root, &app.global)
	root.SetIn(app.Streams.In)
	root.SetOut(app.Streams.Out)
	root.SetErr(app.Streams.Err)
	root.SetFlagErrorFunc(flagProblem)
	root.SetHelpFunc(func(c *cobra.Command, _ []string) { app.showHelp(c) })
	root.SetHelpCommand(newHelp(app))
	root.Flags().Bool("version", false, "print the version")
	root.PersistentPreRunE = func(c *cobra.Command, _ []string) error {
		app.Signals.Watch()
		return app.readFlags(c)
	}
	addGroup(root, "Main commands", newOpen(app), newSource(app), newToken(app))
	addGroup(root, "What was done", newConnection(app), newDelivery(app), newEvent(app), newSession(app))
	addGroup(root, "This installation", newCompletion(app), newConfig(app), newDoctor(app), newHook(app), newProvider(app),
		newSandbox(app), newVersion(app))
	root.SetHelpCommandGroupID("This installation")
	group(root)
	showGroup := root.RunE
	root.RunE = func(c *cobra.Command, args []string) error {
		if asked, _ := c.Flags().GetBool("version"); asked { // the flag is defined above
			return app.printVersion()
		}
		return showGroup(c, args)
	}
	if len(app.Args) > 0 && strings.HasPrefix(app.Args[0], cobra.ShellCompRequestCmd) {
		app.complete(root)
		plainUsage(root)
	}
	return root
}

// addGroup adds commands that stand together in the help.
func addGroup(root *cobra.Command, title string, commands ...*cobra.Command) {
	root.AddGroup(&cobra.Group{ID: title, Title: title})
	for _, c := range commands {
		c.GroupID = title
	}
	root.AddCommand(commands...)
}

func addGlobalFlags(root *cobra.Command, g *globalFlags) {
	flags := root.PersistentFlags()
	flags.StringVar(&g.config, "config", "", "read the config from `FILE`; none reads no file")
	flags.String("state-dir", "", "keep the state in `DIR`")
	sets(flags, "state-dir", "stateDir")
	flags.VarP(&choice{value: &g.output, of: []string{outputJSON, outputText}}, "output", "o", "form of the answer: json or text")
	flags.BoolVar(&g.quiet, "quiet", false, "say nothing on standard error but errors")
	flags.BoolVar(&g.noInput, "no-input", false, "never ask; a missing answer is an error")
	g.colour = colourAuto
	flags.Var(&choice{value: &g.colour, of: []string{colourAuto, colourAlways, colourNever}}, "color", "when to use colour: auto, always or never")
	flags.BoolVar(&g.debug, "debug", false, "say on standard error what is being done")
	_ = root.MarkPersistentFlagDirname("state-dir") // fails only where the flag is not defined
}
