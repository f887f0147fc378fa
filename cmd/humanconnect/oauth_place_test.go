package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/cmd/humanconnect/internal/exit"
	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/providers/sandbox/server/authority"
)

// authorizedPlace is a home beside the sandbox's authorization server, which runs in the test, so that the test sees what
// it is asked for and can hold it up. Core and provider are processes, as always.
type authorizedPlace struct {
	t      *testing.T
	dir    string
	server string
	// bin is where its programs are, or "" for those of all tests.
	bin string

	authority http.Handler
	mu        sync.Mutex
	// held is where requests for tokens wait, where they do.
	held chan heldUp
	// exchanges counts the requests for tokens.
	exchanges atomic.Int32
	runs      atomic.Int32
}

// heldUp is a request for a token that waits until goOn is closed.
type heldUp struct{ goOn chan struct{} }

func newAuthorizedPlace(t *testing.T) *authorizedPlace {
	t.Helper()
	p := &authorizedPlace{t: t, dir: t.TempDir()}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.server = "http://" + listener.Addr().String()
	if p.authority, err = authority.New(p.server, time.Now); err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: p, ReadHeaderTimeout: storyLimit}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		_ = server.Close()
		<-served
	})
	p.write("config.yaml", fmt.Sprintf(`version: 1
clientId: demo
sources:
  - id: sandbox-tracker
    settings: {server: %[1]q}
  - id: sandbox-scale
    settings: {server: %[1]q}
`, p.server))
	// A browser that is opened and then left alone.
	p.write("keep", `echo "$2" > "$1.new" && mv "$1.new" "$1"`)
	return p
}

func (p *authorizedPlace) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/oauth/token" {
		p.exchanges.Add(1)
		p.mu.Lock()
		held := p.held
		p.mu.Unlock()
		if held != nil {
			wait := heldUp{make(chan struct{})}
			held <- wait
			select {
			case <-wait.goOn:
			case <-r.Context().Done():
			}
		}
	}
	p.authority.ServeHTTP(w, r)
}

// holds makes requests for tokens wait, and gives them out as they come.
func (p *authorizedPlace) holds() <-chan heldUp {
	held := make(chan heldUp, 10)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held = held
	return held
}

// letsGo lets a request go on, and later ones through.
func (p *authorizedPlace) letsGo(h heldUp) {
	p.mu.Lock()
	p.held = nil
	p.mu.Unlock()
	close(h.goOn)
}

// waitsFor returns the request that is held up next.
func (p *authorizedPlace) waitsFor(held <-chan heldUp) heldUp {
	p.t.Helper()
	select {
	case h := <-held:
		return h
	case <-time.After(storyLimit):
		p.t.Fatal("nobody asks for a token")
		return heldUp{}
	}
}

