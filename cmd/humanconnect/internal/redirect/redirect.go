// Package redirect is the redirect endpoint of OAuth for native apps (RFC 8252 §7.3): a listener on loopback, the page that
// shows the result, and links that send a browser to a source.
//
//	GET /go/NONCE   once, and only for a socket of this user where the system tells it: redirects to the authorization URL
//	                of the source. So that URL, which names source and state, is not an argument of the browser's command.
//	GET /callback   the authorization response of a source, or the path of the callback URL in the config. The page
//	                sends parameters in the fragment again as a query, and removes all of them from its URL once they
//	                are received.
//
// A redirect that matches no pending authorization changes nothing. Nor does a request without a user: HEAD, and prefetches
// of a browser.
package redirect

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"syscall"
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
	// outcomeTime is how long a request waits for the outcome of a redirect.
	outcomeTime = 20 * time.Second
	// outcomePoll is how often it looks whether another process has come to one; of this process it is told.
	outcomePoll = time.Second
	// closeTime limits how long Close waits for open requests.
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
	// URL is the public redirect URI, if it differs from the address of the listener.
	URL string
	// Engine takes the redirects. It may be set before the first Bind.
	Engine Engine
}

// Listener listens for redirects. It implements session.Redirects and is safe for concurrent use. Close it.
type Listener struct {
	opt Options

	mu      sync.Mutex
	servers map[string]*server
	// primary is the address for new attempts.
	primary string
	links   map[string]string
	// awaited are the results that a page asks for again, by nonce.
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
		return "", errors.New("this process cannot listen at the redirect URI of an earlier one")
	}
	_, err = l.listen(ctx, u.Host)
	return uri, err
}

// listenFor listens for the redirects of a callback URL of the config. It listens at the URL itself if that is a loopback
// address with a port, unless the config sets another port to listen at: then a proxy is in front.
func (l *Listener) listenFor(ctx context.Context, own string) error {
	u, err := url.Parse(own)
	if err != nil {
		return fmt.Errorf("the callback URL: %w", err)
	}
	_, port, err := net.SplitHostPort(l.opt.Listen)
	free := err == nil && (port == "" || port == "0")
	if free && u.Scheme == "http" && u.Port() != "" && loopback.Host(u.Hostname()) {
		addr, err := l.listen(ctx, net.JoinHostPort(u.Hostname(), u.Port()))
		if l.primary == "" {
			l.primary = addr
		}
		return err
	}
	_, err = l.start(ctx)
	return err
}

// allow accepts the host of a callback URL of the config in the Host header.
func (l *Listener) allow(address string) {
	if u, err := url.Parse(address); err == nil {
		l.hosts[hostOf(u.Host)] = true
	}
}

// hostOf is a Host header without the default port of its scheme (RFC 9110 §4.2.3), which a browser omits.
func hostOf(host string) string {
	host = strings.ToLower(host)
	if name, port, err := net.SplitHostPort(host); err == nil && (port == "80" || port == "443") {
		return name
	}
	return host
}

// start listens at the address for new attempts.
func (l *Listener) start(ctx context.Context) (string, error) {
	if l.primary != "" {
		return l.primary, nil
	}
	addr, err := l.listen(ctx, l.opt.Listen)
	if err == nil {
		l.primary = addr
	}
	return addr, err
}

// listen listens at an address of a host and a port, and returns it. The name of loopback means both of its addresses: a
// browser may use either.
func (l *Listener) listen(ctx context.Context, at string) (string, error) {
	if _, ok := l.servers[at]; ok {
		return at, nil
	}
	host, port, err := net.SplitHostPort(at)
	if _, isAddress := netip.ParseAddr(host); err != nil || isAddress == nil || !loopback.Host(host) {
		return l.listenAt(ctx, at)
	}
	addr, err := l.listenAt(ctx, net.JoinHostPort(loopbackIPv4, port))
	if err != nil && !lacksAddress(err) {
		return "", err
	}
	if addr != "" {
		_, port, _ = net.SplitHostPort(addr) // the port that was free
	}
	other, otherErr := l.listenAt(ctx, net.JoinHostPort(loopbackIPv6, port))
	switch {
	case otherErr == nil && addr == "":
		return other, nil
	case addr == "" || otherErr != nil && !lacksAddress(otherErr):
		return "", otherErr
	}
	return addr, nil
}

// The addresses of loopback (RFC 6761 §6.3).
const (
	loopbackIPv4 = "127.0.0.1"
	loopbackIPv6 = "::1"
)

// lacksAddress says whether the system has no address of the kind to listen at, so that no browser can use it either.
func lacksAddress(err error) bool {
	return errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.EAFNOSUPPORT) || errors.Is(err, syscall.EPROTONOSUPPORT)
}

// listenAt listens at one address, and returns it with its port.
func (l *Listener) listenAt(ctx context.Context, addr string) (string, error) {
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
			IdleTimeout: requestTime, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError), // its lines would be over the screens
		},
	}
	l.servers[addr], l.hosts[hostOf(addr)] = s, true
	go func() {
		defer close(s.done)
		_ = s.http.Serve(ln) // it ends with Close
	}()
	return addr, nil
}

