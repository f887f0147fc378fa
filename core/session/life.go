package session

import (
	"time"

	"github.com/humanconnect/humanconnect/core/connection"
	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/hook"
	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/store"
)

// Refresher keeps the credentials of connections valid, and gives them out. There is one for the whole process.
func (e *Engine) Refresher() *connection.Refresher { return e.refresher }

// States says in which states connections are now.
func (e *Engine) States() event.States { return e.states(e.o.Clock.Now()) }

func (e *Engine) states(now time.Time) event.States {
	w := connection.Window{Now: now, Expiring: e.o.Expiring}
	return func(c store.Connection) string { return string(connection.StateOf(c, w)) }
}

// recordNeedsReconnect writes the event of a connection that has come to need a reconnect, for the hooks of the config.
func (e *Engine) recordNeedsReconnect(tx store.Tx, c store.Connection) error {
	now := e.o.Clock.Now()
	resp, err := event.BuildOutside(tx, c, "", e.states(now))
	if err != nil {
		return err
	}
	changed, err := event.Of(tx, c)
	if err != nil {
		return err
	}
	told := id.New[id.Event]()
	e.fellMu.Lock()
	e.fell = append(e.fell, told)
	e.fellMu.Unlock()
	return hook.Record(tx, event.Event{
		Type: event.ConnectionNeedsReconnect, ID: told, Sequence: 1, Timestamp: event.Time(now),
		Source: &changed, ConnectionID: c.ID, Reason: c.Reason, Response: resp,
	}, "", now, e.o.Hooks, nil)
}

// Fell returns the events of the connections that this process has found to need a reconnect since it was called last. Some of
// them may not be there: those of transactions that were made again.
func (e *Engine) Fell() []id.Event {
	e.fellMu.Lock()
	defer e.fellMu.Unlock()
	out := e.fell
	e.fell = nil
	return out
}
