package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// ailment is something that is wrong with an installation, and what doctor says of it.
type ailment struct {
	// made is a script for sh that makes it, in a directory with an installation in bin and a state in m/s, where m is a file system
	// of its own. config is the config file, or "".
	made, config string
	// check and code are those of the first check that fails, and exit its code.
	check, code string
	exit        int
	// says is a part of its message.
	says string
}

// TestDoctorNamesWhatIsWrong: each by the check, the code and the exit code, for people and in JSON.
func TestDoctorNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	if !mayMount(t) {
		return
	}
	service := httptest.NewServer(http.HandlerFunc(tokenService))
	t.Cleanup(service.Close)
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	jwks := func(url string) string {
		return fmt.Sprintf("token: {check: jwt, jwks: %q, issuer: 'https://a.example', audience: h, algorithms: [EdDSA]}\n", url)
	}
	introspection := func(path string) string {
		return fmt.Sprintf("token: {check: introspection, endpoint: %q, clientId: x, clientSecret: {file: secret}}\n", service.URL+path)
	}
	hook := func(what string) string { return "hooks: [{name: told, on: [onClose], " + what + "}]\n" }
	for name, a := range map[string]ailment{
		"read-only state": {"mount -o remount,ro m", "", "state", "store_path", 19, "read-only file system"},
		"full disk":       {"dd if=/dev/zero of=m/x bs=4k 2>/dev/null || :", "", "state", "store_full", 19, "KiB left"},
		"no inodes":       {"i=0; while touch m/f$i 2>/dev/null; do i=$((i+1)); done", "", "state", "store_full", 19, "no inodes"},
		"no state, and a full disk": {
			"rm -r m/s; dd if=/dev/zero of=m/x bs=4k 2>/dev/null || :", "", "state", "store_full", 19, "KiB left",
		},
		"state of another user":  {"chown -R 4711 m/s", "", "state", "store_path", 19, "another user"},
		"key that is gone":       {"rm m/s/state.key", "", "state", "store_key", 19, ""},
		"state on a broken link": {"mv m/s m/t; ln -s nowhere m/s", "", "state", "store_path", 19, "is a link to nowhere"},

		"removed provider with connections": {
			"rm bin/humanconnect-provider-sandbox", "", "provider sandbox", "provider_not_found", 14, "connections that need it: 1",
		},
		"provider of the lock that is not there": {
			"rm bin/humanconnect-provider-key", "", "provider key", "provider_missing", 14, "bin/humanconnect-provider-key",
		},
		"provider of another build": {"echo >> bin/humanconnect-provider-key", "", "provider key", "provider_checksum", 14, ""},

		"hook without its command":    {"", hook("command: [/no/such]"), "hook told", "hook_unusable", 11, "/no/such"},
		"hook without its program":    {"", hook("command: [no-such]"), "hook told", "hook_unusable", 11, "no-such"},
		"hook that is not executable": {"", hook("command: [./config.yaml]"), "hook told", "hook_unusable", 11, "permission denied"},
		"line without its command":    {"", hook("shell: no-such --now"), "hook told", "hook_unusable", 11, "no-such"},
		"line with a variable first":  {"", hook("shell: 'TZ=UTC no-such'"), "hook told", "hook_unusable", 11, "no-such"},
		"line with a pipe":            {"", hook("shell: 'cat | no-such'"), "hook told", "hook_unusable", 11, "no-such"},
		"line that writes nowhere":    {"", hook("shell: cat >> /no/such/log"), "hook told", "hook_unusable", 11, "/no/such/log"},
		"hook without its secret": {
			"", hook("url: 'https://a.example/', secret: {file: none}"), "hook told", "secret_unavailable", 11, "",
		},

		"JWKS that answers 404":       {"", jwks(service.URL + "/404"), "tokens", "jwks_invalid", 11, "status 404"},
		"JWKS that answers HTML":      {"", jwks(service.URL + "/html"), "tokens", "jwks_invalid", 11, "HTML"},
		"JWKS without a key":          {"", jwks(service.URL + "/none"), "tokens", "jwks_invalid", 11, "shared key"},
		"JWKS that is down":           {"", jwks(service.URL + "/503"), "tokens", "network", 18, "status 503"},
		"JWKS that nobody serves":     {"", jwks("http://127.0.0.1:1/"), "tokens", "network", 18, "refused"},
		"introspection that is 404":   {"", introspection("/404"), "tokens", "introspection_invalid", 11, "status 404"},
		"introspection that is 401":   {"", introspection("/401"), "tokens", "introspection_refused", 11, "status 401"},
		"introspection without words": {"", introspection("/html"), "tokens", "introspection_invalid", 11, "HTML"},

		"config that is a directory": {"rm config.yaml; mkdir config.yaml", "", "config", "config_unreadable", 11, "directory"},
		"config of everybody":        {"chmod 666 config.yaml", "", "config", "config_mode", 11, ""},
		"secret that is not there": {
			"", "sources: [{id: sandbox-clinic, settings: {api_key: {file: none}}}]\n", "source sandbox-clinic", "secret_unavailable", 11, "",
		},
		"port that is taken": {
			"", "callback: {listen: '" + taken.Addr().String() + "'}\n", "callback", "callback_unavailable", 11, "in use",
		},
		"two at once": {
			"rm bin/humanconnect-provider-key", hook("shell: no-such"), "provider key", "provider_missing", 14, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a.isNamed(t)
		})
	}
}

