// Package redirect is where browsers come back to from a source: a listener on loopback, the page that says what
// happened, and the links that send a browser off.
//
//	GET /go/NONCE   once: redirects to the address of the source. So that address, which names source and state, is
//	                no argument of the browser's command.
//	GET /callback   the redirect of a source, or whatever path a callback URL of the config has. Parameters that come
//	                in the fragment are sent again as a query by the page.
//
// A redirect that nobody waits for changes nothing, and the page says how to go back.
package redirect

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/session"
	"github.com/humanconnect/humanconnect/core/source"
	"github.com/humanconnect/humanconnect/sdk"
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
	hosts map[string]bool
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
	return &Listener{opt: o, servers: make(map[string]*server), links: make(map[string]string), hosts: make(map[string]bool)}
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
		_, err := l.start(ctx)
		l.allow(own)
		return own, err
	}
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "http" {
		return "", errors.New("the address of an earlier process is not one of this one")
	}
	_, err = l.listen(ctx, u.Host)
	return uri, err
}

// allow lets the host of a callback URL of the config through the check of the Host header.
func (l *Listener) allow(address string) {
	if u, err := url.Parse(address); err == nil {
		l.hosts[strings.ToLower(u.Host)] = true
	}
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
	l.servers[addr], l.hosts[addr] = s, true
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
	var b [nonceSize]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand
	nonce := base64.RawURLEncoding.EncodeToString(b[:])
	l.links[nonce] = address
	return "http://" + addr + goPath + nonce, nil
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
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Cache-Control", "no-store")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("X-Content-Type-Options", "nosniff")
		if !l.knows(r.Host) {
			http.Error(w, "this is not the address of this page", http.StatusMisdirectedRequest)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// knows keeps pages of other sites, which can make a name of theirs resolve to loopback, from talking to us.
func (l *Listener) knows(host string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.hosts[strings.ToLower(host)]
}

// leave sends a browser off.
func (l *Listener) leave(w http.ResponseWriter, r *http.Request) {
	nonce := r.PathValue("nonce")
	l.mu.Lock()
	address, ok := l.links[nonce]
	delete(l.links, nonce)
	l.mu.Unlock()
	if !ok {
		show(w, http.StatusGone, usedLink())
		return
	}
	http.Redirect(w, r, address, http.StatusSeeOther)
}

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
	if !ok {
		show(w, http.StatusOK, empty())
		return
	}
	result, err := l.opt.Engine.Callback(r.Context(), c)
	switch {
	case err != nil:
		show(w, http.StatusInternalServerError, broken())
	case result.Outcome != session.CallbackAccepted:
		show(w, http.StatusBadRequest, stray())
	default:
		show(w, http.StatusOK, l.outcome(r.Context(), result))
	}
}

// outcome waits for what comes of a redirect.
func (l *Listener) outcome(ctx context.Context, result session.CallbackResult) page {
	ctx, cancel := context.WithTimeout(ctx, outcomeTime)
	defer cancel()
	tick := time.NewTicker(outcomePoll)
	defer tick.Stop()
	for {
		moved := l.opt.Engine.Moved()
		p, err := l.opt.Engine.Progress(ctx, result.Attempt)
		if err == nil && p.State != session.AttemptWorking {
			return ended(p)
		}
		select {
		case <-moved:
		case <-tick.C: // another process may be the one that works on it
		case <-ctx.Done():
			return working()
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
