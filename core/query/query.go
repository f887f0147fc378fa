// Package query reads the state for those who list and show it: commands, and whoever else serves the same answers. Each
// function is one read-only transaction that sees one moment. A row that is not there is [store.ErrNotFound].
package query

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/hook"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/internal/problem"
)

// The codes of the problems of rows that are not there; connections have one of their own package.
const (
	CodeSessionNotFound  problem.Code = "session_not_found"
	CodeDeliveryNotFound              = hook.CodeNoDelivery
	CodeEventNotFound    problem.Code = "event_not_found"
)

// Reader is a [store.Store], as far as it is read.
type Reader interface {
	View(ctx context.Context, f func(store.Tx) error) error
}

// read runs f in a transaction and returns what it found.
func read[T any](ctx context.Context, s Reader, f func(store.Tx) (T, error)) (found T, err error) {
	err = s.View(ctx, func(tx store.Tx) (err error) {
		found, err = f(tx)
		return err
	})
	return found, err
}

// SessionView is a session with its user.
type SessionView struct {
	Row  store.Session
	User store.User
}

// Sessions returns sessions, the newest first.
func Sessions(ctx context.Context, s Reader, f store.SessionFilter) ([]store.Session, error) {
	return read(ctx, s, func(tx store.Tx) ([]store.Session, error) { return tx.Sessions(f) })
}

// SessionViews returns the same with their users.
func SessionViews(ctx context.Context, s Reader, f store.SessionFilter) ([]SessionView, error) {
	return read(ctx, s, func(tx store.Tx) ([]SessionView, error) {
		rows, err := tx.Sessions(f)
		views := make([]SessionView, len(rows))
		for i := range rows {
			if err == nil {
				views[i].Row = rows[i]
				views[i].User, err = tx.UserByID(rows[i].User)
			}
		}
		return views, err
	})
}

// Session returns a session and its response document: the stored one of a closed session, byte for byte; of an open one the
// response as it would be now, with status null.
func Session(ctx context.Context, s Reader, ses id.Session, states event.States) (v SessionView, response []byte, err error) {
	response, err = read(ctx, s, func(tx store.Tx) ([]byte, error) {
		if v.Row, err = tx.Session(ses); err != nil {
			return nil, err
		}
		if v.User, err = tx.UserByID(v.Row.User); err != nil || !v.Row.ClosedAt.IsZero() {
			return v.Row.Response, err
		}
		now, err := event.Build(tx, v.Row, "", states)
		return event.JSON(now), err
	})
	return v, response, err
}

// Results returns the response of a session as it is now.
func Results(ctx context.Context, s Reader, ses id.Session, states event.States) (event.Response, error) {
	return read(ctx, s, func(tx store.Tx) (event.Response, error) {
		row, err := tx.Session(ses)
		if err != nil {
			return event.Response{}, err
		}
		return event.Build(tx, row, "", states)
	})
}

// Revocations returns those of a session in the order they were made; none for "".
func Revocations(ctx context.Context, s Reader, ses id.Session) ([]store.Revocation, error) {
	if ses == "" {
		return nil, nil
	}
	return read(ctx, s, func(tx store.Tx) ([]store.Revocation, error) { return tx.RevocationsOf(ses) })
}

// ConnectionView is a connection with what the outside sees of it, its revocation included.
type ConnectionView struct {
	Row  store.Connection
	Seen event.Connection
	User store.User
}

func viewConnection(tx store.Tx, c store.Connection) (ConnectionView, error) {
	seen, err := event.Of(tx, c)
	if err != nil {
		return ConnectionView{}, err
	}
	user, err := tx.UserByID(c.User)
	return ConnectionView{c, seen, user}, err
}

// UserID finds a user by the names that the application uses; false if there is none.
func UserID(ctx context.Context, s Reader, clientID, clientUserID string) (id.Human, bool, error) {
	user, err := read(ctx, s, func(tx store.Tx) (store.User, error) { return tx.User(clientID, clientUserID) })
	if errors.Is(err, store.ErrNotFound) {
		return "", false, nil
	}
	return user.HumanID, err == nil, err
}

// Connections returns the connections that a filter selects, by the time they were made.
func Connections(ctx context.Context, s Reader, f store.ConnectionFilter) ([]ConnectionView, error) {
	return read(ctx, s, func(tx store.Tx) (views []ConnectionView, err error) {
		list, err := tx.ListConnections(f)
		if err != nil {
			return nil, err
		}
		for _, c := range list {
			v, err := viewConnection(tx, c)
			if err != nil {
				return nil, err
			}
			views = append(views, v)
		}
		return views, nil
	})
}

