package command

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/app"
	"github.com/humanconnect/humanconnect/core/config"
)

// keyOf is the annotation of a flag that sets a value of the config: the key of that value.
const keyOf = "config-key"

// Sets makes a flag the one that sets a value of the config. Whoever wants the value reads it of the config, never of the
// flag, which knows neither the environment nor the file.
func Sets(flags *pflag.FlagSet, flag, key string) {
	_ = flags.SetAnnotation(flag, keyOf, []string{key}) // fails only where the flag is not defined
}

// ReadFlags hands the flags that were given to the config, and refuses paths that are empty: they mean neither a file nor
// the absence of one.
func ReadFlags(a *app.App, c *cobra.Command) error {
	a.Overrides = make(map[string]string)
	var wrong error
	c.Flags().Visit(func(f *pflag.Flag) {
		text := f.Value.String()
		if key := f.Annotations[keyOf]; len(key) == 1 {
			a.Overrides[key[0]] = text
			if said := config.Wrong(key[0], text); said != "" && wrong == nil {
				wrong = Usage(c, "--%s: %s", f.Name, said)
			}
		}
		if text == "" && wantsPath(f) && wrong == nil {
			wrong = Usage(c, "--%s: is empty", f.Name)
		}
	})
	return wrong
}

// wantsPath says whether a flag names a file or a directory.
func wantsPath(f *pflag.Flag) bool {
	what, _ := pflag.UnquoteUsage(f)
	return what == "FILE" || what == "DIR"
}
