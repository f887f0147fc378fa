package failure_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/humanconnect/humanconnect/core/failure"
)

func TestHintNamesTheKeyOfTheConfigAndThePageOfTheSource(t *testing.T) {
	for setting, want := range map[string]string{
		"client_id":       "set it in the config file: sources: [{id: withings, clientId: …}]",
		"client_secret":   "set it in the config file: sources: [{id: withings, clientSecret: …}]",
		"callbackUrl":     "set it in the config file: sources: [{id: withings, callbackUrl: …}]",
		"variant":         "set it in the config file: sources: [{id: withings, settings: {variant: …}}]",
		"callback.listen": "set it in the config file: callback.listen",
	} {
		f := failure.New(failure.BadConfiguration, "wrong")
		f.Setting = setting
		f = f.For("withings", "https://withings.example/access")
		if d := cmp.Diff([]string{want, "see https://withings.example/access"}, f.Problem().Hints()); d != "" {
			t.Errorf("%s: %s", setting, d)
		}
	}
}

func TestOtherFailuresKeepTheHintOfTheirCode(t *testing.T) {
	f := failure.New(failure.RateLimited, "slow down").For("withings", "https://withings.example/access")
	e, _ := failure.Find(failure.RateLimited)
	if d := cmp.Diff([]string{e.Hint}, f.Hints()); d != "" || f.DocumentationURL != "" {
		t.Error(d)
	}
}
