package webhook_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/humanconnect/humanconnect/test/peers/program"
)

const (
	secret    = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	newSecret = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4v"
	foreign   = "whsec_////////////////////////////////"
	// limit of everything that should be quick.
	limit = 30 * time.Second
)

// bin has the program and a provider, as they are released.
var bin string

func TestMain(m *testing.M) { os.Exit(program.Main(m, &bin)) }

// installation is a home with one hook that leads to a URL.
type installation struct {
	t   *testing.T
	dir string
}

func install(t *testing.T, url, secrets string) installation {
	t.Helper()
	i := installation{t, t.TempDir()}
	config := `version: 1
clientId: demo
hooks:
  - name: app
    on: [onConnectSource, onDisconnectSource, onClose]
    url: ` + url + `/hooks
    secret: { file: secret }
`
	// A user id that a careless writer of JSON escapes, or cuts.
	user := strings.Repeat("<&>é漢🦷\u2028\"\\", 50)
	for name, text := range map[string]string{"config.yaml": config, "secret": secrets, "user": user} {
		if err := os.WriteFile(filepath.Join(i.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return i
}

// run runs the program and returns its standard output, and whether it ended with 0.
func (i installation) run(args ...string) ([]byte, bool) {
	i.t.Helper()
	ctx, cancel := context.WithTimeout(i.t.Context(), limit)
	defer cancel()
	c := exec.CommandContext(ctx, filepath.Join(bin, "humanconnect"), append([]string{"--config", "config.yaml"}, args...)...)
	c.Dir, c.Env = i.dir, []string{"HOME=" + i.dir, "PATH=" + os.Getenv("PATH")}
	out, err := c.Output()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		i.t.Logf("%v: %v\n%s", args, err, exit.Stderr)
		return out, false
	case err != nil:
		i.t.Fatal(err)
	}
	return out, true
}

// session runs a whole session with four events, and returns how many were delivered.
func (i installation) session() int {
	i.t.Helper()
	token, _ := i.run("token", "create", "--client-user-id", "@user")
	if err := os.WriteFile(filepath.Join(i.dir, "token"), token, 0o600); err != nil {
		i.t.Fatal(err)
	}
	out, ok := i.run("open", "--token", "@token", "--connect", "sandbox-instant", "--disconnect", "sandbox-instant", "--connect", "sandbox-instant")
	var response struct {
		Deliveries struct{ Delivered int } `json:"deliveries"`
	}
	if err := json.Unmarshal(out, &response); !ok || err != nil {
		i.t.Fatalf("%v %v\n%s", ok, err, out)
	}
	return response.Deliveries.Delivered
}

// receiver verifies with the official library for Go.
type receiver struct {
	*standardwebhooks.Webhook
	mu       sync.Mutex
	accepted int
	refused  []error
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err == nil {
		err = r.Verify(body, req.Header)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.refused = append(r.refused, err)
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	r.accepted++
	w.WriteHeader(http.StatusNoContent)
}

func goReceiver(t *testing.T, secret string) (*receiver, string) {
	t.Helper()
	w, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	r := &receiver{Webhook: w}
	s := httptest.NewServer(r)
	t.Cleanup(s.Close)
	return r, s.URL
}

// nodeReceiver verifies with the package standardwebhooks. It sends a line for each request.
func nodeReceiver(t *testing.T, secret string) (url string, lines *bufio.Reader) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*limit)
	c := exec.CommandContext(ctx, "node", "receiver.mjs")
	c.Stderr = os.Stderr
	stdin, err := c.StdinPipe()
	stdout, err2 := c.StdoutPipe()
	if err := errors.Join(err, err2, c.Start()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close() // which ends it
		_ = c.Wait()
		cancel()
	})
	lines = bufio.NewReader(stdout)
	_, _ = io.WriteString(stdin, secret+"\n")
	port, err := lines.ReadString('\n')
	if err != nil {
		t.Fatalf("the receiver for node did not start: %v; is test/peers/webhook/node_modules there? run: make peers", err)
	}
	return "http://127.0.0.1:" + strings.TrimSpace(port), lines
}

func TestOfficialLibraryForGoAcceptsEveryDelivery(t *testing.T) {
	for name, secrets := range map[string]string{"one secret": secret, "while it is rotated": newSecret + "\n" + secret, "after": newSecret + " " + foreign} {
		verifier := secret
		if name == "after" {
			verifier = newSecret
		}
		r, url := goReceiver(t, verifier)
		if got := install(t, url, secrets).session(); got != 4 || r.accepted != 4 || len(r.refused) > 0 {
			t.Errorf("%s: %d delivered, %d accepted, %v", name, got, r.accepted, r.refused)
		}
	}
}

func TestOfficialLibraryForNodeAcceptsEveryDelivery(t *testing.T) {
	url, lines := nodeReceiver(t, secret)
	if got := install(t, url, newSecret+" "+secret).session(); got != 4 {
		t.Errorf("%d delivered", got)
	}
	for range 4 {
		if line, err := lines.ReadString('\n'); err != nil || !strings.HasPrefix(line, "accepted evt_") {
			t.Errorf("%q, %v", line, err)
		}
	}
}

func TestATestEventIsAcceptedByTheLibrariesAndRefusedWithAnotherSecret(t *testing.T) {
	node, _ := nodeReceiver(t, secret)
	_, official := goReceiver(t, secret)
	for name, url := range map[string]string{"node": node, "go": official} {
		if _, ok := install(t, url, secret).run("hook", "test", "app"); !ok {
			t.Errorf("%s: refused", name)
		}
		if _, ok := install(t, url, foreign).run("hook", "test", "app"); ok {
			t.Errorf("%s: took what another secret signed", name)
		}
	}
}
