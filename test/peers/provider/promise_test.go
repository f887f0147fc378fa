package provider_test

import (
	"testing"

	"github.com/humanconnect/humanconnect/sdk/providertest"
)

func TestProviderInNodePassesTheConformanceSuite(t *testing.T) {
	providertest.Verify(t, providertest.Program(unpack(t, t.TempDir())), providertest.Journey{
		Source: "notebook", Answers: map[string]string{"email": "ada@notebook.example", "code": "424242"},
	})
}
