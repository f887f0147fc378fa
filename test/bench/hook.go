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
)

// arrival is an event that a receiver got.
type arrival struct {
	at   time.Time
	body []byte
}

// hookLatency times an event from its commit in `open`, which is its timestamp, to the receiver at a URL; beside it, a
// post of the same bytes from this process. The timestamp is cut to milliseconds, so that up to one is added.
func (w *world) hookLatency(ctx context.Context, runs int) (_ row, err error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return row{}, err
	}
	arrived := make(chan arrival, 1)
	server := &http.Server{ReadHeaderTimeout: processLimit, Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		at := time.Now()
		var body bytes.Buffer
		_, _ = body.ReadFrom(r.Body) // a body that is cut is no JSON
		arrived <- arrival{at, body.Bytes()}
	})}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	defer func() {
		err = errors.Join(err, server.Close())
		<-served
	}()
	url := "http://" + listener.Addr().String()
	a := w.open("", "state-hook", 0)
	a.name = "commit to receiver of an HTTP hook in `open` (aim: median under 10 ms)"
	token := filepath.Join(w.dir, "state-hook.token")
	last := []byte("{}")
	a.run = func(ctx context.Context) (sample, error) {
		if _, err := w.output(ctx, w.env, w.path("humanconnect"), "--config", "none", "--state-dir", filepath.Join(w.dir, "state-hook"),
			"open", "--token", "@"+token, "--connect", "sandbox-instant", "--on-connect-source", url); err != nil {
			return sample{}, err
		}
		got := <-arrived
		last = got.body
		return sinceCommit(got)
	}
	floor := action{name: "a post of the same bytes", run: func(ctx context.Context) (sample, error) {
		began := time.Now()
		if err := post(ctx, url, last); err != nil {
			return sample{}, err
		}
		return sample{wall: (<-arrived).at.Sub(began)}, nil
	}}
	c, err := compare(ctx, a, floor, runs)
	return row{c, 0}, err
}

func sinceCommit(got arrival) (sample, error) {
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
