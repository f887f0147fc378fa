package main

import "testing"

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
		a := newTestApp(t)
		a.vars["LC_ALL"], a.vars["LC_MESSAGES"], a.vars["LANG"] = c.all, c.messages, c.lang
		if got := a.locale(); got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
}
