package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/core/store/sqlite"
)

const accessUser = "user-1"

// accessValid times connection token for a token that is valid, beside a program with the same imports that reads one row and
// unseals it: by the store, and by the bare database. No provider may start.
func (w *world) accessValid(ctx context.Context, runs int) (_ []row, err error) {
	c, stop, err := w.connectedTracker(ctx, "state-access")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	args := c.args("connection", "token", string(c.id))
	if started, err := w.startsProvider(ctx, args...); started || err != nil {
		return nil, errors.Join(err, fmt.Errorf("a provider starts for a token that is valid: %t", started))
	}
	var rows []row
	for _, floor := range []struct {
		name, state string
		args        []string
		aim         float64
	}{
		{"same imports; opens the store, reads and unseals one row", c.state + "-store", []string{"store"}, 1.15},
		{"the same by database/sql alone", c.state + "-bare", nil, 0},
	} {
		// Each has a state of its own, so that none finds what another one leaves.
		if err := os.CopyFS(floor.state, os.DirFS(c.state)); err != nil {
			return nil, err
		}
		got, err := compare(ctx, w.core("`connection token`, valid", args...),
			w.floor(floor.name, "floor-access", append(floor.args, floor.state, string(c.id))...), runs)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row{comparison: got, aim: floor.aim})
	}
	return rows, nil
}

// accessRefreshed times connection token with a refresh at a server that rotates refresh tokens, beside the same by
// golang.org/x/oauth2 in one process with one commit. Before each run the stored token expires, and each must refresh once.
func (w *world) accessRefreshed(ctx context.Context, runs int) (_ row, err error) {
	c, stop, err := w.connectedTracker(ctx, "state-refresh")
	if err != nil {
		return row{}, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	bare, stopBare, err := w.connectedTracker(ctx, "state-refresh-floor")
	if err != nil {
		return row{}, err
	}
	defer func() { err = errors.Join(err, stopBare()) }()
	args := c.args("connection", "token", string(c.id))
	if err := c.expire(ctx); err != nil {
		return row{}, err
	}
	if started, err := w.startsProvider(ctx, args...); !started || err != nil {
		return row{}, errors.Join(err, fmt.Errorf("a provider starts for a refresh: %t", started))
	}
	before, err := c.version(ctx)
	if err != nil {
		return row{}, err
	}
	a := w.core("`connection token`, with a refresh", args...)
	a.prepare = c.expire
	floor := w.floor("the same by golang.org/x/oauth2 in one process, one FULL commit", "floor-access",
		bare.state, string(bare.id), bare.issuer, trackerSource)
	got, err := compare(ctx, a, floor, runs)
	if err != nil {
		return row{}, err
	}
	after, err := c.version(ctx)
	if refreshes := after - before; err == nil && refreshes != int64(runs+1) {
		err = fmt.Errorf("%d runs made %d refreshes", runs+1, refreshes)
	}
	return row{comparison: got}, err
}

// connected is a connection in a state of its own.
type connected struct {
	id                    id.Connection
	state, config, issuer string
}

func (c connected) args(args ...string) []string {
	return append([]string{"--config", c.config, "--state-dir", c.state}, args...)
}

// version counts the credentials that the connection had.
func (c connected) version(ctx context.Context) (version int64, err error) {
	err = c.update(ctx, func(row *store.Connection) { version = row.Version })
	return version, err
}

// expire makes the stored token one that has expired.
func (c connected) expire(ctx context.Context) error {
	return c.update(ctx, func(row *store.Connection) { row.CredentialExpiresAt = time.Now().Add(-time.Minute) })
}

func (c connected) update(ctx context.Context, change func(*store.Connection)) (err error) {
	st, err := sqlite.Open(ctx, sqlite.Options{Dir: c.state})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	return st.Update(ctx, func(tx store.Tx) error {
		row, err := tx.Connection(c.id)
		if err != nil {
			return err
		}
		change(&row)
		return tx.SaveConnection(row)
	})
}

// connectedTracker connects a source with a real authorization server, which runs until stop.
func (w *world) connectedTracker(ctx context.Context, state string) (c connected, stop func() error, err error) {
	issuer, stop, err := w.sandboxServer(ctx)
	if err != nil {
		return c, nil, err
	}
	c = connected{state: filepath.Join(w.dir, state), config: filepath.Join(w.dir, state+".yaml"), issuer: issuer}
	if err = w.connectTracker(ctx, &c); err != nil {
		return c, nil, errors.Join(err, stop())
	}
	return c, stop, nil
}

func (w *world) connectTracker(ctx context.Context, c *connected) error {
	if err := os.WriteFile(c.config, []byte(trackerConfig(c.issuer)), 0o600); err != nil {
		return err
	}
	tokenFile := c.state + ".token"
	if err := w.newToken(ctx, c.state, tokenFile, accessUser); err != nil {
		return err
	}
	env := append([]string{"BROWSER=" + w.path("humanconnect-sandbox") + " consent"}, w.env...)
	if _, err := w.output(ctx, env, w.path("humanconnect"), c.args("open", "--token", "@"+tokenFile, "--connect", trackerSource)...); err != nil {
		return err
	}
	out, err := w.output(ctx, w.env, w.path("humanconnect"), c.args("connection", "list", "--client-user-id", accessUser, "-o", "json")...)
	if err != nil {
		return err
	}
	var listed []struct {
		ID id.Connection
	}
	if err := json.Unmarshal(out, &listed); err != nil || len(listed) != 1 {
		return fmt.Errorf("the connections are %q: %w", out, err)
	}
	c.id = listed[0].ID
	return nil
}

// startsProvider runs humanconnect and says whether its log has the start of a provider.
func (w *world) startsProvider(ctx context.Context, args ...string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, processLimit)
	defer cancel()
	c := exec.CommandContext(ctx, w.path("humanconnect"), append([]string{"--debug"}, args...)...)
	c.Dir, c.Env = w.dir, w.env
	var log bytes.Buffer
	c.Stderr = &log
	if err := c.Run(); err != nil {
		return false, fmt.Errorf("%w\n%s", err, log.Bytes())
	}
	return bytes.Contains(log.Bytes(), []byte(`msg="provider `)), nil
}
