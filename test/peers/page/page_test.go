package page_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/test/peers/program"
)

const (
	// limit of everything that should be quick.
	limit = time.Minute
)

// bin has the programs, as they are released.
var bin string

func TestMain(m *testing.M) { os.Exit(program.Main(m, &bin)) }

// chromium is a real browser.
type chromium struct {
	t     *testing.T
	in    io.Writer
	lines *bufio.Reader
}

// startChromium runs a browser until the test ends.
func startChromium(t *testing.T) *chromium {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("%v: run test/needs.sh", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*limit)
	c := exec.CommandContext(ctx, "node", "browse.mjs", path)
	c.Stderr = os.Stderr
	in, err := c.StdinPipe()
	out, err2 := c.StdoutPipe()
	if err := errors.Join(err, err2, c.Start()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close() // which ends it
		_ = c.Wait()
		cancel()
	})
	return &chromium{t, in, bufio.NewReader(out)}
}

// visit is what the browser does.
type visit struct {
	URL        string `json:"url"`
	JavaScript bool   `json:"javascript"`
	Dark       bool   `json:"dark"`
	// Decision and Fault fill in the page of consent that the visit leads to.
	Decision string `json:"decision,omitempty"`
	Fault    string `json:"fault,omitempty"`
	// Fragment: the page is to send its fragment again.
	Fragment bool `json:"fragment,omitempty"`
}

// seen is what the person sees, and what the judges say.
type seen struct {
	Failed         string
	Status         int
	Title, Heading string
	Text           string
	Requests       []string
	Outside        []string
	Errors         []string
	Violations     []string
}

// visits goes somewhere, and sees to what every page has to keep: it is not blank, it loads nothing, nothing leaves the
// machine, and everybody can use it.
func (c *chromium) visits(v visit) seen {
	c.t.Helper()
	line, err := json.Marshal(v)
	if err != nil {
		c.t.Fatal(err)
	}
	if _, err := c.in.Write(append(line, '\n')); err != nil {
		c.t.Fatal(err)
	}
	answer, err := c.lines.ReadBytes('\n')
	if err != nil {
		c.t.Fatalf("the browser has ended: %v; is test/peers/page/node_modules there? run: make peers", err)
	}
	var s seen
	if err := json.Unmarshal(answer, &s); err != nil || s.Failed != "" {
		c.t.Fatalf("%+v: %s%v", v, s.Failed, err)
	}
	if s.Title == "" || s.Title != s.Heading || len(s.Text) < len(s.Title)+20 {
		c.t.Errorf("the page is titled %q and says %q", s.Title, s.Text)
	}
	if len(s.Outside)+len(s.Errors)+len(s.Violations) > 0 {
		c.t.Errorf("%q: asked outside for %q, errors %q, violations %q", s.Title, s.Outside, s.Errors, s.Violations)
	}
	for _, path := range s.Requests {
		if !onTheWay.MatchString(path) {
			c.t.Errorf("%q: loads %s", s.Title, path)
		}
	}
	return s
}

// onTheWay is what a browser asks for: pages, and of its own accord a picture for its tab.
var onTheWay = regexp.MustCompile(`^/(go/.*|callback|authorize(/callback)?|consent|favicon\.ico)$`)

// says wants a page with a title and some words.
func (s seen) says(t *testing.T, title string, words ...string) {
	t.Helper()
	if s.Title != title {
		t.Errorf("the page is %q, want %q", s.Title, title)
	}
	for _, w := range words {
		if !strings.Contains(s.Text, w) {
			t.Errorf("%q does not say %q: %q", s.Title, w, s.Text)
		}
	}
}

// home is a place to open sources at, and where a server for them runs.
type home struct {
	t   *testing.T
	dir string
}

func newHome(t *testing.T) home {
	t.Helper()
	h := home{t, t.TempDir()}
	ctx, cancel := context.WithCancel(context.Background())
	server := exec.CommandContext(ctx, filepath.Join(bin, "humanconnect-sandbox"), "--listen", "127.0.0.1:0")
	out, err := server.StdoutPipe()
	if err := errors.Join(err, server.Start()); err != nil {
		cancel()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = server.Wait()
	})
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	h.write("config.yaml", fmt.Sprintf("version: 1\nclientId: demo\nsources:\n  - id: sandbox-tracker\n    settings: {server: %q}\n", strings.TrimSpace(address)))
	h.write("keep", `echo "$1" > link.new && mv link.new link`)
	return h
}

func (h home) write(name, text string) {
	h.t.Helper()
	if err := os.WriteFile(filepath.Join(h.dir, name), []byte(text), 0o600); err != nil {
		h.t.Fatal(err)
	}
}

func (h home) command(ctx context.Context, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, filepath.Join(bin, "humanconnect"), append([]string{"--config", "config.yaml"}, args...)...)
	c.Dir, c.Env = h.dir, []string{"HOME=" + h.dir, "PATH=" + os.Getenv("PATH"), "BROWSER=sh keep"}
	return c
}

