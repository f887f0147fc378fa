package session_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/humanconnect/humanconnect/core/failure"
	"github.com/humanconnect/humanconnect/core/session"
	"github.com/humanconnect/humanconnect/core/source"
	"github.com/humanconnect/humanconnect/sdk"
)

// about are the sources of a place, described further.
type about struct {
	*place
	describe func(*source.Source)
	// asked counts requests for settings.
	asked *int
}

func (a about) Find(ctx context.Context, id string) (source.Source, error) {
	s, err := a.place.Find(ctx, id)
	a.describe(&s)
	return s, err
}

func (a about) Settings(ctx context.Context, id, provider string) (sdk.Settings, error) {
	*a.asked++
	return a.place.Settings(ctx, id, provider)
}

// openedAbout opens a session in which sources are described so.
func openedAbout(t *testing.T, describe func(*source.Source)) (w *World, fe *FrontEnd, s *session.Session, asked *int) {
	t.Helper()
	w, asked = newWorld(t), new(int)
	fe = w.frontEnd()
	fe.Engine = fe.engineWith(func(o *session.Options) { o.Sources = about{w.place, describe, asked} })
	return w, fe, fe.open(w.token("u1", time.Hour)), asked
}

func TestRetiredSourceIsRefusedBeforeItsProviderIsCalled(t *testing.T) {
	w, fe, s, asked := openedAbout(t, func(s *source.Source) {
		s.Programme = sdk.Programme{Status: sdk.ProgrammeRetired, Text: "It was shut down in 2026."}
	})
	err := fe.connect(s, alpha)
	wantCode(t, err, failure.NotSupported)
	if f := failure.Of(err); f.Message != "It was shut down in 2026." {
		t.Errorf("the message is %q", f.Message)
	}
	if len(w.place.calls) > 0 || *asked > 0 {
		t.Errorf("%d calls of the provider, %d readings of the settings", len(w.place.calls), *asked)
	}
}

func TestWrongConfigurationHasThePageOfItsSource(t *testing.T) {
	const page = "https://alpha.example/access"
	w, fe, s, _ := openedAbout(t, func(s *source.Source) { s.DocumentationURL = page })
	wrong := failure.New(failure.BadConfiguration, "The source rejected the client id and secret.")
	wrong.Setting = failure.SettingClientSecret
	w.place.broken = wrong
	err := fe.connect(s, alpha)
	wantCode(t, err, failure.BadConfiguration)
	hints := []string{"set it in the config file: sources: [{id: alpha, clientSecret: …}]", "see " + page}
	if d := cmp.Diff(hints, failure.Of(err).Hints()); d != "" {
		t.Error(d)
	}
	if wrong.Source != "" {
		t.Error("the failure of the settings was changed")
	}
	w.place.broken = nil
	w.place.next(alpha, play{Error: "source_unavailable"})
	wantCode(t, fe.connect(s, alpha), failure.SourceUnavailable)
	for i, want := range []string{page, ""} {
		if got := w.actions(s.ID)[i].DocumentationURL; got != want {
			t.Errorf("action %d has the page %q, want %q", i, got, want)
		}
	}
	w.check()
}