// Connection returns a connection, a disconnected one included.
func Connection(ctx context.Context, s Reader, con id.Connection) (ConnectionView, error) {
	return read(ctx, s, func(tx store.Tx) (ConnectionView, error) {
		row, err := tx.Connection(con)
		if err != nil {
			return ConnectionView{}, err
		}
		return viewConnection(tx, row)
	})
}

// NewestConnections returns ids of connections that are not disconnected, by the newest events that tell of them; limit is
// how many events are read.
func NewestConnections(ctx context.Context, s Reader, limit int) ([]id.Connection, error) {
	return read(ctx, s, func(tx store.Tx) (out []id.Connection, err error) {
		events, err := tx.Events(store.EventFilter{Type: string(event.SourceConnected), Limit: limit})
		for _, e := range events {
			var ev event.Event
			if json.Unmarshal(e.Body, &ev) != nil || ev.Source == nil {
				continue
			}
			con := ev.Source.ConnectionID
			row, err := tx.Connection(con)
			if err == nil && row.State != store.ConnectionDisconnected && !slices.Contains(out, con) {
				out = append(out, con)
			}
		}
		return out, err
	})
}

// Events returns events, the newest first.
func Events(ctx context.Context, s Reader, f store.EventFilter) ([]store.Event, error) {
	return read(ctx, s, func(tx store.Tx) ([]store.Event, error) { return tx.Events(f) })
}

// Event returns an event with its body.
func Event(ctx context.Context, s Reader, evt id.Event) (store.Event, error) {
	return read(ctx, s, func(tx store.Tx) (store.Event, error) { return tx.Event(evt) })
}

// Deliveries returns deliveries, the newest first.
func Deliveries(ctx context.Context, s Reader, f store.DeliveryFilter) ([]store.Delivery, error) {
	return read(ctx, s, func(tx store.Tx) ([]store.Delivery, error) { return tx.Deliveries(f) })
}

// DeliveryView is a delivery with the type of its event, and its hook where that is known.
type DeliveryView struct {
	Row  store.Delivery
	Type string
	// Hook is nil for one that the config does not name any more.
	Hook *hook.Hook
}

// Delivery returns a delivery. hooks are those of the config.
func Delivery(ctx context.Context, s Reader, dlv id.Delivery, hooks []hook.Hook) (DeliveryView, error) {
	return read(ctx, s, func(tx store.Tx) (v DeliveryView, err error) {
		if v.Row, err = tx.Delivery(dlv); err != nil {
			return v, err
		}
		e, err := tx.Event(v.Row.Event)
		if err != nil {
			return v, err
		}
		v.Type = e.Type
		h, found, err := hook.Find(tx, v.Row.Hook, hooks)
		if found {
			v.Hook = &h
		}
		return v, err
	})
}

// HookView is a hook of the config with what the state knows of it.
type HookView struct {
	Hook          hook.Hook
	Pending, Dead int
	// Disabled is set while the hook is disabled.
	Disabled *store.DisabledHook
	// PausedUntil is set while the hook is left alone, because it hangs.
	PausedUntil time.Time
}

// HookViews are the hooks of the config, and the pending deliveries to hooks that the config does not name.
type HookViews struct {
	Hooks         []HookView
	NotConfigured []store.DeliveryCount
}

// Hooks returns what the state knows of hooks; mac is the store's.
func Hooks(ctx context.Context, s Reader, mac func(purpose string, data ...[]byte) []byte, hooks []hook.Hook) (HookViews, error) {
	return read(ctx, s, func(tx store.Tx) (views HookViews, err error) {
		if views.NotConfigured, err = notConfigured(tx, hooks); err != nil {
			return views, err
		}
		for _, h := range hooks {
			v := HookView{Hook: h}
			if v.Pending, err = tx.CountUpTo(store.DeliveryFilter{Target: h.Name, State: store.DeliveryPending}, MostCounted); err != nil {
				return views, err
			}
			if v.Dead, err = tx.CountUpTo(store.DeliveryFilter{Hook: h.Name, State: store.DeliveryDead}, MostCounted); err != nil {
				return views, err
			}
			row, disabled, err := hook.FindDisabled(tx, mac, h)
			if err != nil {
				return views, err
			}
			if disabled {
				v.Disabled = &row
			}
			pause, _, err := hook.FindPause(tx, mac, h)
			if err != nil {
				return views, err
			}
			v.PausedUntil = pause.Until
			views.Hooks = append(views.Hooks, v)
		}
		return views, nil
	})
}

// MostCounted is how far rows are counted: it stands for as many or more.
const MostCounted = 10_000

// Number writes a number that was counted up to [MostCounted].
func Number(n int) string {
	if n >= MostCounted {
		return fmt.Sprintf("%d or more", MostCounted)
	}
	return strconv.Itoa(n)
}

