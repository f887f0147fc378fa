package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/spf13/cobra"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/app/apptest"
	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/cli"
	"github.com/humanconnect/humanconnect/core/event"
)

// outputCase is a run of a command with -o json, and its exit code.
type outputCase struct {
	command, args string
	code          int
}

// These ids name nothing.
const (
	noSession    = "ses_00000000000000000000000000"
	noConnection = "con_00000000000000000000000000"
	noEvent      = "evt_00000000000000000000000000"
	noDelivery   = "dlv_00000000000000000000000000"
)

// outputCases has runs of every command in their order: on rows of every kind, and some that fail. $NAME is an id.
func outputCases() []outputCase {
	return []outputCase{
		{"completion", "bash", 0},
		{"completion", "tcsh", 10},
		{"config path", "", 0},
		{"config path", "--config none", 0},
		{"config path", "x", 10},
		{"config show", "", 0},
		{"config show", "--config wrong.yaml", 11},
		{"config show", "--config nowhere.yaml", 11},
		{"config validate", "", 0},
		{"config validate", "--config none", 0},
		{"config validate", "--config wrong.yaml", 11},
		{"config validate", "--config wrong-plan.yaml", 11},
		{"config validate", "--config /", 11},
		{"doctor", "", 0},
		{"doctor", "--config wrong.yaml", 11},
		{"doctor", "--config wrong-plan.yaml", 14},
		{"doctor", "x", 10},
		{"event list", "--limit 0", 0},
		{"event list", "--client-user-id nobody", 0},
		{"event list", "--type x", 10},
		{"event show", "$EVENT", 0},
		{"event show", noEvent, 12},
		{"help", "", 0},
		{"help", "session list", 0},
		{"help", "nothing", 10},
		{"help exit-codes", "", 0},
		{"help environment", "", 0},
		{"help failures", "", 0},
		{"hook list", "", 0},
		{"hook list", "--config none", 0},
		{"hook list", "--config wrong.yaml", 11},
		{"hook test", "journal --type session.closed", 0},
		{"hook test", "loud", 0},
		{"hook test", "app", 1},
		{"hook test", "nobody", 12},
		{"hook secret show", "", 0},
		{"hook secret show", "x", 10},
		{"open", "--token @closed --connect sandbox-instant --hook-wait 100ms", 3},
		{"open", "--token hcs_x --hook-wait 100ms", 4},
		{"open", "--token @unused --connect nothing", 12},
		{"open", "--token @unused --plan wrong-actions.yaml", 11},
		{"provider list", "", 0},
		{"provider list", "--config wrong.yaml", 11},
		{"provider show", "sandbox", 0},
		{"provider show", "twin", 0},
		{"provider show", "nobody", 12},
		{"provider lock", "twin", 0},
		{"provider lock", "nobody", 12},
		{"sandbox", "--listen 203.0.113.1:1", 1},
		{"session list", "", 0},
		{"session list", "--open", 0},
		{"session list", "--status x", 10},
		{"session show", "$CLOSED", 0},
		{"session show", "$OPEN", 0},
		{"session show", noSession, 12},
		{"source list", "", 0},
		{"source list", "no-such-thing", 0},
		{"source list", "--config wrong.yaml", 11},
		{"source show", "strava", 0},
		{"source show", "sandbox-clinic", 0},
		{"source show", "ours", 0},
		{"source show", "nothing", 12},
		{"token create", "--client-user-id ada --sources sandbox-instant", 0},
		{"token create", "", 10},
		{"token inspect", "@closed", 0},
		{"token inspect", "@limited", 0},
		{"token inspect", "hcs_x", 4},
		{"token revoke", "@limited", 0},
		{"token inspect", "@limited", 4},
		{"token revoke", "hcs_x", 4},
		{"version", "", 0},
		{"version", "x", 10},
		{"delivery show", "$DELIVERED", 0},
		{"delivery show", "$PENDING", 0},
		{"delivery show", "$DEAD", 0},
		{"delivery show", "$GIVEN", 0},
		{"delivery show", noDelivery, 12},
		{"delivery run", "--config none", 0},
		{"delivery run", "", 0},
		{"delivery run", "--timeout 0s", 10},
		{"delivery redeliver", "--hook app", 0},
		{"delivery redeliver", "--hook app", 0},
		{"delivery redeliver", noDelivery, 12},
		{"delivery discard", "$DEAD", 0},
		{"delivery discard", "--dead", 0},
		{"delivery discard", "", 10},
		{"delivery list", "--limit 0", 0},
		{"delivery list", "--state dead", 0},
		{"delivery list", "--state nothing", 10},
		{"hook enable", "app", 0},
		{"hook enable", "app", 0},
		{"hook enable", "nobody", 12},
		{"session close", "$OPEN", 0},
		{"session close", "$CLOSED", 0},
		{"session close", noSession, 12},
		{"connection show", "$GONE", 0},
		{"connection show", "$TRACKER", 0},
		{"connection show", noConnection, 12},
		{"connection token", "$TRACKER", 0},
		{"connection token", "$INSTANT", 0},
		{"connection token", noConnection, 12},
		{"connection check", "$TRACKER", 0},
		{"connection refresh", "--due", 0},
		{"connection refresh", "", 10},
		{"connection disconnect", "$INSTANT", 0},
		{"connection disconnect", noConnection, 12},
		restartSandbox(),
		{"connection check", "$TRACKER", 15},
		{"connection show", "$TRACKER", 0},
		{"connection list", "", 0},
		{"connection list", "--state disconnected", 0},
		{"connection list", "--limit -1", 10},
	}
}