func (p *authorizedPlace) write(name, text string) string {
	p.t.Helper()
	path := filepath.Join(p.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
	return path
}

func (p *authorizedPlace) command(browser string, args ...string) *exec.Cmd {
	c := exec.CommandContext(p.t.Context(), filepath.Join(cmp.Or(p.bin, binDir()), "humanconnect"), args...)
	c.Dir = p.dir
	c.Env = []string{
		"HOME=" + p.dir, "PATH=" + binDir() + string(os.PathListSeparator) + os.Getenv("PATH"),
		"HUMANCONNECT_CONFIG=" + filepath.Join(p.dir, "config.yaml"), quickExit,
	}
	if browser != "" {
		c.Env = append(c.Env, "BROWSER="+browser)
	}
	return c
}

// token makes a token of a user and returns the file that it is in.
func (p *authorizedPlace) token(user string) string {
	p.t.Helper()
	create := p.command("", "token", "create", "--client-user-id", user)
	token, err := create.Output()
	if err != nil {
		p.t.Fatal(err)
	}
	return p.write(fmt.Sprintf("token-%d", p.runs.Add(1)), string(token))
}

// opening is a run of open that has not ended yet.
type opening struct {
	p    *authorizedPlace
	cmd  *exec.Cmd
	out  bytes.Buffer
	said said
	link string
	done chan struct{}
}

// said is what a run has written to standard error so far.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *said) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// leftAlone is a browser that is opened, so that the test can do what a person does in it.
const leftAlone = "leftAlone"

// opens starts open with the token in a file.
func (p *authorizedPlace) opens(token, browser string, args ...string) *opening {
	p.t.Helper()
	link := fmt.Sprintf("link-%d", p.runs.Add(1))
	if browser == leftAlone {
		browser = "sh keep " + link
	}
	o := &opening{p: p, link: filepath.Join(p.dir, link), done: make(chan struct{})}
	o.cmd = p.command(browser, append([]string{"open", "--token", "@" + token}, args...)...)
	o.cmd.Stdout, o.cmd.Stderr, o.cmd.WaitDelay = &o.out, &o.said, time.Second
	if err := o.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	go func() {
		_ = o.cmd.Wait() // the exit code is kept
		close(o.done)
	}()
	p.t.Cleanup(func() {
		_ = o.cmd.Process.Kill()
		<-o.done
	})
	return o
}

// browserAt waits until the browser was opened, for the next time, and returns the address that it is sent to.
func (o *opening) browserAt() string {
	o.p.t.Helper()
	waitUntil(o.p.t, func() bool { _, err := os.Stat(o.link); return err == nil })
	link, err := os.ReadFile(o.link)
	if err == nil {
		err = os.Remove(o.link)
	}
	if err != nil {
		o.p.t.Fatal(err)
	}
	v := o.p.visits(strings.TrimSpace(string(link)))
	if v.to == "" {
		o.p.t.Fatalf("the link leads nowhere: %d %s", v.status, v.title)
	}
	return v.to
}

// killed kills the program with -9.
func (o *opening) killed() {
	_ = o.cmd.Process.Kill()
	<-o.done
}

// ends waits for the end, wants an exit code, and returns the response.
func (o *opening) ends(code int) event.Response {
	o.p.t.Helper()
	select {
	case <-o.done:
	case <-time.After(2 * storyLimit):
		o.p.t.Fatalf("open does not end; it says\n%s", o.said.String())
	}
	var r event.Response
	if err := json.Unmarshal(o.out.Bytes(), &r); err != nil || o.cmd.ProcessState.ExitCode() != code {
		o.p.t.Fatalf("exit code %d, want %d: %v\n%s%s", o.cmd.ProcessState.ExitCode(), code, err, o.out.String(), o.said.String())
	}
	return r
}

// succeeds wants that everything went well, so many times.
func (o *opening) succeeds(connected int) event.Response {
	o.p.t.Helper()
	r := o.ends(exit.OK)
	if r.Status != event.Success || len(r.SessionResults.ConnectedSources) != connected || len(r.Failures) != 0 {
		o.p.t.Errorf("the response is %+v", r)
	}
	return r
}

// fails wants one failure and returns it.
func (o *opening) fails() event.Failure {
	o.p.t.Helper()
	r := o.ends(exit.Failures)
	if len(r.Failures) != 1 || len(r.SessionResults.ConnectedSources) != 0 {
		o.p.t.Fatalf("the response is %+v", r)
	}
	return r.Failures[0]
}

// visit is what came of one request.
type visit struct {
	status int
	// to is where a redirect leads that was not followed.
	to, title, body string
}

var pageTitle = regexp.MustCompile(`<h1>([^<]*)</h1>`)

// visits asks for a page, and follows redirects as long as they stay at the authorization server.
func (p *authorizedPlace) visits(address string) visit {
	p.t.Helper()
	v, err := p.request(http.MethodGet, address, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	return v
}

func (p *authorizedPlace) request(method, address string, form url.Values) (visit, error) {
	ctx, cancel := context.WithTimeout(p.t.Context(), storyLimit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(form.Encode()))
	if err != nil {
		return visit{}, err
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	client := &http.Client{CheckRedirect: func(to *http.Request, via []*http.Request) error {
		if at := "http://" + to.URL.Host; at != p.server || "http://"+via[0].URL.Host != p.server {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	resp, err := client.Do(req)
	if err != nil {
		return visit{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	v := visit{status: resp.StatusCode, body: string(body)}
	if to, err := resp.Location(); err == nil {
		v.to = to.String()
	}
	if found := pageTitle.FindStringSubmatch(v.body); found != nil {
		v.title = found[1]
	}
	return v, err
}

var (
	consentID = regexp.MustCompile(`name="id" value="([^"]+)"`)
	askedFor  = regexp.MustCompile(`name="scope" value="([^"]+)" checked`)
)

// consents signs in at the authorization server and returns where the browser is then sent; "" for a device.
func (p *authorizedPlace) consents(address, fault string) string {
	p.t.Helper()
	page := p.visits(address)
	id := consentID.FindStringSubmatch(page.body)
	if id == nil {
		p.t.Fatalf("no page to consent at: %d %s", page.status, page.title)
	}
	form := url.Values{
		"id": {id[1]}, "username": {"demouser"}, "password": {"password"}, "fault": {fault}, "decision": {"allow"},
	}
	for _, scope := range askedFor.FindAllStringSubmatch(page.body, -1) {
		form.Add("scope", scope[1])
	}
	v, err := p.request(http.MethodPost, p.server+"/consent", form)
	if err != nil || v.status >= http.StatusBadRequest {
		p.t.Fatalf("the consent was not taken: %d %s, %v", v.status, v.title, err)
	}
	return v.to
}

// comesBack delivers a redirect in the background. What the page said is sent once; nothing if there was none.
func (p *authorizedPlace) comesBack(redirect string) <-chan visit {
	page := make(chan visit, 1)
	go func() {
		defer close(page)
		if v, err := p.request(http.MethodGet, redirect, nil); err == nil {
			page <- v
		}
	}()
	return page
}

// listens waits until something listens where a redirect leads.
func (p *authorizedPlace) listens(redirect string) {
	p.t.Helper()
	u, err := url.Parse(redirect)
	if err != nil {
		p.t.Fatal(err)
	}
	waitUntil(p.t, func() bool { return answers(p.t.Context(), u.Host) })
}

func queryOf(t *testing.T, address string) url.Values {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query()
}

// with changes one parameter of a redirect; "" takes it away.
func with(redirect, name, value string) string {
	u, err := url.Parse(redirect)
	if err != nil {
		panic(err)
	}
	q := u.Query()
	q.Set(name, value)
	if value == "" {
		q.Del(name)
	}
	u.RawQuery = q.Encode()
	return u.String()
}

var shownCode = regexp.MustCompile(`open (http://\S+) and enter (\S+)`)

// device waits until a code is shown, and returns the address of the page that takes it.
func (o *opening) device() string {
	o.p.t.Helper()
	waitUntil(o.p.t, func() bool { return shownCode.MatchString(o.said.String()) })
	found := shownCode.FindStringSubmatch(o.said.String())
	return found[1] + "?user_code=" + url.QueryEscape(found[2])
}
