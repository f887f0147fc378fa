package main

import (
	"context"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/providertest"
)

func TestProviderKeepsThePromisesOfEveryProvider(t *testing.T) {
	var journeys []providertest.Journey
	for _, at := range []struct{ id, variant string }{{"whoop", ""}, {"strava", ""}, {"medplum", "self-hosted"}} {
		v := newVendor(t, factsOf(t, at.id, at.variant), map[string]string{"base_url": "https://server.example.org"})
		j := newJourney(t, nil, v, at.id, at.variant)
		journeys = append(journeys, providertest.Journey{
			Source: at.id, Settings: j.request.Settings, Answers: v.inputs, RedirectURI: redirectURI,
			Browse: func(_ context.Context, address string) (sdk.Callback, error) { return j.browse(address), nil },
		})
	}
	providertest.Verify(t, providertest.Program(built(t)), journeys...)
}

// built builds the provider as it is released.
func built(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "humanconnect-provider-oauth2")
	if said, err := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-o", path, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	return path
}
