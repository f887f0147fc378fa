package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/hook"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/core/store/sqlite"
)

const (
	// peerWorkers is how many jobs the peer works on at once: as many tries of a hook run at once by default.
	peerWorkers = hook.DefaultConcurrency
	// peerFetch is the shortest time between two fetches of the peer that it takes, with which it is the fastest.
	peerFetch = time.Millisecond
	// slowReceiver is how long a receiver takes that is slow.
	slowReceiver = 20 * time.Millisecond
	// backlogLimit bounds one delivery of a whole backlog.
	backlogLimit = 10 * time.Minute
)

// backlog is a number of deliveries that are due to one hook, whose receiver takes so long.
type backlog struct {
	n     int
	takes time.Duration
	// most bounds the pairs of the row, besides the one that warms up.
	most int
}

// backlogs are those that a run measures. The largest takes minutes.
func backlogs() []backlog {
	return []backlog{{2_000, 0, 10}, {20_000, 0, 5}, {100_000, 0, 1}, {2_000, slowReceiver, 5}}
}

// backlogRows time "delivery run" with deliveries that are due to one hook, after an outage, beside as many jobs of River on SQLite
// that post the same bytes to the same receiver. The time of a sample is that of one delivery. A receiver that takes its time
// bounds both: no more than so many at once, each as long as it takes.
func (w *world) backlogRows(ctx context.Context, runs int) ([]row, error) {
	river := w.path("river")
	if err := buildPeer(ctx, river, "./river"); err != nil {
		return nil, err
	}
	var rows []row
	for _, b := range backlogs() {
		r, err := w.backlogRow(ctx, b, river, min(runs, b.most))
		if err != nil {
			return rows, err
		}
		rows = append(rows, r)
	}
	return rows, nil
}

func (w *world) backlogRow(ctx context.Context, b backlog, river string, runs int) (_ row, err error) {
	in, err := newSink(ctx, b.takes)
	if err != nil {
		return row{}, err
	}
	defer in.close()
	dir := filepath.Join(w.dir, "state-backlog")
	config, body := filepath.Join(w.dir, "backlog.yaml"), filepath.Join(w.dir, "backlog.json")
	text := fmt.Sprintf("version: 1\nhooks:\n  - name: app\n    on: [onClose]\n    url: %s\n    secret: {file: backlog.secret}\n", in.url)
	if err := errors.Join(os.WriteFile(config, []byte(text), 0o600), os.WriteFile(filepath.Join(w.dir, "backlog.secret"), []byte(hook.NewSecret()), 0o600)); err != nil {
		return row{}, err
	}
	var sent []byte
	ours := action{
		name: fmt.Sprintf("`delivery run` with %d due to one hook%s, each", b.n, b.slow()),
		prepare: func(ctx context.Context) (err error) {
			if err := os.RemoveAll(dir); err != nil {
				return err
			}
			sent, err = fillBacklog(ctx, dir, b.n)
			in.got.Store(0)
			return err
		},
		run: func(ctx context.Context) (sample, error) {
			began := time.Now()
			_, err := w.longOutput(ctx, w.path("humanconnect"), "--config", config, "--state-dir", dir, "delivery", "run", "--timeout", backlogLimit.String())
			return in.each(began, b.n, err)
		},
	}
	peer := action{
		name: fmt.Sprintf("River on SQLite, %d workers, a fetch each %s at most, each", peerWorkers, peerFetch),
		prepare: func(context.Context) error {
			in.got.Store(0)
			database, err := filepath.Glob(filepath.Join(w.dir, "river.db*"))
			for _, file := range database {
				err = errors.Join(err, os.Remove(file))
			}
			return errors.Join(err, os.WriteFile(body, sent, 0o600))
		},
		run: func(ctx context.Context) (sample, error) {
			out, err := w.longOutput(ctx, river, filepath.Join(w.dir, "river.db"), in.url, body, strconv.Itoa(b.n), strconv.Itoa(peerWorkers), peerFetch.String())
			if err != nil {
				return sample{}, err
			}
			took, err := strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
			if _, missing := in.each(time.Now(), b.n, err); missing != nil {
				return sample{}, missing
			}
			return sample{wall: time.Duration(took) / time.Duration(b.n)}, nil
		},
	}
	c, err := compare(ctx, ours, peer, runs)
	r := row{comparison: c, aim: 1 / 1.5, rate: true}
	if b.takes > 0 {
		r.aim = 1
	}
	return r, err
}

