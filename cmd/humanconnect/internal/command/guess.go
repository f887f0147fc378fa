package command

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/humanconnect/humanconnect/internal/problem"
)

// guesses are words that other programs have for what a command or a flag of ours does, and what it is called here. Of several,
// the first that the command has is meant.
type guesses map[string][]string

// commandGuesses are by the word that was typed; a guess is a path of commands below the one that got it, and what to add.
func commandGuesses() guesses {
	g := make(guesses)
	add := func(words string, meant ...string) {
		for _, w := range strings.Fields(words) {
			g[w] = append(g[w], meant...)
		}
	}
	add("connect link login authorize add", "open --connect SOURCE")
	add("disconnect unlink logout", "open --disconnect SOURCE")
	add("start run", "open")
	add("webhook webhooks notify", "hook")
	add("deliveries", "delivery")
	add("list", "source list")
	add("tail watch follow", "list", "event list")
	add("plugin plugins", "provider")
	add("retry resend replay", "redeliver ID", "run", "delivery run")
	add("status health diagnose check verify", "doctor", "validate", "inspect", "show ID")
	add("log logs history", "event list")
	add("pin trust approve", "lock NAME", "provider lock NAME")
	add("env environment", "help environment")
	add("exit-codes codes", "help exit-codes")
	add("failures errors", "help failures")
	add("ls ll all index", "list", "source list")
	add("get view describe info cat inspect status look", "show ID", "show", "inspect", "show NAME")
	add("rm delete del remove uninstall revoke drop", "remove NAME", "disconnect ID", "revoke", "discard ID")
	add("new make generate issue mint add create", "create", "lock NAME", "new NAME", "token create")
	add("end stop kill finish quit", "close ID")
	add("validate lint", "validate", "config validate")
	add("send deliver flush", "run", "delivery run")
	return g
}

// flagGuesses are by the name of the flag that was typed.
func flagGuesses() guesses {
	g := make(guesses)
	add := func(words string, meant ...string) {
		for _, w := range strings.Fields(words) {
			g[w] = append(g[w], meant...)
		}
	}
	add("json j", "output json")
	add("text plain", "output text")
	add("format out", "output")
	add("verbose trace v", "debug")
	add("silent q", "quiet")
	add("no-color no-colour", "color never")
	add("user user-id userid username client-user u", "client-user-id")
	add("client app", "client-id")
	add("source sources", "connect", "sources")
	add("file f", "plan", "config")
	add("c", "config")
	add("state dir state-directory", "state-dir")
	add("yes y batch non-interactive noninteractive", "no-input")
	add("expires expires-in lifetime expiry", "ttl")
	add("session-token t", "token")
	add("headless", "no-browser")
	add("force", "take-over", "force")
	add("max count n", "limit")
	return g
}

// guessCommand returns the command that a word most likely means, below c, or "".
func guessCommand(c *cobra.Command, word string) string {
	for _, meant := range commandGuesses()[word] {
		if path := strings.Fields(meant); hasCommand(c, path) {
			return meant
		}
	}
	return ""
}

// hasCommand says whether c has the commands of a path, up to its first flag or argument.
func hasCommand(c *cobra.Command, path []string) bool {
	for i, word := range path {
		at := slices.IndexFunc(c.Commands(), func(sub *cobra.Command) bool { return sub.Name() == word })
		switch {
		case at >= 0:
			c = c.Commands()[at]
		case i == 0:
			return false
		default: // a flag, an argument, or a topic of the help
			return true
		}
	}
	return true
}

// guessFlag returns the flag that a name most likely means, as it is typed, or "".
func guessFlag(c *cobra.Command, name string) string {
	for _, meant := range flagGuesses()[name] {
		flag, _, _ := strings.Cut(meant, " ")
		if c.Flags().Lookup(flag) != nil || c.InheritedFlags().Lookup(flag) != nil {
			return "--" + meant
		}
	}
	return ""
}

// nearestCommand returns the command below c that words most likely mean, with what to add, or "". The first word is no command
// of c; those after it, as far as they may be words of commands, say which one of a group is meant.
func nearestCommand(c *cobra.Command, words []string) string {
	near := nearestWord(c, words[0])
	at := c
	for _, name := range strings.Fields(near) {
		i := slices.IndexFunc(at.Commands(), func(sub *cobra.Command) bool { return sub.Name() == name })
		if i < 0 {
			return near
		}
		at = at.Commands()[i]
	}
	if at == c || !at.HasAvailableSubCommands() {
		return near
	}
	if rest := words[1:]; len(rest) == 0 || !isCommandWord(rest[0]) {
		if hasCommand(at, []string{"list"}) {
			near += " list"
		}
	} else if hasCommand(at, rest[:1]) {
		near += " " + rest[0]
	} else if next := nearestCommand(at, rest); next != "" {
		near += " " + next
	}
	return near
}

// nearestWord returns the command below c that a word most likely means, or "".
func nearestWord(c *cobra.Command, word string) string {
	var names []string
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	if near := problem.Nearest(word, names); near != "" {
		return near
	}
	return guessCommand(c, word)
}

func nearestFlag(c *cobra.Command, name string) string {
	if guess := guessFlag(c, name); guess != "" {
		return guess
	}
	var names []string
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, f.Name)
		}
	})
	if near := problem.Nearest(name, names); near != "" {
		return "--" + near
	}
	return ""
}

// meantByArgument says what somebody most likely wants who gives an argument to a command that takes none, as "open SOURCE"; "" if
// nothing is likely. It does not repeat the argument.
func meantByArgument(c *cobra.Command, arg string) string {
	if prefix, _, isID := strings.Cut(arg, "_"); isID && len(prefix) == 3 && c.HasParent() && hasCommand(c.Parent(), []string{"show"}) {
		return c.Parent().CommandPath() + " show ID"
	}
	for _, guess := range []struct{ flag, value string }{{"connect", "SOURCE"}, {"client-user-id", "ID"}} {
		if c.Flags().Lookup(guess.flag) != nil {
			return c.CommandPath() + " --" + guess.flag + " " + guess.value
		}
	}
	return ""
}
