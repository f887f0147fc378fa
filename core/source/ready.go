package source

import (
	"slices"

	"github.com/humanconnect/humanconnect/core/config"
	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/sdk"
)

// Setting is a setting that a source takes, and whether the config has it.
type Setting struct {
	sdk.Field
	// Key within the source in the config, such as clientId or settings.variant.
	Key string
	// Set: the config has a value, or a reference that can be read.
	Set bool
}

// SettingsIn returns all settings that the source takes, with what the config has of them. References are not read; see
// [config.SecretRef.Exists].
func (s Source) SettingsIn(env config.Environment) []Setting {
	out := make([]Setting, 0, len(s.Declared))
	for _, f := range s.Declared {
		v, given := s.setting(f.ID)
		out = append(out, Setting{Field: f, Key: failure.ConfigKey(f.ID), Set: given && (v.Ref == nil || v.Ref.Exists(env))})
	}
	return out
}

// Ready says whether this installation can connect the source: it is not retired, and the config has every required setting,
// such as its client.
func (s Source) Ready(env config.Environment) bool {
	lacks := func(x Setting) bool { return x.Required && !x.Set }
	return !s.Retired() && !slices.ContainsFunc(s.SettingsIn(env), lacks)
}

// Retired says whether the source can no longer be connected, by its programme.
func (s Source) Retired() bool { return s.Programme.Status == sdk.ProgrammeRetired }

// RetiredFailure is why a source that is retired is not connected: a failure with code not_supported and the text of its
// programme.
func (s Source) RetiredFailure() *failure.Failure {
	if s.Programme.Text == "" {
		return failure.New(failure.NotSupported, "the source is retired")
	}
	return failure.New(failure.NotSupported, "%s", s.Programme.Text)
}
