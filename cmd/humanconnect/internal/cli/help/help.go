// Package help prints the help of commands and of topics.
package help

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/app"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/command"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/exit"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/iostreams"
)

// New returns the command help.
func New(a *app.App) *cobra.Command {
	c := &cobra.Command{
		Use:               "help [COMMAND | TOPIC]",
		Short:             "Show help for a command or a topic",
		Long:              "Show help for a command, or for a topic: " + strings.Join(TopicNames(), ", ") + ".",
		Example:           "  humanconnect help version\n  humanconnect help environment\n  humanconnect help failures -o json",
		ValidArgsFunction: completeHelp,
		RunE:              func(c *cobra.Command, args []string) error { return show(a, c, args) },
	}
	return command.Exits(c, exit.OK, exit.Usage)
}

func completeHelp(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	at, rest, err := c.Root().Find(args)
	if err != nil || len(rest) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, sub := range at.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, cobra.CompletionWithDesc(sub.Name(), sub.Short))
		}
	}
	if at == c.Root() {
		for _, t := range topics() {
			names = append(names, cobra.CompletionWithDesc(t.Name, t.Short))
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

func show(a *app.App, c *cobra.Command, args []string) error {
	if len(args) == 1 {
		if t, ok := findTopic(args[0]); ok {
			return a.IO.Print(t.Rows(), t.write)
		}
	}
	about, rest, err := c.Root().Find(args)
	if err != nil {
		return command.Usage(c, "unknown command or topic")
	}
	if len(rest) > 0 {
		return command.UnknownCommand(about, rest...)
	}
	return printHelp(a, about)
}

// Show prints the help of a command, for --help.
func Show(a *app.App, c *cobra.Command) {
	if err := printHelp(a, c); err != nil {
		a.IO.Logger().Debug("help", "error", err)
	}
}

// commandHelp is the help of a command as a document.
type commandHelp struct {
	Kind string `json:"kind"`
	// ID is the whole command, as in "humanconnect session list".
	ID       string        `json:"id"`
	Usage    string        `json:"usage"`
	Short    string        `json:"short"`
	Long     string        `json:"long"`
	Examples []string      `json:"examples"`
	Commands []commandName `json:"commands"`
	Topics   []commandName `json:"topics"`
	Flags    []flagHelp    `json:"flags"`
}

// commandName is a command below another one, or a topic, which has no group.
type commandName struct {
	Name  string  `json:"name"`
	Short string  `json:"short"`
	Group *string `json:"group"`
}

type flagHelp struct {
	Name      string  `json:"name"`
	Shorthand *string `json:"shorthand"`
	Usage     string  `json:"usage"`
	Default   *string `json:"default"`
	// Global: every command has it.
	Global bool `json:"global"`
}

// The kinds of what the command prints.
const (
	kindCommand  = "help.command"
	kindExitCode = "help.exit_code"
	kindVariable = "help.variable"
	kindFailure  = "help.failure"
)

// Outputs returns samples of what the command prints as JSON.
func Outputs() []command.Output {
	outputs := []command.Output{{Command: "help", Sample: commandHelp{Kind: kindCommand}}}
	for _, t := range topics() {
		outputs = append(outputs, command.Output{Command: "help " + t.Name, Sample: t.Rows()})
	}
	return outputs
}

func printHelp(a *app.App, c *cobra.Command) error {
	h := describeCommand(c)
	return a.IO.Print(h, func(w io.Writer) error { return writeHelp(w, c, h) })
}

func describeCommand(c *cobra.Command) commandHelp {
	h := commandHelp{
		Kind: kindCommand, ID: c.CommandPath(), Usage: useLine(c), Short: c.Short, Long: command.LongOf(c),
		Examples: exampleLines(c.Example), Commands: []commandName{}, Topics: []commandName{}, Flags: []flagHelp{},
	}
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() || sub.Name() == "help" {
			h.Commands = append(h.Commands, commandName{sub.Name(), sub.Short, iostreams.OrNull(sub.GroupID)})
		}
	}
	slices.SortStableFunc(h.Commands, func(x, y commandName) int { return cmp.Compare(rank(c, x), rank(c, y)) })
	if !c.HasParent() {
		for _, t := range topics() {
			h.Topics = append(h.Topics, commandName{Name: t.Name, Short: t.Short})
		}
	}
	add := func(global bool) func(*pflag.Flag) {
		return func(f *pflag.Flag) {
			if !f.Hidden {
				h.Flags = append(h.Flags, flagHelp{f.Name, iostreams.OrNull(f.Shorthand), f.Usage, iostreams.OrNull(f.DefValue), global})
			}
		}
	}
	ownFlags(c).VisitAll(add(false))
	c.Root().PersistentFlags().VisitAll(add(true))
	return h
}

// rank is the place of a command's group among the groups.
func rank(parent *cobra.Command, n commandName) int {
	return slices.IndexFunc(parent.Groups(), func(g *cobra.Group) bool { return g.ID == command.Text(n.Group) })
}

// useLine is the line of the help that shows how the command is written.
func useLine(c *cobra.Command) string {
	switch {
	case c.HasAvailableSubCommands():
		return c.CommandPath() + " COMMAND"
	case ownFlags(c).HasFlags():
		return c.Parent().CommandPath() + " " + c.Use + " [flags]"
	}
	return c.Parent().CommandPath() + " " + c.Use
}

// exampleLines returns the lines of an example without their indent.
func exampleLines(example string) []string {
	lines := []string{}
	for line := range strings.Lines(example) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// ownFlags are the flags of a command without the global ones and --help, which the reader knows.
func ownFlags(c *cobra.Command) *pflag.FlagSet {
	own := pflag.NewFlagSet(c.Name(), pflag.ContinueOnError)
	own.SortFlags = false
	c.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if f.Name != "help" && c.Root().PersistentFlags().Lookup(f.Name) == nil {
			own.AddFlag(f)
		}
	})
	return own
}

func writeHelp(w io.Writer, c *cobra.Command, h commandHelp) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\nUsage:\n  %s\n", h.Long, h.Usage)
	for commands := h.Commands; len(commands) > 0; {
		end := 1
		group := command.Text(commands[0].Group)
		for end < len(commands) && command.Text(commands[end].Group) == group {
			end++
		}
		writeNames(&b, cmp.Or(group, "Commands"), commands[:end])
		commands = commands[end:]
	}
	writeNames(&b, "Help topics, for humanconnect help TOPIC", h.Topics)
	if len(h.Examples) > 0 {
		fmt.Fprintf(&b, "\nExamples:\n  %s\n", strings.Join(h.Examples, "\n  "))
	}
	if flags := ownFlags(c).FlagUsages(); flags != "" {
		fmt.Fprintf(&b, "\nFlags:\n%s", flags)
	}
	fmt.Fprintf(&b, "\nGlobal flags:\n%s", c.Root().PersistentFlags().FlagUsages())
	_, err := io.WriteString(w, b.String())
	return err
}

func writeNames(b *strings.Builder, title string, names []commandName) {
	if len(names) == 0 {
		return
	}
	width := 0
	for _, n := range names {
		width = max(width, len(n.Name))
	}
	fmt.Fprintf(b, "\n%s:\n", title)
	for _, n := range names {
		fmt.Fprintf(b, "  %-*s  %s\n", width, n.Name, n.Short)
	}
}
