package source

import (
	"fmt"
	"maps"
	"net/url"
	"slices"

	"github.com/humanconnect/humanconnect/core/config"
	"github.com/humanconnect/humanconnect/sdk"
)

// The settings that clientId and clientSecret of the config stand for.
const (
	settingClientID     = "client_id"
	settingClientSecret = "client_secret"
)

// setting returns what the config says of a setting.
func (s Source) setting(id string) (config.Value, bool) {
	switch {
	case id == settingClientID && s.config.ClientID != "":
		return config.Value{Text: sdk.Secret(s.config.ClientID)}, true
	case id == settingClientSecret && s.config.ClientSecret != nil:
		return config.Value{Ref: s.config.ClientSecret}, true
	}
	v, ok := s.config.Settings[id]
	return v, ok
}

// settingsProblems compares what the config says with what the provider declares, one line for each problem. A source
// that the config does not name may miss settings: it is listed, and fails when it is connected.
func settingsProblems(s Source, configured bool) []string {
	if !configured {
		return nil
	}
	var out []string
	wrong := func(setting, format string, args ...any) {
		out = append(out, at(s.config)+setting+"  "+fmt.Sprintf(format, args...))
	}
	for _, f := range s.Declared {
		v, ok := s.setting(f.ID)
		switch {
		case !ok && f.Required:
			wrong(f.ID, "is missing")
		case ok:
			if text := valueProblem(f, v); text != "" {
				wrong(f.ID, "%s", text)
			}
		}
	}
	declared := func(id string) bool {
		return slices.ContainsFunc(s.Declared, func(f sdk.Field) bool { return f.ID == id })
	}
	for _, id := range slices.Sorted(maps.Keys(s.config.Settings)) {
		if !declared(id) {
			wrong(id, "is no setting of this source")
		}
	}
	if s.config.ClientID != "" && !declared(settingClientID) {
		wrong("clientId", "is nothing that this source takes")
	}
	if s.config.ClientSecret != nil && !declared(settingClientSecret) {
		wrong("clientSecret", "is nothing that this source takes")
	}
	return out
}

// valueProblem says what is wrong with a value, without repeating it. References are read when they are used.
func valueProblem(f sdk.Field, v config.Value) string {
	switch {
	case f.Kind == sdk.KindSecret && v.Ref == nil:
		return "is a secret and must be a reference, such as {file: PATH}"
	case v.Ref != nil:
		return ""
	case f.Kind == sdk.KindChoice && !slices.ContainsFunc(f.Choices, func(c sdk.Choice) bool { return c.Value == v.Text.Reveal() }):
		return "is none of the choices"
	case f.Kind == sdk.KindURL:
		u, err := url.Parse(v.Text.Reveal())
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
			return "is not an http(s) URL"
		}
	}
	return ""
}
