package config_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/core/config"
	"github.com/humanconnect/humanconnect/internal/problem"
)

func FuzzReadPlan(f *testing.F) {
	for _, seed := range []string{
		"actions:\n  - connect: sandbox-instant\n", "actions: [{connect: a, answers: {b: {file: c}}}, {disconnect: con_1}]\n",
		"actions: []\n", "actions:\n  - connect: a\n    disconnect: b\n", "{", "",
	} {
		f.Add(seed)
	}
	path := write(f, "")
	f.Fuzz(func(t *testing.T, text string) {
		overwrite(t, path, text)
		p, _, err := config.ReadPlan(path, os.Getuid())
		switch {
		case err == nil && p != nil:
			for _, a := range p.Actions {
				if a.Target == "" || a.Kind != config.Connect && a.Kind != config.Disconnect || a.At.Line == 0 {
					t.Errorf("an action that cannot be: %+v", a)
				}
			}
			if len(p.Actions) == 0 {
				t.Error("a plan of nothing")
			}
		case problem.CodeOf(err) != config.CodePlan || p != nil:
			t.Errorf("neither plan nor problem: %v", err)
		case len(factsOf(err)) == 0:
			t.Errorf("says nothing of what is wrong: %v", err)
		}
	})
}

func FuzzDurations(f *testing.F) {
	for _, seed := range []string{"1h", "15", "1h30m", "-1s", "0s", "8761h", "1µs", "9999999999h", ".5s", "+1m", "1e3s", " 1s"} {
		f.Add(seed)
	}
	path := write(f, "version: 1\n")
	f.Fuzz(func(t *testing.T, text string) {
		if text == "" || strings.ContainsRune(text, 0) {
			return // counts as not set, or is no variable
		}
		o := options(path)
		o.Environ = config.Environment{"HUMANCONNECT_TOKEN_TTL=" + text}
		c, _, err := config.Load(o)
		switch {
		case err != nil && problem.CodeOf(err) != config.CodeInvalid:
			t.Errorf("%q: %v", text, err)
		case err == nil:
			if want, parsed := time.ParseDuration(text); parsed != nil || c.Token.TTL != want || want <= 0 || want > 365*24*time.Hour {
				t.Errorf("%q is %v", text, c.Token.TTL)
			}
		}
	})
}
