// Package redirect is where browsers come back to from a source: a listener on loopback, the page that says what
// happened, and the links that send a browser off.
//
//	GET /go/NONCE   once: redirects to the address of the source. So that address, which names source and state, is
//	                no argument of the browser's command.
//	GET /callback   the redirect of a source, or whatever path a callback URL of the config has. Parameters that come
//	                in the fragment are sent again as a query by the page, which takes all of them out of its address
//	                once they have arrived.
//
// A redirect that nobody waits for changes nothing, and the page says how to go back. Nor does a request that no person
// made: HEAD, and pages that a browser loads in advance.
package redirect

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/session"
	"github.com/humanconnect/humanconnect/core/source"
	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/host/loopback"
)

const (
	// maxRequest is how large a redirect may be, in bytes.
	maxRequest = 64 << 10
	// outcomeTime is how long the page waits for what comes of a redirect.
	outcomeTime = 20 * time.Second
	outcomePoll = 100 * time.Millisecond
	// closeTime bounds how long a page that is being answered is waited for.
	closeTime   = 2 * time.Second
	requestTime = 10 * time.Second
	nonceSize   = 18
	goPath      = "/go/"
	// DefaultListen is a free port of the loopback address.
	DefaultListen = "127.0.0.1:0"
)

// Engine is what takes redirects; *session.Engine is one.
type Engine interface {
	Callback(ctx context.Context, c sdk.Callback) (session.CallbackResult, error)
	Progress(ctx context.Context, attempt id.Attempt) (session.Progress, error)
	Moved() <-chan struct{}
}

// Options of a listener.
type Options struct {
	// Listen is the address to listen at; "" means [DefaultListen].
	Listen string
	// URL is the address that sources are given, where it is not that of the listener.
	URL string
	// Engine takes the redirects. It may be set until the first Bind.
	Engine Engine
}

// Listener listens for redirects. It implements session.Redirects and is safe for concurrent use. Close it.
type Listener struct {
	opt Options

	mu      sync.Mutex
	servers map[string]*server
	// first is the address that new attempts use.
	first string
	links map[string]string
	// awaited are the attempts whose page asks again what came of them, by nonce.
	awaited map[string]session.CallbackResult
	hosts   map[string]bool
}

type server struct {
	http *http.Server
	done chan struct{}
}

var _ session.Redirects = (*Listener)(nil)

// New returns a listener that does not listen yet.
func New(o Options) *Listener {
	if o.Listen == "" {
		o.Listen = DefaultListen
	}
	return &Listener{
		opt: o, servers: make(map[string]*server), links: make(map[string]string),
		awaited: make(map[string]session.CallbackResult), hosts: make(map[string]bool),
	}
}

// Bind implements session.Redirects.
func (l *Listener) Bind(ctx context.Context, src source.Source, uri string) (string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	own := src.CallbackURL()
	if own == "" {
		own = l.opt.URL
	}
	switch {
	case uri == "" && own == "":
		addr, err := l.start(ctx)
		return "http://" + addr + "/callback", err
	case uri == "" || uri == own:
		l.allow(own)
		return own, l.listenFor(ctx, own)
	}
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "http" {
		return "", errors.New("the address of an earlier process is not one of this one")
	}
	_, err = l.listen(ctx, u.Host)
	return uri, err
}

// listenFor listens for the redirects of a callback URL of the config. One of this machine that names a port is listened
// at itself, unless the config names the port to listen at: then something stands in front.
func (l *Listener) listenFor(ctx context.Context, own string) error {
	u, err := url.Parse(own)
	if err != nil {
		return fmt.Errorf("the callback URL: %w", err)
	}
	_, port, err := net.SplitHostPort(l.opt.Listen)
	free := err == nil && (port == "" || port == "0")
	if free && u.Scheme == "http" && u.Port() != "" && loopback.Host(u.Hostname()) {
		host := u.Hostname()
		if _, err := netip.ParseAddr(host); err != nil { // a name: what is listened at is an address of loopback alone
			host = "127.0.0.1"
		}
		addr, err := l.listen(ctx, net.JoinHostPort(host, u.Port()))
		if l.first == "" {
			l.first = addr
		}
		return err
	}
	_, err = l.start(ctx)
	return err
}

// allow lets the host of a callback URL of the config through the check of the Host header.
func (l *Listener) allow(address string) {
	if u, err := url.Parse(address); err == nil {
		l.hosts[hostOf(u.Host)] = true
	}
}

// hostOf is a Host header without the port that its scheme implies (RFC 9110 §4.2.3): a browser leaves it out.
func hostOf(host string) string {
	host = strings.ToLower(host)
	if name, port, err := net.SplitHostPort(host); err == nil && (port == "80" || port == "443") {
		return name
	}
	return host
}

// start listens at the address for new attempts.
func (l *Listener) start(ctx context.Context) (string, error) {
	if l.first != "" {
		return l.first, nil
	}
	addr, err := l.listen(ctx, l.opt.Listen)
	if err == nil {
		l.first = addr
	}
	return addr, err
}

func (l *Listener) listen(ctx context.Context, addr string) (string, error) {
	if _, ok := l.servers[addr]; ok {
		return addr, nil
	}
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return "", fmt.Errorf("listen for redirects: %w", err)
	}
	addr = ln.Addr().String()
	s := &server{
		done: make(chan struct{}),
		http: &http.Server{
			Handler: l.handler(), MaxHeaderBytes: maxRequest, ReadHeaderTimeout: requestTime, ReadTimeout: requestTime,
			IdleTimeout: requestTime,
		},
	}
	l.servers[addr], l.hosts[hostOf(addr)] = s, true
	go func() {
		defer close(s.done)
		_ = s.http.Serve(ln) // it ends with Close
	}()
	return addr, nil
}

