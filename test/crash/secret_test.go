//go:build linux

package crash_test

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/core/id"
)

// planted are the texts that must not come out, by what they are.
type planted map[string]string

func (p planted) readWorld(t testing.TB, where string, text []byte) {
	t.Helper()
	for what, secret := range p {
		if bytes.Contains(text, []byte(secret)) {
			t.Errorf("%s holds the %s", where, what)
		}
	}
}

// spy watches the processes that runs of a place start.
type spy struct {
	stop chan struct{}
	wg   sync.WaitGroup
	seen map[string]child
}

func watch(dir string) *spy {
	s := &spy{stop: make(chan struct{}), seen: make(map[string]child)}
	s.wg.Go(func() {
		tick := time.NewTicker(3 * time.Millisecond)
		defer tick.Stop()
		for {
			for _, c := range children(dir) {
				s.seen[c.argv+c.environ] = c
			}
			select {
			case <-tick.C:
			case <-s.stop:
				return
			}
		}
	})
	return s
}

func (s *spy) end() []child {
	close(s.stop)
	s.wg.Wait()
	var all []child
	for _, c := range s.seen {
		all = append(all, c)
	}
	return all
}

// secretive is the config of the secrets test: its hook keeps the body, its own environment, and its arguments.
func secretive() string {
	return `version: 1
hooks:
  - name: bodies
    on: [onConnectSource, onDisconnectSource, onClose]
    shell: 'cat >> bodies; tr "\0" "\n" < /proc/$$/environ >> environs; tr "\0" " " < /proc/$$/cmdline >> argvs'
sources:
  - id: sandbox-clinic
    settings:
      api_key: { env: CLINIC_KEY }
`
}

// What is planted. The account is part of the credential, see TestCredentialIsKeptAndSealed.
const (
	plantedUser     = "planted-user-8f2c"
	plantedAccount  = "demouser7302946518"
	plantedPassword = "planted-password-51d0"
	plantedKey      = "planted-key-c3a9"
)

// secretRun is a run of open whose input holds secrets.
type secretRun struct {
	actions []action
	code    int
	account string
	wrong   string
	key     string
	kill    bool
}

func secretRuns() []secretRun {
	both := []action{{connect, clinic}, {connect, family}}
	return []secretRun{
		{actions: both, account: plantedAccount},
		{actions: []action{{disconnect, family}, {connect, clinic}, {disconnect, clinic}}, account: plantedAccount},
		{actions: both, account: plantedAccount, wrong: plantedPassword, code: 3},
		{actions: both, account: plantedAccount, key: plantedKey, code: 3},
		{actions: both[1:], account: "wait"},
		{actions: both[:1], account: "crash", code: 3},
		{actions: both[:1], account: "slow", kill: true},
	}
}

func TestSecretsStayInside(t *testing.T) {
	t.Parallel()
	h := newHome(t, secretive())
	p := h.place(t, "p")
	secrets := planted{"account, and with it the credential": plantedAccount, "password": plantedPassword, "key of a source": plantedKey}
	personal := planted{"user id": plantedUser, "name of a source": clinic, "name of another source": family}
	watched := watch(p.dir)
	for i, run := range secretRuns() {
		name := fmt.Sprint("token", i)
		p.extra = []string{"CLINIC_KEY=" + cmp.Or(run.key, "sandbox-key")}
		args := append([]string{"open", "--debug", "--token", p.token(t, plantedUser, name)}, run.args(t, h, i)...)
		text, err := os.ReadFile(p.file(name))
		if err != nil {
			t.Fatal(err)
		}
		secrets[name] = strings.TrimSpace(string(text))
		r := run.run(t, p, args)
		secrets.readWorld(t, fmt.Sprintf("stdout of run %d", i), []byte(r.out))
		secrets.readWorld(t, fmt.Sprintf("stderr of run %d", i), []byte(r.err))
		personal.readWorld(t, fmt.Sprintf("stderr of run %d", i), []byte(r.err))
		searchState(t, h, secrets)
	}
	for _, args := range [][]string{{"event", "list"}, {"session", "list"}, {"delivery", "list"}, {"doctor"}} {
		r := p.want(t, 0, append(args, "--debug")...)
		secrets.readWorld(t, strings.Join(args, " "), []byte(r.out+r.err))
	}
	searchChildren(t, h, watched.end(), secrets, personal)
}

// args are the actions, and the answers in files.
func (r secretRun) args(t testing.TB, h *home, number int) []string {
	answers := map[string]string{"username": r.account, "password": cmp.Or(r.wrong, "password"), "member": "alex"}
	var args []string
	for _, a := range r.actions {
		args = append(args, "--"+a.verb, a.source)
		if a.verb == disconnect {
			continue
		}
		for field, text := range answers {
			if a.source == clinic && field == "member" {
				continue
			}
			file := h.write(t, fmt.Sprint("answer-", number, a.source, field), text)
			args = append(args, "--answer", a.source+"."+field+"=@"+file)
		}
	}
	return args
}

// run runs it to its end, or kills it inside a step.
func (r secretRun) run(t testing.TB, p *place, args []string) result {
	t.Helper()
	one := p.start(t, args...)
	if r.kill {
		p.home.awaitAttempt(t, "the provider works on the form", begun)
		one.signal(syscall.SIGKILL)
		return one.end()
	}
	ended := one.end()
	ended.want(t, r.code)
	return ended
}

// searchState looks into every file of the state as it lies on the disk.
func searchState(t testing.TB, h *home, secrets planted) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(h.state(), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if os.IsNotExist(err) {
			return nil
		}
		files++
		secrets.readWorld(t, filepath.Base(path), text)
		return err
	})
	if err != nil || files < 2 {
		t.Errorf("%d files of the state were searched: %v", files, err)
	}
}

// searchChildren looks at what providers and hooks were given.
func searchChildren(t testing.TB, h *home, seen []child, secrets, personal planted) {
	t.Helper()
	providers := 0
	for _, c := range seen {
		if c.provider() {
			providers++
		}
		for _, list := range []planted{secrets, personal} {
			list.readWorld(t, "argv of "+c.exe, []byte(c.argv))
			list.readWorld(t, "environment of "+c.exe, []byte(c.environ))
		}
	}
	if providers == 0 {
		t.Error("no provider was seen")
	}
	for _, name := range []string{"bodies", "environs", "argvs"} {
		text, err := os.ReadFile(h.path(name))
		if err != nil || len(text) == 0 {
			t.Errorf("%d bytes from the hook: %v", len(text), err)
		}
		secrets.readWorld(t, "hook: "+name, text)
		if name != "bodies" {
			personal.readWorld(t, "hook: "+name, text)
		}
	}
}

// TestCredentialIsKeptAndSealed makes sure that the search above looks for something that is there.
func TestCredentialIsKeptAndSealed(t *testing.T) {
	t.Parallel()
	h := newHome(t, "")
	p := h.place(t, "p")
	const account = "demouser9184736250"
	r := p.run(t, open(p.token(t, "user", "token"), clinic, account)...)
	wantConnected(t, r, clinic)
	con := id.Connection(responseOf(t, r).SessionResults.Connected[0].ConnectionID)
	kept, err := h.credential(con)
	if err != nil || !bytes.Contains(kept, []byte(account)) {
		t.Fatalf("the credential does not hold the account: %v", err)
	}
	searchState(t, h, planted{"credential": string(kept), "account": account})
}
