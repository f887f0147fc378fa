package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/exit"
)

// foreignPlace is a home whose session tokens are those of a service on a real socket.
type foreignPlace struct {
	t      *testing.T
	dir    string
	server *httptest.Server
	asked  atomic.Int32
	answer atomic.Pointer[http.HandlerFunc]
}

// newForeignPlace has a config with a token section, in which URL is the address of the service.
func newForeignPlace(t *testing.T, tokens string) *foreignPlace {
	t.Helper()
	p := &foreignPlace{t: t, dir: t.TempDir()}
	p.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.asked.Add(1)
		(*p.answer.Load())(w, r)
	}))
	t.Cleanup(p.server.Close)
	config := "version: 1\ntoken:\n" + strings.ReplaceAll(tokens, "URL", p.server.URL)
	if err := os.WriteFile(filepath.Join(p.dir, "config.yaml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *foreignPlace) says(text string) {
	p.does(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(text)) })
}

func (p *foreignPlace) does(f http.HandlerFunc) { p.answer.Store(&f) }

// run runs the real binary with a token and wants an exit code.
func (p *foreignPlace) run(exit int, token string, args ...string) (stdout map[string]any, stderr string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), storyLimit)
	defer cancel()
	c := exec.CommandContext(ctx, filepath.Join(binDir(), "humanconnect"), args...)
	c.Dir = p.dir
	c.Env = []string{
		"HOME=" + p.dir, "PATH=" + os.Getenv("PATH"), "HUMANCONNECT_CONFIG=" + filepath.Join(p.dir, "config.yaml"),
		"HUMANCONNECT_SESSION_TOKEN=" + token, "OUR_SECRET=s3cret", quickExit,
	}
	var out, said bytes.Buffer
	c.Stdout, c.Stderr = &out, &said
	err := c.Run()
	code := 0
	if ended := (*exec.ExitError)(nil); errors.As(err, &ended) {
		code = ended.ExitCode()
	}
	if code != exit {
		p.t.Fatalf("%v: exit code %d, want %d\n%s%s", args, code, exit, out.String(), said.String())
	}
	if strings.Contains(said.String(), token) || strings.Contains(said.String(), "s3cret") {
		p.t.Errorf("a secret is printed: %s", said.String())
	}
	if out.Len() > 0 {
		if err := json.Unmarshal(out.Bytes(), &stdout); err != nil {
			p.t.Fatalf("%v\n%s", err, out.String())
		}
	}
	return stdout, said.String()
}

func (p *foreignPlace) wantAsked(n int32) {
	p.t.Helper()
	if got := p.asked.Swap(0); got != n {
		p.t.Errorf("the service was asked %d times, want %d", got, n)
	}
}

func wantStatus(t *testing.T, response map[string]any, status string) {
	t.Helper()
	if response["status"] != status {
		t.Errorf("the response is %v, want %s", response, status)
	}
}

const introspectionConfig = `  check: introspection
  endpoint: URL/introspect
  clientId: humanconnect
  clientSecret: {env: OUR_SECRET}
  ttl: 10m
`

