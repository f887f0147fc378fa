package problem_test

import (
	"testing"

	"github.com/humanconnect/humanconnect/internal/problem"
)

func TestNearestKnowsTypos(t *testing.T) {
	keys := []string{"name", "on", "shell", "command", "timeout", "required", "clientId", "clientSecret"}
	for word, want := range map[string]string{
		"comand": "command", "nmae": "name", "Command": "command", "clientid": "clientId", "timout": "timeout",
		"client_id": "clientId", "url": "", "callback": "", "": "", "x": "",
	} {
		if got := problem.Nearest(word, keys); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", word, got, want)
		}
	}
}

func TestAnotherWordIsNoTypo(t *testing.T) {
	for word, candidate := range map[string]string{"nope": "open", "disable": "enable", "EVENT": "DRIVER", "plan": "path"} {
		if got := problem.Nearest(word, []string{candidate}); got != "" {
			t.Errorf("%q is taken for %q", word, got)
		}
	}
}