// notConfigured counts the pending deliveries to hooks that are not in the config, but for those of flags.
func notConfigured(tx store.Tx, hooks []hook.Hook) ([]store.DeliveryCount, error) {
	var out []store.DeliveryCount
	err := eachTarget(tx, func(target string) error {
		if hook.IsOfFlags(target) || slices.ContainsFunc(hooks, func(h hook.Hook) bool { return h.Name == target }) {
			return nil
		}
		n, err := tx.CountUpTo(store.DeliveryFilter{Target: target, State: store.DeliveryPending}, MostCounted)
		out = append(out, store.DeliveryCount{Hook: target, State: store.DeliveryPending, N: n})
		return err
	})
	return out, err
}

// mostTargets is how many targets of pending deliveries are looked at. Only flags have so many.
const mostTargets = 1_000

func eachTarget(tx store.Tx, f func(target string) error) error {
	after := ""
	for range mostTargets {
		next, err := tx.NextTarget(after)
		if err != nil || next == "" {
			return err
		}
		if err := f(next); err != nil {
			return err
		}
		after = next
	}
	return nil
}

// Orphans counts the connections and pending revocations of providers that are not installed, by provider. Nothing refreshes,
// checks or revokes them.
func Orphans(ctx context.Context, s Reader, installed []string) ([]store.ProviderCount, error) {
	return read(ctx, s, func(tx store.Tx) ([]store.ProviderCount, error) {
		counts, err := tx.CountByProvider(MostCounted)
		return slices.DeleteFunc(counts, func(c store.ProviderCount) bool { return slices.Contains(installed, c.Provider) }), err
	})
}

// DeadDeliveries counts the deliveries that are dead, up to [MostCounted].
func DeadDeliveries(ctx context.Context, s Reader) (int, error) {
	return read(ctx, s, func(tx store.Tx) (int, error) {
		return tx.CountUpTo(store.DeliveryFilter{State: store.DeliveryDead}, MostCounted)
	})
}

// Waiting are pending deliveries that nobody brings here: to a hook that the config does not name, or to commands of flags of
// another user or host.
type Waiting struct {
	// Hook of the config; "" for the flags of UID on Host.
	Hook string
	UID  int
	Host string
	N    int
}

// NotHere returns the pending deliveries that a process with these hooks, of this user on this host, does not bring, as far as
// they are counted.
func NotHere(ctx context.Context, s Reader, hooks []hook.Hook, uid int, host string) ([]Waiting, error) {
	return read(ctx, s, func(tx store.Tx) (out []Waiting, err error) {
		unknown, err := notConfigured(tx, hooks)
		if err != nil {
			return nil, err
		}
		for _, c := range unknown {
			out = append(out, Waiting{Hook: c.Hook, N: c.N})
		}
		return out, eachTarget(tx, func(target string) error {
			if !hook.IsOfFlags(target) {
				return nil
			}
			return othersFlags(tx, target, uid, host, &out)
		})
	})
}

// mostOfTarget is how many deliveries to one command of flags are looked at.
const mostOfTarget = 1_000

// othersFlags counts the deliveries to commands of flags that are another user's or host's.
func othersFlags(tx store.Tx, target string, uid int, host string, out *[]Waiting) error {
	f := store.DeliveryFilter{Target: target, State: store.DeliveryPending, Limit: 1}
	rows, err := tx.Deliveries(f)
	if err != nil || len(rows) == 0 {
		return err
	}
	first, _, err := hook.Find(tx, rows[0].Hook, nil)
	if err == nil && first.Kind() == hook.KindHTTP { // all of them are
		return nil
	}
	f.Limit = mostOfTarget
	if rows, err = tx.Deliveries(f); err != nil {
		return err
	}
	for _, d := range rows {
		h, _, err := hook.Find(tx, d.Hook, nil)
		switch {
		case errors.Is(err, store.ErrDamaged):
		case err != nil:
			return err
		case !h.RunsHere(uid, host):
			at := slices.IndexFunc(*out, func(w Waiting) bool { return w.Hook == "" && w.UID == h.UID && w.Host == h.Host })
			if at < 0 {
				at, *out = len(*out), append(*out, Waiting{UID: h.UID, Host: h.Host})
			}
			(*out)[at].N++
		}
	}
	return nil
}

// DeliveriesOf returns those of a list that are still there, in its order.
func DeliveriesOf(ctx context.Context, s Reader, ids []id.Delivery) ([]store.Delivery, error) {
	return read(ctx, s, func(tx store.Tx) (rows []store.Delivery, err error) {
		for _, dlv := range ids {
			row, err := tx.Delivery(dlv)
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return nil, err
			}
			if err == nil {
				rows = append(rows, row)
			}
		}
		return rows, nil
	})
}
