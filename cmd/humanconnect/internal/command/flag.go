package command

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/app"
	"github.com/humanconnect/humanconnect/core/config"
)

// keyOf is the annotation of a flag that sets a value of the config: the key of that value.
const keyOf = "config-key"

// SetsConfig makes a flag override a value of the config. The value is then read from the config, never from the flag,
// which knows neither the environment nor the file.
func SetsConfig(flags *pflag.FlagSet, flag, key string) {
	_ = flags.SetAnnotation(flag, keyOf, []string{key}) // fails only where the flag is not defined
}

// ReadFlags passes the given flags to the config, and refuses empty paths.
func ReadFlags(a *app.App, c *cobra.Command) error {
	a.Overrides = make(map[string]string)
	var wrong error
	c.Flags().Visit(func(f *pflag.Flag) {
		text := f.Value.String()
		if key := f.Annotations[keyOf]; len(key) == 1 {
			a.Overrides[key[0]] = text
			if message := config.Wrong(key[0], text); message != "" && wrong == nil {
				wrong = Usage(c, "--%s: %s", f.Name, message)
			}
		}
		if text == "" && takesPath(f) && wrong == nil {
			wrong = Usage(c, "--%s: is empty", f.Name)
		}
	})
	return wrong
}

// takesPath says whether a flag names a file or a directory.
func takesPath(f *pflag.Flag) bool {
	what, _ := pflag.UnquoteUsage(f)
	return what == "FILE" || what == "DIR"
}
