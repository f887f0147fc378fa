package main

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"syscall"

	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/oauth2"
)

// The sources with an authorization server, which is a program of its own: `humanconnect sandbox` runs it.
const (
	tracker = "sandbox-tracker"
	scale   = "sandbox-scale"

	settingServer = "server"
	defaultHost   = "127.0.0.1:8778"
	defaultServer = "http://" + defaultHost
)

// authorized is the source of one of the two, which differ in scopes and method.
func authorized(id string) *oauth2.Source {
	source := &oauth2.Source{
		Issuer: defaultServer, IssuerSetting: settingServer, ClientID: id,
		Required: []string{"openid"}, Account: accountOf,
	}
	switch id {
	case tracker:
		source.Methods = []sdk.Method{sdk.MethodBrowser}
		source.Required = append(source.Required, "activity:read")
	case scale:
		source.Methods = []sdk.Method{sdk.MethodCode}
		source.Required = append(source.Required, "weight:read")
	}
	source.Scopes = append([]string{"profile", "offline_access"}, source.Required...)
	return source
}

// accountOf gets the account of a token, from the server that issued it.
func accountOf(ctx context.Context, client *http.Client, token oauth2.Token) (sdk.Account, error) {
	var user struct {
		ID   string `json:"sub"`
		Name string `json:"preferred_username"`
	}
	if err := oauth2.Get(ctx, client, token.Issuer+"/userinfo", &user); err != nil {
		return sdk.Account{}, err
	}
	if user.ID == "" { // an account that is not known is not the same as another one that is not
		return sdk.Account{}, &sdk.Error{Code: sdk.SourceError, Message: "The source does not say whose account it is."}
	}
	return sdk.Account{ID: user.ID, Label: user.Name}, nil
}

// withHint adds how to start the server to a refused connection.
func withHint(err error, settings sdk.Settings) error {
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return err
	}
	server := settings.Values[settingServer]
	if server == "" {
		server = defaultServer
	}
	return &sdk.Error{
		Code: sdk.SourceUnavailable, Retryable: true,
		Message: "Connection refused at " + strings.TrimSuffix(server, "/") + "; start it with: humanconnect sandbox",
	}
}

func serverSettings() []sdk.Field {
	return append(oauth2.ClientSettings(), sdk.Field{
		ID: settingServer, Label: "Authorization server", Kind: sdk.KindURL,
		Help: "Where humanconnect sandbox listens. Default: " + defaultServer,
	})
}
