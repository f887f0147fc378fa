package main

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/humanconnect/humanconnect/providers/key/catalog"
	"github.com/humanconnect/humanconnect/sdk/providertest"
)

func TestProviderKeepsThePromisesOfEveryProvider(t *testing.T) {
	var journeys []providertest.Journey
	for _, id := range catalog.IDs() {
		file := fileOf(t, filepath.Join("catalog", id+".yaml"))
		for _, kind := range kindsOf(file) {
			v := newVendor(t, file, kind)
			journeys = append(journeys, providertest.Journey{Source: id, Settings: testServer(v.URL), Answers: v.typed})
		}
	}
	providertest.Verify(t, providertest.Program(built(t)), journeys...)
}

// built builds the provider as it is released.
func built(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "humanconnect-provider-key")
	if said, err := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-o", path, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	return path
}