// restartSandbox stands for a new sandbox server, which does not know the tokens of the one before.
func restartSandbox() outputCase { return outputCase{command: "(restart)"} }

// TestEveryCommandPrintsWhatItsSchemaSays runs every command of the tree with -o json.
func TestEveryCommandPrintsWhatItsSchemaSays(t *testing.T) {
	t.Parallel()
	h := newOutputHome(t)
	good, failed := make(map[string]bool), make(map[string]bool)
	for _, c := range outputCases() {
		if c == restartSandbox() {
			h.stopSandbox()
			h.startSandbox(h.address)
			continue
		}
		printed := h.run(c)
		good[c.command] = good[c.command] || printed
		failed[c.command] = failed[c.command] || c.code != 0
	}
	h.checkEvents()
	good["sandbox"] = true // by startSandbox
	walk(cli.NewRoot(apptest.New(t).App), func(c *cobra.Command) {
		path := strings.TrimSpace(strings.TrimPrefix(c.CommandPath(), "humanconnect"))
		h.names[path+" --help"] = "help"
		h.run(outputCase{path + " --help", "", 0})
		if !c.HasSubCommands() && (!good[path] || !failed[path]) {
			t.Errorf("%s: needs a run here that prints its JSON, and one that fails", path)
		}
	})
	for name := range h.schemas {
		if !h.seen[name] && name != "config" && name != "plan" {
			t.Errorf("nothing was printed as docs/schema/%s.json", name)
		}
	}
}

// outputHome has a state with rows of every kind.
type outputHome struct {
	*exampleHome
	schemas schemas
	// names of the schemas, by commands.
	names   map[string]string
	seen    map[string]bool
	ids     []string
	sandbox *exec.Cmd
	address string
}

func newOutputHome(t *testing.T) *outputHome {
	t.Helper()
	h := &outputHome{
		exampleHome: &exampleHome{t: t, dir: t.TempDir(), bin: binDir()},
		schemas:     readSchemas(t), names: make(map[string]string), seen: make(map[string]bool),
	}
	for _, o := range cli.Outputs() {
		h.names[o.Command] = o.Name()
	}
	h.startSandbox("127.0.0.1:0")
	h.writeConfig()
	twin, err := os.ReadFile(filepath.Join(binDir(), "other", "twin"))
	if err != nil {
		t.Fatal(err)
	}
	h.file("home/.local/share/humanconnect/providers/humanconnect-provider-twin", string(twin))
	h.file("password", "password")
	h.sh(`humanconnect provider lock twin
		for token in closed open unused; do humanconnect token create --client-user-id ada > $token; done
		humanconnect token create --client-user-id ada --sources sandbox-clinic > limited
		humanconnect token create --client-user-id bob > gone
		humanconnect open --token @gone --connect sandbox-instant --disconnect sandbox-instant --hook-wait 1s --no-hooks > gone.json
		BROWSER="humanconnect-sandbox consent %s" humanconnect open --token @closed --connect sandbox-tracker --connect sandbox-instant \
			--connect sandbox-clinic --answer sandbox-clinic.username=demouser --answer sandbox-clinic.password=wrong \
			--on-close "exit 75" --on-close http://127.0.0.1:1/x --hook-wait 500ms > closed.json || test $? = 3
		until humanconnect delivery list --state dead -o json | grep -q dlv_; do humanconnect --quiet delivery run > /dev/null; done`)
	h.leaveOpen()
	h.findIDs()
	return h
}