// Link returns a URL of this listener that redirects to the given one, once.
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

// Close stops listening. Open requests get a moment to finish.
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
	mux.HandleFunc("GET "+goPath+"{nonce}", l.followLink)
	mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("GET /", l.receive)
	mux.HandleFunc("POST /", l.receive)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { show(w, http.StatusMethodNotAllowed, notPending()) })
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Cache-Control", "no-store")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("X-Content-Type-Options", "nosniff")
		switch {
		case !l.hasHost(r.Host):
			show(w, http.StatusMisdirectedRequest, wrongHost())
		case r.Method == http.MethodHead:
			header.Set("Content-Type", "text/html; charset=utf-8")
		case isPrefetch(r.Header):
			w.WriteHeader(http.StatusServiceUnavailable)
		default:
			mux.ServeHTTP(w, r)
		}
	})
}

// isPrefetch says whether a browser loads a page in advance, or for a picture of it (Fetch standard, Sec-Purpose; the others
// are older names of it).
func isPrefetch(h http.Header) bool {
	for _, name := range []string{"Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"} {
		purpose := strings.ToLower(strings.Join(h.Values(name), ","))
		for _, word := range []string{"prefetch", "preview", "prerender", "preload", "instant"} {
			if strings.Contains(purpose, word) {
				return true
			}
		}
	}
	return false
}

// hasHost protects from DNS rebinding: it refuses host names that are not those of the listener.
func (l *Listener) hasHost(host string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.hosts[hostOf(host)]
}

// followLink redirects a browser to a source. A callback URL of the config may have a path like that of a link.
func (l *Listener) followLink(w http.ResponseWriter, r *http.Request) {
	nonce := r.PathValue("nonce")
	ours := isOurs(r)
	l.mu.Lock()
	address, ok := l.links[nonce]
	if ours {
		delete(l.links, nonce)
	}
	l.mu.Unlock()
	switch {
	case ok && !ours:
		show(w, http.StatusForbidden, notYourLink())
	case ok:
		http.Redirect(w, r, address, http.StatusSeeOther)
	case r.URL.RawQuery != "":
		l.receive(w, r)
	default:
		show(w, http.StatusGone, usedLink())
	}
}

// The parameters of requests by a page of ours.
const (
	againParameter = "humanconnect-again"
	doneParameter  = "humanconnect-done"
)

// receive processes an authorization response.
func (l *Listener) receive(w http.ResponseWriter, r *http.Request) {
	raw := r.URL.RawQuery
	if r.Method == http.MethodPost { // OAuth 2.0 Form Post Response Mode
		r.Body = http.MaxBytesReader(w, r.Body, maxRequest)
		if err := r.ParseForm(); err != nil {
			show(w, http.StatusBadRequest, notPending())
			return
		}
		raw = r.PostForm.Encode()
	}
	c, ok := session.ParseRedirect("http://" + r.Host + "/?" + raw)
	switch {
	case !ok:
		show(w, http.StatusOK, withoutState())
		return
	case c.Get(doneParameter) != "":
		show(w, http.StatusOK, alreadyReceived())
		return
	case c.Get(againParameter) != "":
		l.again(w, r, c.Get(againParameter))
		return
	case c.Get("state") == "": // it may be in the fragment
		p := withoutState()
		show(w, http.StatusBadRequest, p)
		return
	}
	result, err := l.opt.Engine.Callback(r.Context(), c)
	switch {
	case err != nil:
		show(w, http.StatusInternalServerError, notStored())
	case result.Outcome != session.CallbackAccepted:
		show(w, http.StatusBadRequest, notPending())
	default:
		show(w, http.StatusOK, l.outcome(r.Context(), result, newNonce()))
	}
}

// again answers a page that asks for its outcome again.
func (l *Listener) again(w http.ResponseWriter, r *http.Request, nonce string) {
	l.mu.Lock()
	result, ok := l.awaited[nonce]
	l.mu.Unlock()
	if !ok {
		show(w, http.StatusOK, alreadyReceived())
		return
	}
	show(w, http.StatusOK, l.outcome(r.Context(), result, nonce))
}

// outcome waits for the outcome of a redirect. After outcomeTime the page asks again by its nonce.
func (l *Listener) outcome(ctx context.Context, result session.CallbackResult, nonce string) page {
	ctx, cancel := context.WithTimeout(ctx, outcomeTime)
	defer cancel()
	tick := time.NewTicker(outcomePoll)
	defer tick.Stop()
	for {
		moved := l.opt.Engine.Moved()
		p, err := l.opt.Engine.Progress(ctx, result.Attempt)
		if err == nil && p.State != session.AttemptWorking {
			return withoutQuery(resultPage(p))
		}
		select {
		case <-moved:
		case <-tick.C: // another process may work on it
		case <-ctx.Done():
			l.mu.Lock()
			l.awaited[nonce] = result
			l.mu.Unlock()
			return working("?" + againParameter + "=" + nonce)
		}
	}
}

// Addresses lists the addresses of the listener.
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
