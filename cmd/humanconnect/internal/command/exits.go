package command

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/exit"
)

// exitsKey is the annotation of a command that has its exit codes.
const exitsKey = "exits"

// Exits sets the exit codes of a command, which its Long text lists. 0 and 10 are always listed.
func Exits(c *cobra.Command, codes ...int) *cobra.Command {
	c.Annotations = map[string]string{exitsKey: fmt.Sprint(codes)}
	return c
}

// ExitsOf returns the exit codes of a command, lowest first; none for one that says nothing of them.
func ExitsOf(c *cobra.Command) (entries []exit.Entry) {
	codes := strings.Fields(strings.Trim(c.Annotations[exitsKey], "[]"))
	for _, e := range exit.Entries() {
		if slices.Contains(codes, strconv.Itoa(e.Code)) {
			entries = append(entries, e)
		}
	}
	return entries
}

// LongOf returns the Long text of a command with its exit codes. It is built only when it is shown.
func LongOf(c *cobra.Command) string {
	entries := ExitsOf(c)
	if len(entries) == 0 {
		return c.Long
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\nExit codes:", c.Long)
	for _, e := range entries {
		fmt.Fprintf(&b, "\n  %3d  %s", e.Code, e.Meaning)
	}
	return b.String()
}
