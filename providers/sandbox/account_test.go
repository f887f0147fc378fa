package main

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/oauth2"
)

func TestUserinfoWithoutSubjectIsNoAccount(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"preferred_username":"anna"}`))
	}))
	defer server.Close()
	account, err := accountOf(t.Context(), server.Client(), oauth2.Token{Issuer: server.URL})
	if said := (*sdk.Error)(nil); !errors.As(err, &said) || said.Code != sdk.SourceError {
		t.Errorf("account %+v, %v; want source_error", account, err)
	}
}