// Link returns an address of this listener that leads to the given one, once.
func (l *Listener) Link(ctx context.Context, address string) (string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	addr, err := l.start(ctx)
	if err != nil {
		return "", err
	}
	nonce := newNonce()
	l.links[nonce] = address
	return "http://" + addr + goPath + nonce, nil
}

func newNonce() string {
	var b [nonceSize]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// Close stops listening. Pages that are being answered get a moment.
func (l *Listener) Close() {
	l.mu.Lock()
	servers := make([]*server, 0, len(l.servers))
	for _, s := range l.servers {
		servers = append(servers, s)
	}
	l.servers = make(map[string]*server)
	l.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	for _, s := range servers {
		if s.http.Shutdown(ctx) != nil {
			_ = s.http.Close()
		}
		<-s.done
	}
}

func (l *Listener) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+goPath+"{nonce}", l.leave)
	mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("GET /", l.comeBack)
	mux.HandleFunc("POST /", l.comeBack)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { show(w, http.StatusMethodNotAllowed, stray()) })
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Cache-Control", "no-store")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("X-Content-Type-Options", "nosniff")
		switch {
		case !l.knows(r.Host):
			show(w, http.StatusMisdirectedRequest, misdirected())
		case r.Method == http.MethodHead:
			header.Set("Content-Type", "text/html; charset=utf-8")
		case inAdvance(r.Header):
			w.WriteHeader(http.StatusServiceUnavailable)
		default:
			mux.ServeHTTP(w, r)
		}
	})
}

// inAdvance says that a browser asks for a page that its person may never open.
func inAdvance(h http.Header) bool {
	purpose := h.Get("Sec-Purpose") + h.Get("Purpose") + h.Get("X-Moz")
	return strings.Contains(purpose, "prefetch") || strings.Contains(purpose, "preview")
}

// knows keeps pages of other sites, which can make a name of theirs resolve to loopback, from talking to us.
func (l *Listener) knows(host string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.hosts[hostOf(host)]
}

// leave sends a browser off. A callback URL of the config may have a path like that of a link.
func (l *Listener) leave(w http.ResponseWriter, r *http.Request) {
	nonce := r.PathValue("nonce")
	l.mu.Lock()
	address, ok := l.links[nonce]
	delete(l.links, nonce)
	l.mu.Unlock()
	switch {
	case ok:
		http.Redirect(w, r, address, http.StatusSeeOther)
	case r.URL.RawQuery != "":
		l.comeBack(w, r)
	default:
		show(w, http.StatusGone, usedLink())
	}
}

// The parameters by which a page of ours calls again.
const (
	againParameter = "humanconnect-again"
	doneParameter  = "humanconnect-done"
)

// comeBack takes a redirect.
func (l *Listener) comeBack(w http.ResponseWriter, r *http.Request) {
	raw := r.URL.RawQuery
	if r.Method == http.MethodPost { // OAuth 2.0 Form Post Response Mode
		r.Body = http.MaxBytesReader(w, r.Body, maxRequest)
		if err := r.ParseForm(); err != nil {
			show(w, http.StatusBadRequest, stray())
			return
		}
		raw = r.PostForm.Encode()
	}
	c, ok := session.ParseRedirect("http://" + r.Host + "/?" + raw)
	switch {
	case !ok:
		show(w, http.StatusOK, empty())
		return
	case c.Get(doneParameter) != "":
		show(w, http.StatusOK, arrived())
		return
	case c.Get(againParameter) != "":
		l.again(w, r, c.Get(againParameter))
		return
	case c.Get("state") == "": // the rest may stand in the fragment
		p := empty()
		show(w, http.StatusBadRequest, p)
		return
	}
	result, err := l.opt.Engine.Callback(r.Context(), c)
	switch {
	case err != nil:
		show(w, http.StatusInternalServerError, broken())
	case result.Outcome != session.CallbackAccepted:
		show(w, http.StatusBadRequest, stray())
	default:
		show(w, http.StatusOK, l.outcome(r.Context(), result, newNonce()))
	}
}

// again answers a page that asks what has come of its redirect by now.
func (l *Listener) again(w http.ResponseWriter, r *http.Request, nonce string) {
	l.mu.Lock()
	result, ok := l.awaited[nonce]
	l.mu.Unlock()
	if !ok {
		show(w, http.StatusOK, arrived())
		return
	}
	show(w, http.StatusOK, l.outcome(r.Context(), result, nonce))
}

// outcome waits for what comes of a redirect. A page that has waited long enough asks again by the nonce.
func (l *Listener) outcome(ctx context.Context, result session.CallbackResult, nonce string) page {
	ctx, cancel := context.WithTimeout(ctx, outcomeTime)
	defer cancel()
	tick := time.NewTicker(outcomePoll)
	defer tick.Stop()
	for {
		moved := l.opt.Engine.Moved()
		p, err := l.opt.Engine.Progress(ctx, result.Attempt)
		if err == nil && p.State != session.AttemptWorking {
			return taken(ended(p))
		}
		select {
		case <-moved:
		case <-tick.C: // another process may be the one that works on it
		case <-ctx.Done():
			l.mu.Lock()
			l.awaited[nonce] = result
			l.mu.Unlock()
			return working("?" + againParameter + "=" + nonce)
		}
	}
}

// Addresses lists where the listener listens, for tests and for people.
func (l *Listener) Addresses() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []string
	for addr := range l.servers {
		out = append(out, addr)
	}
	slices.Sort(out)
	return out
}