func (b backlog) slow() string {
	if b.takes == 0 {
		return ""
	}
	return fmt.Sprintf(" whose receiver takes %s (at best %s)", b.takes, b.takes/peerWorkers)
}

// fillBacklog makes a state with deliveries that are due, each of a session of its own, and returns the body of the last.
func fillBacklog(ctx context.Context, dir string, n int) (body []byte, err error) {
	st, err := sqlite.Open(ctx, sqlite.Options{Dir: dir})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	const batch = 500
	for from := 0; from < n; from += batch {
		if err := st.Update(ctx, func(tx store.Tx) (err error) {
			for i := from; i < min(from+batch, n) && err == nil; i++ {
				body, err = recordClosed(tx, i)
			}
			return err
		}); err != nil {
			return nil, err
		}
	}
	return body, nil
}

// recordClosed makes a session that was closed, with its event.
func recordClosed(tx store.Tx, i int) ([]byte, error) {
	user, err := store.EnsureUser(tx, "bench", fmt.Sprintf("user-%d", i))
	if err != nil {
		return nil, err
	}
	now := time.Now().UTC().Truncate(time.Millisecond)
	session := store.Session{
		ID: id.New[id.Session](), User: user.HumanID, OpenedAt: now, EndsAt: now, EndReason: store.EndExpired, Owner: "prc_bench", Epoch: 1, ClosedAt: now,
	}
	session.TokenKey = []byte(session.ID)
	if err := tx.InsertSession(session); err != nil {
		return nil, err
	}
	response := event.Empty(event.Success)
	response.SessionID, response.HumanID = &session.ID, &user.HumanID
	response.SessionResults.ConnectedSources = []event.Connection{{ID: "sandbox-instant", Name: "Sandbox Instant"}}
	e := event.Event{Type: event.SessionClosed, ID: id.New[id.Event](), Sequence: 1, Timestamp: event.Time(now), Response: response}
	return event.JSON(e), hook.Record(tx, e, session.ID, now, []hook.Hook{{Name: "app", On: event.Ons()}}, nil)
}

// sink is a receiver that takes its time, and counts.
type sink struct {
	url    string
	takes  time.Duration
	got    atomic.Int64
	server *http.Server
	served chan struct{}
}

func newSink(ctx context.Context, takes time.Duration) (*sink, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	in := &sink{url: "http://" + listener.Addr().String(), takes: takes, served: make(chan struct{})}
	in.server = &http.Server{ReadHeaderTimeout: processLimit, Handler: in}
	go func() {
		defer close(in.served)
		_ = in.server.Serve(listener) // ends with close
	}()
	return in, nil
}

// ServeHTTP implements [http.Handler].
func (in *sink) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	if in.takes > 0 {
		answer := time.NewTimer(in.takes)
		defer answer.Stop()
		select {
		case <-answer.C:
		case <-r.Context().Done():
			return
		}
	}
	in.got.Add(1)
}

func (in *sink) close() {
	_ = in.server.Close()
	<-in.served
}

// each is what one of so many took, if all have come.
func (in *sink) each(began time.Time, n int, err error) (sample, error) {
	took := time.Since(began)
	if got := in.got.Load(); err == nil && got < int64(n) {
		err = fmt.Errorf("%d of %d came", got, n)
	}
	return sample{wall: took / time.Duration(n)}, err
}

// longOutput is output for what may take minutes.
func (w *world) longOutput(ctx context.Context, path string, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, backlogLimit)
	defer cancel()
	c := exec.CommandContext(ctx, path, args...)
	c.Dir, c.Env = w.dir, w.env
	var said capped
	c.Stderr = &said
	out, err := c.Output()
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, said.text)
	}
	return out, nil
}

// buildPeer builds a program of the module of third-party programs.
func buildPeer(ctx context.Context, out, pkg string) error {
	ctx, cancel := context.WithTimeout(ctx, buildLimit)
	defer cancel()
	c := exec.CommandContext(ctx, "go", "build", "-o", out, pkg)
	c.Dir, c.Env = filepath.Join("test", "peers"), append(os.Environ(), "CGO_ENABLED=0")
	if said, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("go build %s: %w\n%s", pkg, err, said)
	}
	return nil
}
