package session_test

import (
	"testing"

	"github.com/humanconnect/humanconnect/core/session"
)

func TestEngineIsMadeOnlyWithAllItNeeds(t *testing.T) {
	var whole session.Options
	newWorld(t).frontEnd().engineWith(func(o *session.Options) { whole = *o })
	whole.Hooks, whole.Wake = nil, nil
	if _, err := session.New(whole); err != nil {
		t.Errorf("with all: %v", err)
	}
	for name, take := range map[string]func(*session.Options){
		"Store": func(o *session.Options) { o.Store = nil }, "Checker": func(o *session.Options) { o.Checker = nil },
		"Sources": func(o *session.Options) { o.Sources = nil }, "Providers": func(o *session.Options) { o.Providers = nil },
		"Liveness": func(o *session.Options) { o.Liveness = nil }, "Clock": func(o *session.Options) { o.Clock = nil },
	} {
		o := whole
		take(&o)
		if e, err := session.New(o); err == nil || e != nil {
			t.Errorf("made without %s", name)
		}
	}
}
