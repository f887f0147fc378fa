// Package completion has the command that prints completion scripts.
package completion

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/app"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/command"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/exit"
)

// shells are the supported shells.
func shells() []string { return []string{"bash", "zsh", "fish", "powershell"} }

// New returns the command completion.
func New(a *app.App) *cobra.Command {
	c := &cobra.Command{
		Use:   "completion SHELL",
		Short: "Print a completion script for a shell",
		Long: `Print a script that completes commands, flags and ids in a shell: bash, zsh, fish or
powershell. To load it in each new bash:

  humanconnect completion bash > ~/.local/share/bash-completion/completions/humanconnect`,
		Example:   "  humanconnect completion bash\n  humanconnect completion zsh",
		ValidArgs: shells(),
		Args:      command.ExactArgs("SHELL"),
		RunE:      func(c *cobra.Command, args []string) error { return printScript(a, c, args[0]) },
	}
	return command.Exits(c, exit.OK, exit.Usage)
}

// completion is the script of a shell.
type completion struct {
	Kind string `json:"kind"`
	// ID is the name of the shell.
	ID     string `json:"id"`
	Script string `json:"script"`
}

const kind = "completion"

// Outputs returns samples of what the command prints as JSON.
func Outputs() []command.Output {
	return []command.Output{{Command: "completion", Sample: completion{Kind: kind}}}
}

func printScript(a *app.App, c *cobra.Command, shell string) error {
	if !slices.Contains(shells(), shell) {
		return command.Usage(c, "unsupported shell").Hint("supported shells: %s", strings.Join(shells(), ", "))
	}
	var script bytes.Buffer
	if err := writeCompletion(c.Root(), &script, shell); err != nil {
		return fmt.Errorf("generating the completion script: %w", err)
	}
	answer := completion{kind, shell, script.String()}
	return a.IO.Print(answer, func(w io.Writer) error {
		_, err := script.WriteTo(w)
		return err
	})
}

func writeCompletion(root *cobra.Command, w io.Writer, shell string) error {
	const withDescriptions = true
	switch shell {
	case "bash":
		return writeBash(root, w)
	case "zsh":
		return root.GenZshCompletion(w)
	case "fish":
		return root.GenFishCompletion(w, withDescriptions)
	}
	return root.GenPowerShellCompletionWithDesc(w)
}

// bashWords is what the script calls of the package bash-completion, which is not everywhere.
const bashWords = "    _get_comp_words_by_ref \"$@\" cur prev words cword\n"

// bashOwnWords does the same without that package: it joins the words that bash has split at = and :, which have no blank between them.
const bashOwnWords = `    if declare -F _get_comp_words_by_ref >/dev/null; then
        _get_comp_words_by_ref "$@" cur prev words cword
        return
    fi
    local i gap rest=$COMP_LINE
    words=()
    for ((i = 0; i < ${#COMP_WORDS[@]}; i++)); do
        gap=${rest%%[![:space:]]*}
        rest=${rest#"$gap"}
        rest=${rest#"${COMP_WORDS[i]}"}
        if [[ -z $gap && ${#words[@]} -gt 0 ]]; then
            words[${#words[@]}-1]+=${COMP_WORDS[i]}
        else
            words+=("${COMP_WORDS[i]}")
        fi
        if [[ $i -eq $COMP_CWORD ]]; then cword=$((${#words[@]} - 1)); fi
    done
    cur=${words[cword]}
    prev=${words[cword > 0 ? cword - 1 : 0]}
`

func writeBash(root *cobra.Command, w io.Writer) error {
	var script bytes.Buffer
	if err := root.GenBashCompletionV2(&script, true); err != nil {
		return err
	}
	_, err := io.WriteString(w, strings.Replace(script.String(), bashWords, bashOwnWords, 1))
	return err
}
