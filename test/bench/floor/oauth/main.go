// Command oauth connects a source of the sandbox's authorization server by golang.org/x/oauth2 alone, in one process:
// discovery, a redirect on loopback with PKCE, the exchange of the code, and the question whose account it is.
//
//	oauth ISSUER CLIENT-ID BROWSER ARGS...
package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"time"

	"golang.org/x/oauth2"
)

const limit = time.Minute

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if len(args) < 3 {
		return errors.New("usage: oauth ISSUER CLIENT-ID BROWSER [ARG]")
	}
	var server struct {
		Authorize string `json:"authorization_endpoint"`
		Token     string `json:"token_endpoint"`
		User      string `json:"userinfo_endpoint"`
	}
	if err := get(ctx, http.DefaultClient, args[0]+"/.well-known/openid-configuration", &server); err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer func() { _ = listener.Close() }()
	config := oauth2.Config{
		ClientID: args[1], RedirectURL: "http://" + listener.Addr().String() + "/callback",
		Endpoint: oauth2.Endpoint{AuthURL: server.Authorize, TokenURL: server.Token, AuthStyle: oauth2.AuthStyleInParams},
		Scopes:   []string{"profile", "offline_access", "openid", "activity:read"},
	}
	state, verifier := rand.Text(), oauth2.GenerateVerifier()
	code := make(chan string, 1)
	go func() {
		_ = http.Serve(listener, taking(state, code)) //nolint:gosec // one request of our own, on loopback
	}()
	browser := exec.CommandContext(ctx, args[2], append(args[3:], config.AuthCodeURL(state, oauth2.S256ChallengeOption(verifier)))...)
	if out, err := browser.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	token, err := config.Exchange(ctx, <-code, oauth2.VerifierOption(verifier))
	if err != nil {
		return err
	}
	var user struct{ Sub string }
	if err := get(ctx, config.Client(ctx, token), server.User, &user); err != nil {
		return err
	}
	_, err = fmt.Println(user.Sub)
	return err
}

func taking(state string, code chan<- string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("state") == state {
			code <- r.FormValue("code")
		}
		_, _ = fmt.Fprintln(w, "done")
	}
}

func get(ctx context.Context, client *http.Client, address string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	return json.NewDecoder(resp.Body).Decode(into)
}
