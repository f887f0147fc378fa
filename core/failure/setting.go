package failure

import (
	"fmt"
	"strings"

	"github.com/humanconnect/humanconnect/internal/problem"
)

// The settings that keys of a source in the config of their own stand for.
const (
	SettingClientID     = "client_id"
	SettingClientSecret = "client_secret"
	// SettingCallback is reported by its key: no provider declares it.
	SettingCallback = "callbackUrl"
)

// ConfigKey is the key of a setting within its source in the config: clientId, clientSecret, callbackUrl, settings.NAME.
func ConfigKey(setting string) string {
	switch setting {
	case SettingClientID:
		return "clientId"
	case SettingClientSecret:
		return "clientSecret"
	case SettingCallback:
		return setting
	}
	return "settings." + setting
}

// ConfigPlace is where the config has a setting of a source, as in "sources: [{id: withings, clientId: …}]". A setting with a
// dot, such as callback.listen, is a key of the whole config.
func ConfigPlace(source, setting string) string {
	if strings.Contains(setting, ".") {
		return setting
	}
	key := ConfigKey(setting) + ": …"
	if name, within := strings.CutPrefix(key, "settings."); within {
		key = "settings: {" + name + "}"
	}
	if source == "" {
		return "sources: [{id: …, " + key + "}]"
	}
	return fmt.Sprintf("sources: [{id: %s, %s}]", source, key)
}

// For returns the failure with its source: the id, and the source's page on how to get access, which only a wrong
// configuration refers to.
func (f Failure) For(source, documentationURL string) *Failure {
	f.Source = source
	if f.Code == BadConfiguration {
		f.DocumentationURL = documentationURL
	}
	return &f
}

// Hints are things to do about the failure: the hint of its code, or where its setting is in the config, and the page of the
// source on how to get access.
func (f *Failure) Hints() []string {
	return HintsOf(f.Code, f.Source, f.Setting, f.DocumentationURL)
}

// HintsOf is [Failure.Hints] of a failure that was stored.
func HintsOf(code problem.Code, source, setting, documentationURL string) (hints []string) {
	if setting != "" {
		hints = append(hints, "set it in the config file: "+ConfigPlace(source, setting))
	} else if e, ok := Find(code); ok {
		hints = append(hints, e.Hint)
	}
	if documentationURL != "" {
		hints = append(hints, "see "+documentationURL)
	}
	return hints
}