func TestOpenByIntrospection(t *testing.T) {
	t.Parallel()
	p := newForeignPlace(t, introspectionConfig)
	const secret = "tok-1a2b3c4d"
	p.does(func(w http.ResponseWriter, r *http.Request) {
		id, password, _ := r.BasicAuth()
		if id != "humanconnect" || password != "s3cret" || r.PostFormValue("token") != secret {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = fmt.Fprintf(w, `{"active":true,"sub":"ada","client_id":"demo","exp":%d}`, time.Now().Add(time.Hour).Unix())
	})
	first, _ := p.run(exit.OK, secret, "open", "--connect", "sandbox-instant")
	wantStatus(t, first, "SUCCESS")
	if first["clientUserId"] != "ada" || first["clientId"] != "demo" {
		t.Errorf("%v", first)
	}
	p.wantAsked(1)
	_, said := p.run(exit.Config, "other", "open", "--connect", "sandbox-instant")
	if !strings.Contains(said, "[introspection_refused]") {
		t.Error(said)
	}
	p.says(`{"active":false}`)
	bad, _ := p.run(exit.Token, "other", "open", "--connect", "sandbox-instant")
	wantStatus(t, bad, "SESSION_TOKEN_INVALID")
	p.does(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	out, said := p.run(exit.Network, "other", "open", "--connect", "sandbox-instant")
	if out != nil || !strings.Contains(said, "status 502") || !strings.Contains(said, "[network]") {
		t.Errorf("%v, %s", out, said)
	}
	p.run(exit.Token, secret, "token", "inspect", "-o", "json")
	p.wantAsked(3)
	p.server.Close()
	_, said = p.run(exit.Network, "other", "open", "--connect", "sandbox-instant")
	if !strings.Contains(said, "connection refused") {
		t.Error(said)
	}
	p.run(exit.Network, "other", "doctor", "-o", "json")
	// A session that is closed gives its response whatever became of token and service.
	again, _ := p.run(exit.OK, secret, "open", "--connect", "sandbox-instant")
	if again["sessionId"] != first["sessionId"] {
		t.Errorf("%v", again)
	}
}

func TestRevokedTokenClosesItsOpenSession(t *testing.T) {
	t.Parallel()
	p := newForeignPlace(t, introspectionConfig)
	p.says(`{"active":true,"sub":"ada","client_id":"demo"}`)
	const secret = "tok-1a2b3c4d"
	hang := []string{
		"open", "--connect", "sandbox-instant", "--connect", "sandbox-clinic",
		"--answer", "sandbox-clinic.username=hang", "--answer", "sandbox-clinic.password=password",
	}
	c := exec.CommandContext(t.Context(), filepath.Join(binDir(), "humanconnect"), hang...)
	c.Dir = p.dir
	c.Env = []string{
		"HOME=" + p.dir, "PATH=" + os.Getenv("PATH"), "HUMANCONNECT_CONFIG=" + filepath.Join(p.dir, "config.yaml"),
		"HUMANCONNECT_SESSION_TOKEN=" + secret, "OUR_SECRET=s3cret", quickExit,
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Wait() }()
	defer func() { _ = c.Process.Kill() }()
	p.waitForEvent("source.connected")
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait()
	p.says(`{"active":false}`)
	got, _ := p.run(exit.Token, secret, hang...)
	wantStatus(t, got, "SESSION_TOKEN_INVALID")
	results, _ := got["sessionResults"].(map[string]any)
	if connected, _ := results["connectedSources"].([]any); len(connected) != 1 || got["sessionId"] == nil {
		t.Errorf("what was done does not stay done: %v", got)
	}
}

func (p *foreignPlace) waitForEvent(kind string) {
	p.t.Helper()
	limit := time.Now().Add(storyLimit)
	for time.Now().Before(limit) {
		c := exec.CommandContext(p.t.Context(), filepath.Join(binDir(), "humanconnect"), "event", "list")
		c.Env = []string{"HOME=" + p.dir, "HUMANCONNECT_CONFIG=" + filepath.Join(p.dir, "config.yaml"), "OUR_SECRET=s3cret", quickExit}
		if out, err := c.CombinedOutput(); err == nil && strings.Contains(string(out), kind) {
			return
		}
	}
	p.t.Fatalf("no event %s", kind)
}

func TestKeysOfAServiceServeManyProcesses(t *testing.T) {
	t.Parallel()
	p := newForeignPlace(t, "  {check: jwt, jwks: URL/jwks, issuer: i, audience: a, algorithms: [EdDSA]}\n")
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	p.says(fmt.Sprintf(`{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k1","x":"%s"}]}`, base64.RawURLEncoding.EncodeToString(public)))
	sign := func(kid, user string) string {
		input := base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"alg":"EdDSA","kid":"%s"}`, kid)) + "." +
			base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"iss":"i","aud":"a","sub":"%s","client_id":"demo","exp":4102444800}`, user))
		return input + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(private, []byte(input)))
	}
	for i := range 3 {
		got, _ := p.run(exit.OK, sign("k1", fmt.Sprint("u", i)), "open", "--connect", "sandbox-instant")
		wantStatus(t, got, "SUCCESS")
	}
	p.wantAsked(1)
	for range 3 { // a flood of unknown keys, each in a process of its own
		got, _ := p.run(exit.Token, sign("k2", "u1"), "open", "--connect", "sandbox-instant")
		wantStatus(t, got, "SESSION_TOKEN_INVALID")
	}
	p.wantAsked(1)
	p.server.Close()
	got, _ := p.run(exit.OK, sign("k1", "u9"), "open", "--connect", "sandbox-instant")
	wantStatus(t, got, "SUCCESS")
	if err := os.RemoveAll(filepath.Join(p.dir, ".local", "state", "humanconnect", "cache")); err != nil {
		t.Fatal(err)
	}
	out, said := p.run(exit.Network, sign("k1", "u10"), "open", "--connect", "sandbox-instant")
	if out != nil || !strings.Contains(said, "[network]") {
		t.Errorf("%v, %s", out, said)
	}
}
