// Package command has what the commands share: reading and checking of arguments, flags and ids, the exit codes in the help,
// and completion.
package command

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/iostreams"
	"github.com/humanconnect/humanconnect/internal/problem"
)

// Usage makes the problem of a wrong command line. It hints at the help of the command.
func Usage(c *cobra.Command, format string, args ...any) *problem.Problem {
	return problem.New(problem.CodeUsage, format, args...).Hint("see: %s --help", c.CommandPath())
}

// ExactArgs accepts one argument for each name.
func ExactArgs(names ...string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) < len(names) {
			return Usage(c, "%s is missing", names[len(args)])
		}
		return noMoreArgs(c, args, len(names))
	}
}

// UpToArgs accepts at most n arguments.
func UpToArgs(n int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error { return noMoreArgs(c, args, n) }
}

// noMoreArgs does not repeat the argument: it may be the value of a mistyped flag, and secret.
func noMoreArgs(c *cobra.Command, args []string, n int) error {
	switch {
	case len(args) <= n:
		return nil
	case n == 0:
		p := problem.New(problem.CodeUsage, "%s takes no arguments", c.CommandPath())
		if meant := meantByArgument(c, args[0]); meant != "" {
			p = p.Hint("did you mean: %s", meant)
		}
		return p.Hint("see: %s --help", c.CommandPath())
	case n == 1:
		return Usage(c, "%s takes one argument", c.CommandPath())
	}
	return Usage(c, "%s takes at most %d arguments", c.CommandPath(), n)
}

// Group makes a command that only has subcommands: without one it shows its help.
func Group(c *cobra.Command) *cobra.Command {
	c.Args = func(c *cobra.Command, args []string) error {
		if len(args) > 0 {
			return UnknownCommand(c, args...)
		}
		return nil
	}
	c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	return c
}

// commandWord is what a mistyped command looks like. Anything else may be a secret, and is not repeated.
var commandWord = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[a-z][a-z-]*$`)
})

// isCommandWord bounds the length outside of the pattern: a counted repetition costs time at every start.
func isCommandWord(word string) bool { return len(word) <= 31 && commandWord().MatchString(word) }

// UnknownCommand makes the problem of words, at least one, of which the first is not a subcommand of c.
func UnknownCommand(c *cobra.Command, words ...string) error {
	word := words[0]
	if !isCommandWord(word) {
		return Usage(c, "unknown command of %s", c.CommandPath())
	}
	p := problem.New(problem.CodeUsage, "unknown command %q of %s", word, c.CommandPath())
	if near := nearestCommand(c, words); near != "" {
		p = p.Hint("did you mean: %s %s", c.CommandPath(), near)
	}
	return p.Hint("see: %s --help", c.CommandPath())
}

// FlagProblem turns an error of the flag parser into a problem. The messages of the parser quote the input; ours never do,
// since it may be a secret, as TOKEN in -tTOKEN.
func FlagProblem(c *cobra.Command, err error) error {
	if errors.Is(err, pflag.ErrHelp) {
		return err
	}
	if e := (*pflag.NotExistError)(nil); errors.As(err, &e) {
		if c.HasSubCommands() && c.Flags().NArg() > 0 { // its flags are those of the command that is not there
			return UnknownCommand(c, c.Flags().Args()...)
		}
		return unknownFlag(c, e)
	}
	if e := (*pflag.ValueRequiredError)(nil); errors.As(err, &e) {
		return Usage(c, "--%s needs a value", e.GetFlag().Name)
	}
	if e := (*pflag.InvalidValueError)(nil); errors.As(err, &e) {
		return Usage(c, "--%s: %s", e.GetFlag().Name, valueProblem(e.GetFlag()))
	}
	return Usage(c, "invalid flag syntax; use --name or --name=value")
}

// valueProblem says which values a flag takes.
func valueProblem(f *pflag.Flag) string {
	switch f.Value.Type() {
	case "duration":
		return "must be a duration, such as 30s or 1h30m"
	case "int", "int64", "uint", "count":
		return "must be a whole number"
	case "bool":
		return "must be true or false"
	}
	if described, ok := f.Value.(interface{ Expected() string }); ok {
		return "must be " + described.Expected()
	}
	return "invalid value"
}

func unknownFlag(c *cobra.Command, e *pflag.NotExistError) error {
	name := e.GetSpecifiedName()
	if e.GetSpecifiedShortnames() != "" {
		p := Usage(c, "unknown flag -%s", iostreams.Clean(name))
		if guess := guessFlag(c, name); guess != "" {
			p = p.WithHints(append([]string{"did you mean: " + guess}, p.Hints()...)...)
		}
		return p
	}
	if !isCommandWord(name) {
		return Usage(c, "unknown flag")
	}
	p := problem.New(problem.CodeUsage, "unknown flag --%s", name)
	if near := nearestFlag(c, name); near != "" {
		p = p.Hint("did you mean: %s", near)
	}
	return p.Hint("see: %s --help", c.CommandPath())
}

// Choice is the value of a flag that takes one of a few words.
type Choice struct {
	Value *string
	Of    []string
}

// Set implements [pflag.Value].
func (c *Choice) Set(s string) error {
	if !slices.Contains(c.Of, s) {
		return fmt.Errorf("must be %s", c.Expected())
	}
	*c.Value = s
	return nil
}

// String implements [pflag.Value].
func (c *Choice) String() string {
	if c.Value == nil {
		return ""
	}
	return *c.Value
}

// Type implements [pflag.Value].
func (c *Choice) Type() string { return strings.Join(c.Of, "|") }

// Expected lists the words that the flag takes.
func (c *Choice) Expected() string {
	last := len(c.Of) - 1
	return strings.Join(c.Of[:last], ", ") + " or " + c.Of[last]
}
