package app_test

import (
	"testing"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/app/apptest"
)

func TestLocaleIsTheLanguageThatTheEnvironmentNames(t *testing.T) {
	for _, c := range []struct{ all, messages, lang, want string }{
		{"", "", "", ""},
		{"", "", "de_AT.UTF-8@euro", "de-AT"},
		{"", "pt_BR", "de_DE.UTF-8", "pt-BR"},
		{"fr", "pt_BR", "de_DE.UTF-8", "fr"},
		{"C", "pt_BR", "de_DE.UTF-8", ""},
		{"C.UTF-8", "", "", ""},
		{"POSIX", "", "", ""},
		{"", "", "es_419", "es-419"},
		{"", "", "../../etc/passwd", ""},
		{"", "", "en_US&prompt=none", ""},
	} {
		a := apptest.New(t)
		a.Vars["LC_ALL"], a.Vars["LC_MESSAGES"], a.Vars["LANG"] = c.all, c.messages, c.lang
		if got := a.Locale(); got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
}
