package source

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/humanconnect/humanconnect/core/config"
	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/sdk"
)

// setting returns what the config says of a setting.
func (s Source) setting(id string) (config.Value, bool) {
	switch {
	case id == failure.SettingClientID && s.config.ClientID != "":
		return config.Value{Text: sdk.Secret(s.config.ClientID)}, true
	case id == failure.SettingClientSecret && s.config.ClientSecret != nil:
		return config.Value{Ref: s.config.ClientSecret}, true
	}
	v, ok := s.config.Settings[id]
	return v, ok
}

// settingsProblems compares what the config says with what the provider declares, one line for each problem. A source
// that the config does not name may miss settings: it is listed, and fails when it is connected. So may one without its
// client: its redirect URI, say, is set before there is one.
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
		case !ok && f.Required && !ofClient(f.ID):
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
			wrong(id, "is no setting of this source%s", nearest(id, idsOf(s.Declared)))
		}
	}
	client := func(key, setting string, given bool) {
		_, again := s.config.Settings[setting]
		switch {
		case given && !declared(setting):
			wrong(key, "is nothing that this source takes")
		case given && again:
			wrong(key, "is given again by settings.%s; leave one of the two out", setting)
		}
	}
	client("clientId", failure.SettingClientID, s.config.ClientID != "")
	client("clientSecret", failure.SettingClientSecret, s.config.ClientSecret != nil)
	return out
}

func ofClient(setting string) bool {
	return setting == failure.SettingClientID || setting == failure.SettingClientSecret
}

func idsOf(fields []sdk.Field) []string {
	ids := make([]string, len(fields))
	for i, f := range fields {
		ids[i] = f.ID
	}
	return ids
}

// valueProblem says what is wrong with a value, without repeating it. References are read when they are used.
func valueProblem(f sdk.Field, v config.Value) string {
	switch {
	case v.Ref != nil:
		return ""
	case f.Kind == sdk.KindSecret:
		return "is a secret and must be a reference, such as {file: PATH}"
	}
	return textProblem(f, v.Text.Reveal())
}

// textProblem says what is wrong with the text of a setting that is no secret.
func textProblem(f sdk.Field, text string) string {
	switch f.Kind {
	case sdk.KindChoice:
		known := make([]string, len(f.Choices))
		for i, c := range f.Choices {
			known[i] = c.Value
		}
		if !slices.Contains(known, text) {
			return "is none of: " + strings.Join(known, ", ")
		}
	case sdk.KindURL:
		if HostOf(text) == "" {
			return "is not an http(s) URL without a user"
		}
	}
	return ""
}

// HostOf returns the host of an http or https URL with its port, if it names one; "" for anything else.
func HostOf(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil || strings.Contains(u.Host, "*") {
		return ""
	}
	return strings.ToLower(u.Host)
}

// withSettings returns the hosts of a source and those of its settings that are URLs. One behind a reference is not known
// yet; see [Source.Reaching].
func withSettings(s Source) []string {
	return s.hosts(func(f sdk.Field) string {
		v, _ := s.setting(f.ID)
		return v.Text.Reveal()
	})
}

// Reaching returns the source with the hosts of its settings, now that all are known.
func (s Source) Reaching(settings sdk.Settings) Source {
	s.Hosts = s.hosts(func(f sdk.Field) string { return settings.Values[f.ID] })
	return s
}

// hosts are those of the source and of its settings that are URLs.
func (s Source) hosts(text func(sdk.Field) string) []string {
	hosts := slices.Clone(s.Hosts)
	for _, f := range s.Declared {
		if f.Kind != sdk.KindURL {
			continue
		}
		if host := HostOf(text(f)); host != "" && !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
		}
	}
	return hosts
}

// Resolve returns the settings as the provider gets them, references read anew; see [config.SecretRef.Resolve] for what
// that takes. An error is a failure with code bad_configuration and the setting, and wraps the problem of the reference.
func (s Source) Resolve(ctx context.Context, env config.Environment) (sdk.Settings, error) {
	out := sdk.Settings{Values: make(map[string]string), Secrets: make(map[string]sdk.Secret)}
	for _, f := range s.Declared {
		text, given, err := s.read(ctx, f, env)
		switch {
		case err != nil:
			return sdk.Settings{}, err
		case !given:
		case f.Kind == sdk.KindSecret:
			out.Secrets[f.ID] = text
		default:
			out.Values[f.ID] = text.Reveal()
		}
	}
	return out, nil
}

// ResolveFor is Resolve for a provider that may not be that of the source: it gets nothing then, and nothing is read.
func (s Source) ResolveFor(ctx context.Context, provider string, env config.Environment) (sdk.Settings, error) {
	if provider != s.Provider {
		return sdk.Settings{}, nil
	}
	return s.Resolve(ctx, env)
}

// read returns the text of one setting, checked.
func (s Source) read(ctx context.Context, f sdk.Field, env config.Environment) (text sdk.Secret, given bool, err error) {
	v, given := s.setting(f.ID)
	if !given {
		if f.Required {
			err = s.missing(f.ID)
		}
		return "", false, err
	}
	text = v.Text
	if v.Ref != nil {
		if text, err = v.Ref.Resolve(ctx, env); err != nil {
			return "", true, fmt.Errorf("%w: %w", s.bad(f.ID, "could not be read"), err)
		}
	}
	if f.Kind != sdk.KindSecret {
		if wrong := textProblem(f, text.Reveal()); wrong != "" {
			return "", true, s.bad(f.ID, wrong)
		}
	}
	return text, true, nil
}

func (s Source) bad(setting, what string) error {
	f := failure.New(failure.BadConfiguration, "the setting %s %s", failure.ConfigKey(setting), what)
	f.Setting = setting
	return s.FailureOf(f)
}

// FailureOf returns a failure with what its hints need of the source.
func (s Source) FailureOf(f *failure.Failure) *failure.Failure {
	return f.For(s.ID, s.DocumentationURL)
}

// missing is a required setting that the config does not have.
func (s Source) missing(setting string) error {
	f := failure.New(failure.BadConfiguration, "the setting %s is missing", failure.ConfigKey(setting))
	switch f.Setting = setting; setting {
	case failure.SettingClientID:
		f.Message = "The source needs a client id."
	case failure.SettingClientSecret:
		f.Message = "The source needs a client secret."
	}
	return s.FailureOf(f)
}
