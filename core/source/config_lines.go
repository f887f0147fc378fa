package source

import (
	"fmt"
	"slices"
	"strings"

	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/sdk"
)

// ConfigLines returns the lines of the config that set up this source, with placeholders: a key sources with one item. What
// is optional is a comment. It returns "" for a source that needs nothing.
func (s Source) ConfigLines() string {
	keys, settings := s.clientLines(), s.settingLines()
	if s.config.Provider != "" {
		keys = append([]string{"provider: " + s.config.Provider}, keys...)
	}
	if len(settings) > 0 {
		keys = append(keys, commented(!slices.ContainsFunc(settings, isSet), "settings:"))
		for _, line := range settings {
			keys = append(keys, commented(!isSet(line), "  "+strings.TrimPrefix(line, comment)))
		}
	}
	if !slices.ContainsFunc(keys, isSet) {
		return ""
	}
	return "sources:\n  - id: " + s.ID + "\n    " + strings.Join(keys, "\n    ") + "\n"
}

// comment begins a line that sets nothing.
const comment = "# "

func isSet(line string) bool { return !strings.HasPrefix(line, comment) }

func commented(optional bool, line string) string {
	if optional {
		return comment + line
	}
	return line
}

// clientLines are the keys of the client.
func (s Source) clientLines() (lines []string) {
	for _, f := range s.Declared {
		switch f.ID {
		case failure.SettingClientID:
			lines = append(lines, commented(!f.Required, "clientId: YOUR-CLIENT-ID"))
		case failure.SettingClientSecret:
			lines = append(lines, commented(!f.Required, "clientSecret: "+s.secretFile("")))
		}
	}
	return lines
}

// settingLines are the settings, the required ones first. What the provider takes for any source is left out where it is
// optional.
func (s Source) settingLines() (lines []string) {
	for _, f := range s.Declared {
		if f.Required && !ofClient(f.ID) {
			lines = append(lines, f.ID+": "+s.example(f))
		}
	}
	for _, f := range s.Settings {
		if !f.Required && !ofClient(f.ID) {
			lines = append(lines, comment+f.ID+": "+s.example(f))
		}
	}
	return lines
}

// example is a value that a setting could have.
func (s Source) example(f sdk.Field) string {
	switch f.Kind {
	case sdk.KindSecret:
		return s.secretFile("-" + f.ID)
	case sdk.KindURL:
		return "https://server.example.com"
	case sdk.KindChoice:
		if len(f.Choices) > 0 {
			return quoted(f.Choices[0].Value)
		}
	}
	return "YOUR-" + strings.ToUpper(strings.ReplaceAll(f.ID, "_", "-"))
}

func (s Source) secretFile(suffix string) string {
	return "{ file: /run/secrets/" + s.ID + suffix + " }"
}

// quoted is a text as a YAML scalar in double quotes, which JSON escapes suit (YAML 1.2 §7.3.1).
func quoted(text string) string { return fmt.Sprintf("%q", text) }