func (h *outputHome) writeConfig() {
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/gone" {
			w.WriteHeader(http.StatusGone)
			return
		}
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	h.t.Cleanup(receiver.Close)
	config := `version: 1
clientId: demo
sources:
  - {id: sandbox-instant, provider: sandbox}
  - {id: sandbox-tracker, settings: {server: "http://` + h.address + `"}}
  - id: ours
    provider: oauth2
    definition: {name: Ours, group: Ours, issuer: "https://login.example.com", token_endpoint_auth_method: none, account: {from: id_token, id: sub}}
    clientId: demo
hooks:
  - {name: journal, on: [onConnectSource, onDisconnectSource, onClose, onNeedsReconnect], shell: cat >> events.ndjson}
  - {name: loud, on: [onNeedsReconnect], command: [sh, -c, "cat > /dev/null; echo told"], timeout: 5s}
  - {name: app, on: [onClose], url: "` + receiver.URL + `/gone", secret: {file: secret}}
  - {name: busy, on: [onClose], url: "` + receiver.URL + `/busy", secret: {file: secret}}
plan: {actions: [{connect: sandbox-instant}]}
`
	h.file("home/.config/humanconnect/config.yaml", config)
	h.file("home/.config/humanconnect/secret", "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz")
	h.file("wrong.yaml", "version: 1\nclientid: demo\nhooks: [{name: a, on: onClose, comand: [x]}]\n")
	h.file("wrong-plan.yaml", "version: 1\nplan: {actions: [{connect: sandbox-clinc}, {connect: sandbox-clinic, answers: {usrename: x}}]}\n")
	h.file("wrong-actions.yaml", "actions: [{conect: sandbox-instant}]\n")
}

// startSandbox runs the sandbox server at an address, which may have port 0.
func (h *outputHome) startSandbox(address string) {
	h.t.Helper()
	h.sandbox = exec.Command(filepath.Join(h.bin, "humanconnect"), "sandbox", "--listen", address, "-o", "json")
	h.sandbox.Dir, h.sandbox.Env = h.dir, h.environ()
	out, err := h.sandbox.StdoutPipe()
	if err := errors.Join(err, h.sandbox.Start()); err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(h.stopSandbox)
	var printed json.RawMessage
	var sandbox struct{ Address string }
	if err := json.NewDecoder(out).Decode(&printed); err != nil {
		h.t.Fatal(err)
	}
	if err := errors.Join(json.Unmarshal(printed, &sandbox), h.schemas.check("sandbox", string(printed))); err != nil {
		h.t.Error(err)
	}
	h.seen["sandbox"] = true
	h.address = strings.TrimPrefix(sandbox.Address, "http://")
}

func (h *outputHome) stopSandbox() {
	if h.sandbox.ProcessState == nil {
		_ = h.sandbox.Process.Signal(syscall.SIGTERM)
		_ = h.sandbox.Wait()
	}
}

// leaveOpen kills an open whose source does not respond.
func (h *outputHome) leaveOpen() {
	h.t.Helper()
	c := exec.Command(filepath.Join(h.bin, "humanconnect"), "open", "--token", "@open", "--connect", "sandbox-clinic",
		"--answer", "sandbox-clinic.username=hang", "--answer", "sandbox-clinic.password=password")
	c.Dir, c.Env = h.dir, h.environ()
	if err := c.Start(); err != nil {
		h.t.Fatal(err)
	}
	h.sh(`until humanconnect session list --open -o json | grep -q ses_; do :; done`)
	_ = c.Process.Kill()
	_ = c.Wait()
}