// opens runs open, shows the link that its browser is given, and waits for the end of open, which is to be code.
func (h home) opens(code int, show func(link string)) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), limit)
	defer cancel()
	token, err := h.command(ctx, "token", "create", "--client-user-id", "ada").Output()
	if err != nil {
		h.t.Fatal(err)
	}
	h.write("token", string(token))
	_ = os.Remove(filepath.Join(h.dir, "link")) // that of the time before
	var said bytes.Buffer
	open := h.command(ctx, "open", "--token", "@token", "--connect", "sandbox-tracker")
	open.Stdout, open.Stderr = &said, &said
	if err := open.Start(); err != nil {
		h.t.Fatal(err)
	}
	show(h.link(ctx))
	_ = open.Wait() // the exit code is looked at
	if got := open.ProcessState.ExitCode(); got != code {
		h.t.Errorf("exit code %d, want %d\n%s", got, code, said.String())
	}
}

func (h home) link(ctx context.Context) string {
	h.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if link, err := os.ReadFile(filepath.Join(h.dir, "link")); err == nil {
			return strings.TrimSpace(string(link))
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			h.t.Fatal("the browser was not opened")
		}
	}
}

func TestPagesOfAConnectInARealBrowser(t *testing.T) {
	c, h := startChromium(t), newHome(t)
	const done = "Sandbox Tracker is connected"
	for name, v := range map[string]visit{
		"light": {JavaScript: true}, "dark": {JavaScript: true, Dark: true}, "without JavaScript": {},
	} {
		t.Run(name, func(t *testing.T) {
			c.t, h.t = t, t
			h.opens(0, func(link string) {
				callback := callbackOf(link)
				at := func(url string) visit { v := v; v.URL = url; return v }
				c.visits(at(callback+"?code=c&state=s")).says(t, "No pending authorization", "go back to where you started")
				c.visits(at(callback+"?error=access_denied")).says(t, "No pending authorization", "it is still waiting for you")
				c.visits(at(callback)).says(t, "No pending authorization", "it is still waiting for you")
				consent := at(link)
				consent.Decision, consent.Fault = "allow", "none"
				c.visits(consent).says(t, done, "The connection is complete", "You can close this page")
			})
			h.opens(3, func(link string) {
				used := v
				used.URL = link
				denied := used
				denied.Decision, denied.Fault = "deny", "none"
				// The words of the failure, and its hint.
				c.visits(denied).says(t, "Sandbox Tracker was not connected", "Authorization was denied", "connect again and allow the access")
			})
			h.opens(3, func(link string) {
				failing := v
				failing.URL, failing.Decision, failing.Fault = link, "allow", "token_rate_limited"
				c.visits(failing).says(t, "Sandbox Tracker was not connected", "too many requests", "try again after the time")
			})
		})
	}
}

func TestLinkIsGoodForOneVisitOfARealBrowser(t *testing.T) {
	c, h := startChromium(t), newHome(t)
	h.opens(0, func(link string) {
		redirect := consents(t, link)
		for _, v := range []visit{{URL: link, JavaScript: true}, {URL: link, JavaScript: true, Dark: true}, {URL: link}} {
			c.visits(v).says(t, "This link was already used", "open the source again from there")
		}
		c.visits(visit{URL: redirect}).says(t, "Sandbox Tracker is connected")
	})
}

func TestAnswerInTheFragmentArrivesFromARealBrowser(t *testing.T) {
	c, h := startChromium(t), newHome(t)
	h.opens(0, func(link string) {
		callback, query, _ := strings.Cut(consents(t, link), "?")
		// Without JavaScript it cannot arrive, and the page says what to do.
		c.visits(visit{URL: callback + "#" + query}).says(t, "No pending authorization", "go back to where you started")
		c.visits(visit{URL: callback + "#" + query, JavaScript: true, Fragment: true}).says(t, "Sandbox Tracker is connected")
	})
}

// callbackOf is the address of redirects, at the listener that a link is of.
func callbackOf(link string) string {
	listener, _, _ := strings.Cut(link, "/go/")
	return listener + "/callback"
}

var (
	consentID = regexp.MustCompile(`name="id" value="([^"]+)"`)
	askedFor  = regexp.MustCompile(`name="scope" value="([^"]+)" checked`)
)

// consents goes where a link leads, consents without a browser, and returns where a browser would be sent.
func consents(t *testing.T, link string) string {
	t.Helper()
	client := &http.Client{Timeout: limit, CheckRedirect: func(to *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(to.URL.Path, "/callback") {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	page, err := client.Get(link)
	if err != nil {
		t.Fatal(err)
	}
	defer page.Body.Close()
	body, err := io.ReadAll(page.Body)
	id := consentID.FindSubmatch(body)
	if err != nil || id == nil {
		t.Fatalf("no page to consent at: %v\n%s", err, body)
	}
	form := url.Values{
		"id": {string(id[1])}, "username": {"demouser"}, "password": {"password"}, "fault": {"none"}, "decision": {"allow"},
	}
	for _, scope := range askedFor.FindAllSubmatch(body, -1) {
		form.Add("scope", string(scope[1]))
	}
	last, err := client.PostForm("http://"+page.Request.URL.Host+"/consent", form)
	if err != nil {
		t.Fatal(err)
	}
	defer last.Body.Close()
	return last.Header.Get("Location")
}
