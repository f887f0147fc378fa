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
	add("plugin plugins", "provider")
	add("retry resend replay", "redeliver ID", "run", "delivery run")
	add("status health diagnose check verify", "doctor", "validate", "inspect", "show ID")
	add("log logs history", "event list")
	add("env environment", "help environment")
	add("exit-codes codes", "help exit-codes")
	add("failures errors", "help failures")
	add("ls ll all index", "list", "source list")
	add("get view describe info cat inspect status look", "show ID", "show", "inspect", "show NAME")
	add("rm delete del remove uninstall revoke drop", "remove NAME", "disconnect ID", "revoke", "discard ID")
	add("new make generate issue mint add create", "create", "install PATH", "new NAME", "token create")
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

func nearestCommand(c *cobra.Command, word string) string {
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