const ailing = `mount -t tmpfs -o size=24m,nr_inodes=80 tmpfs m
humanconnect --config none token create --client-user-id ada > token
humanconnect --config none open --token @token --connect sandbox-instant > response
%s
set +e
humanconnect doctor > text; echo $? > exit
humanconnect doctor -o json > json; echo $? >> exit
`

func (a ailment) isNamed(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	for _, sub := range []string{"m", "home", "bin"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{"config.yaml": "version: 1\n" + a.config, "secret": "secret"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	script := `cp "$BIN"/humanconnect* "$BIN"/providers.lock.json bin` + "\n" + fmt.Sprintf(ailing, a.made)
	c := exec.CommandContext(t.Context(), "unshare", append(ownMounts(), "sh", "-euc", script)...)
	c.Dir = dir
	c.Env = []string{
		"BIN=" + binDir(), "PATH=" + filepath.Join(dir, "bin") + ":" + os.Getenv("PATH"), "HOME=" + filepath.Join(dir, "home"),
		"HUMANCONNECT_CLIENT_ID=demo", "HUMANCONNECT_CONFIG=" + filepath.Join(dir, "config.yaml"),
		"HUMANCONNECT_STATE_DIR=" + filepath.Join(dir, "m", "s"), quickExit,
	}
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	read := func(name string) string {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	if got, want := read("exit"), fmt.Sprintf("%d\n%d\n", a.exit, a.exit); got != want {
		t.Errorf("exit codes %q, want %q", got, want)
	}
	text := read("text")
	if !strings.Contains(text, "failed   "+a.check+": ") || !strings.Contains(text, "["+a.code+"]\n         hint: ") {
		t.Errorf("no %s of %s with a hint in\n%s", a.code, a.check, text)
	}
	a.isFirst(t, read("json"))
}

// isFirst wants that the first check that failed is the one of the ailment.
func (a ailment) isFirst(t *testing.T, text string) {
	t.Helper()
	var report struct {
		Checks []struct{ Check, Name, State, Code, Message string }
	}
	if err := json.Unmarshal([]byte(text), &report); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	for _, c := range report.Checks {
		if c.State != "failed" {
			continue
		}
		if named := strings.TrimSpace(c.Check + " " + c.Name); c.Check != a.check && named != a.check || c.Code != a.code || !strings.Contains(c.Message, a.says) {
			t.Errorf("the first that failed is %+v", c)
		}
		return
	}
	t.Errorf("no check failed: %s", text)
}

// ownMounts are the flags with which unshare makes a name space where the caller may mount.
func ownMounts() []string {
	if os.Geteuid() == 0 {
		return []string{"--mount"}
	}
	return []string{"--mount", "--map-root-user"}
}

// mayMount says whether this system lets the tests mount file systems of their own. In CI it has to.
func mayMount(t *testing.T) bool {
	t.Helper()
	err := exec.CommandContext(t.Context(), "unshare", append(ownMounts(), "mount", "-t", "tmpfs", "tmpfs", t.TempDir())...).Run()
	if err == nil {
		return true
	}
	if os.Getenv("CI") != "" {
		t.Fatal(errors.Join(errors.New("this test mounts file systems: run it as root, or where users may have name spaces"), err))
	}
	t.Logf("nothing is tested: this user may not mount (%v)", err)
	return false
}

// tokenService answers as the path says.
func tokenService(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/html":
		_, _ = w.Write([]byte("<html>Welcome</html>"))
	case "/none":
		_, _ = w.Write([]byte(`{"keys": [{"kty": "oct", "kid": "x", "k": "AAAA"}]}`))
	default:
		status := 0
		_, _ = fmt.Sscanf(r.URL.Path, "/%d", &status)
		w.WriteHeader(status)
	}
}