// thing is what is read of a row to name it.
type thing struct{ ID, State, SourceID, HookID string }

func (h *outputHome) list(line string) (rows []thing) {
	h.t.Helper()
	if err := json.Unmarshal(h.sh("humanconnect "+line+" -o json"), &rows); err != nil {
		h.t.Fatal(err)
	}
	return rows
}

// findIDs names rows: CLOSED and the like.
func (h *outputHome) findIDs() {
	h.t.Helper()
	found := make(map[string]string)
	for _, s := range h.list("session list --client-user-id ada") {
		found[strings.ToUpper(s.State)] = s.ID
	}
	for _, c := range append(h.list("connection list"), h.list("connection list --state disconnected")...) {
		name := strings.ToUpper(strings.TrimPrefix(c.SourceID, "sandbox-"))
		if c.State == "disconnected" {
			name = "GONE"
		}
		found[name] = c.ID
	}
	for _, d := range h.list("delivery list --limit 0") {
		name := strings.ToUpper(d.State)
		if strings.HasPrefix(d.HookID, "hok_") {
			name = "GIVEN"
		}
		found[name] = d.ID
	}
	for _, e := range h.list("event list --type session.closed") {
		found["EVENT"] = e.ID
	}
	for _, name := range []string{"CLOSED", "OPEN", "TRACKER", "INSTANT", "GONE", "DELIVERED", "PENDING", "DEAD", "GIVEN", "EVENT"} {
		if found[name] == "" {
			h.t.Fatalf("the state has no %s: %v", name, found)
		}
		h.ids = append(h.ids, "$"+name, found[name])
	}
}

// run runs a command, and says whether it has printed its own document. An error is held to its schema too.
func (h *outputHome) run(c outputCase) bool {
	h.t.Helper()
	line := strings.TrimSpace(c.command + " " + strings.NewReplacer(h.ids...).Replace(c.args))
	ctx, cancel := context.WithTimeout(h.t.Context(), storyLimit)
	defer cancel()
	p := exec.CommandContext(ctx, filepath.Join(h.bin, "humanconnect"), append(strings.Fields(line), "-o", "json")...)
	p.Dir, p.Env = h.dir, h.environ()
	var out, said bytes.Buffer
	p.Stdout, p.Stderr = &out, &said
	_ = p.Run() // its exit code decides
	if got := p.ProcessState.ExitCode(); got != c.code {
		h.t.Errorf("%s: exit code %d, want %d\n%s%s", line, got, c.code, out.String(), said.String())
		return false
	}
	name, text := h.names[c.command], out.String()
	if text == "" {
		name = "error"
		for said := range strings.Lines(said.String()) {
			if strings.HasPrefix(said, "{") {
				text += said
			}
		}
	}
	if err := h.schemas.check(name, text); err != nil {
		h.t.Errorf("%s: %v", line, err)
	}
	if c.command == "open" && name != "error" && !(strings.Contains(text, `"deliveries": {`) && strings.Contains(text, `"revocations": [`)) {
		h.t.Errorf("open leaves out what became of deliveries and revocations\n%s", text)
	}
	h.seen[name] = h.seen[name] || text != "[]\n"
	return name != "error" && text != "[]\n"
}

// checkEvents wants that a hook was given an event of each type, and that each is what the schema says.
func (h *outputHome) checkEvents() {
	h.t.Helper()
	text, err := os.ReadFile(filepath.Join(h.dir, "home/.config/humanconnect/events.ndjson"))
	if err != nil {
		h.t.Fatal(err)
	}
	var types []string
	for line := range strings.Lines(string(text)) {
		var e event.Event
		if err := errors.Join(json.Unmarshal([]byte(line), &e), h.schemas.check("event", line)); err != nil {
			h.t.Error(err)
		}
		types = append(types, fmt.Sprint(e.Type))
	}
	for _, want := range event.Types {
		if !slices.Contains(types, string(want)) {
			h.t.Errorf("the hook was given no %s: %v", want, types)
		}
	}
}
