package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"github.com/humanconnect/humanconnect/core/clock"
	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/hook"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/process"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/core/store/sqlite"
	"github.com/humanconnect/humanconnect/sdk"
)

// arrival is an event that a receiver got.
type arrival struct {
	at   time.Time
	body []byte
}

// inbox is a receiver at a URL.
type inbox struct {
	url     string
	arrived chan arrival
	server  *http.Server
	served  chan struct{}
}

func newInbox(ctx context.Context) (*inbox, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	in := &inbox{url: "http://" + listener.Addr().String(), arrived: make(chan arrival, 1), served: make(chan struct{})}
	in.server = &http.Server{ReadHeaderTimeout: processLimit, Handler: in}
	go func() {
		defer close(in.served)
		_ = in.server.Serve(listener) // ends with close
	}()
	return in, nil
}

// ServeHTTP implements [http.Handler].
func (in *inbox) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	at := time.Now()
	var body bytes.Buffer
	_, _ = body.ReadFrom(r.Body) // a body that is cut is no JSON
	in.arrived <- arrival{at, body.Bytes()}
}

func (in *inbox) close() {
	_ = in.server.Close()
	<-in.served
}

// next waits for an event.
func (in *inbox) next(ctx context.Context) (arrival, error) {
	ctx, cancel := context.WithTimeout(ctx, processLimit)
	defer cancel()
	select {
	case got := <-in.arrived:
		return got, nil
	case <-ctx.Done():
		return arrival{}, fmt.Errorf("waiting for an event: %w", ctx.Err())
	}
}

// floor posts bytes from this process.
func (in *inbox) floor(body *[]byte) action {
	return action{name: "a post of the same bytes", run: func(ctx context.Context) (sample, error) {
		began := time.Now()
		if err := post(ctx, in.url, *body); err != nil {
			return sample{}, err
		}
		got, err := in.next(ctx)
		return sample{wall: got.at.Sub(began)}, err
	}}
}

// hookInOpen times an event from its timestamp, which is taken before the transaction of the change begins, to the
// receiver at a URL, in whole runs of open. The timestamp is cut to milliseconds, so that up to one is added.
func (w *world) hookInOpen(ctx context.Context, runs int) (row, error) {
	in, err := newInbox(ctx)
	if err != nil {
		return row{}, err
	}
	defer in.close()
	a := w.open("`open`: from the timestamp of an event to the receiver", "state-hook", 0)
	body := []byte("{}")
	a.run = func(ctx context.Context) (sample, error) {
		if _, err := w.output(ctx, w.env, w.path("humanconnect"), "--config", "none", "--state-dir", filepath.Join(w.dir, "state-hook"),
			"open", "--token", "@"+filepath.Join(w.dir, "state-hook.token"), "--connect", "sandbox-instant", "--on-connect-source", in.url); err != nil {
			return sample{}, err
		}
		got, err := in.next(ctx)
		if err != nil {
			return sample{}, err
		}
		body = got.body
		return sinceTimestamp(got)
	}
	c, err := compare(ctx, a, in.floor(&body), runs)
	return row{comparison: c}, err
}

// hookAfterCommit times an event from its commit to the receiver, with the dispatcher as open runs it.
func (w *world) hookAfterCommit(ctx context.Context, runs int) (_ row, err error) {
	in, err := newInbox(ctx)
	if err != nil {
		return row{}, err
	}
	defer in.close()
	dir := filepath.Join(w.dir, "state-dispatch")
	st, err := sqlite.Open(ctx, sqlite.Options{Dir: dir})
	if err != nil {
		return row{}, err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	self, err := process.Register(dir)
	if err != nil {
		return row{}, err
	}
	defer func() { err = errors.Join(err, self.Close()) }()
	h := hook.Hook{Name: "app", On: event.Ons(), URL: in.url}
	secret := func(ctx context.Context) (sdk.Secret, error) { return hook.DefaultSecret(ctx, st, time.Now()) }
	d := hook.New(hook.Options{
		Store: st, Hooks: hook.Fixed{h}, Liveness: self, Clock: clock.System(),
		Sender: hook.HTTP{Clock: clock.System(), Version: "bench", Default: secret},
	})
	running, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- d.Run(running, hook.Scope{}) }()
	defer func() {
		stop()
		err = errors.Join(err, <-ended)
	}()
	body := []byte("{}")
	a := action{name: "commit to receiver of an HTTP hook (aim: median under 10 ms)", run: func(ctx context.Context) (sample, error) {
		committed, err := recordOne(ctx, st, h)
		if err != nil {
			return sample{}, err
		}
		d.Wake()
		got, err := in.next(ctx)
		body = got.body
		return sample{wall: got.at.Sub(committed)}, err
	}}
	c, err := compare(ctx, a, in.floor(&body), runs)
	return row{comparison: c}, err
}

// recordOne commits an event and says when.
func recordOne(ctx context.Context, st store.Store, h hook.Hook) (time.Time, error) {
	at := clock.System().Now()
	e := event.Event{
		Type: event.SessionClosed, ID: id.New[id.Event](), Sequence: 1, Timestamp: event.Time(at), Response: event.Empty(event.Success),
	}
	err := st.Update(ctx, func(tx store.Tx) error { return hook.Record(tx, e, "", at, []hook.Hook{h}, nil) })
	return time.Now(), err
}

func sinceTimestamp(got arrival) (sample, error) {
	var e struct{ Timestamp time.Time }
	if err := json.Unmarshal(got.body, &e); err != nil {
		return sample{}, fmt.Errorf("reading an event: %w", err)
	}
	return sample{wall: got.at.Sub(e.Timestamp)}, nil
}

// post sends on a connection of its own, as a hook does.
func post(ctx context.Context, url string, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, processLimit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	t := &http.Transport{DisableKeepAlives: true}
	res, err := t.RoundTrip(req)
	if err != nil {
		return err
	}
	return res.Body.Close()
}
