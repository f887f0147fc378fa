package session_test

import (
	"errors"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/core/connection"
	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/query"
	"github.com/humanconnect/humanconnect/core/store"
)

// TestOneFlippedBitInACredentialTouchesNoOtherRow: its user lists, connects, renews and disconnects all the same, it too.
func TestOneFlippedBitInACredentialTouchesNoOtherRow(t *testing.T) {
	w, fe, s := opened(t)
	fe.connectAccount(s, alpha, "ann")
	fe.connectAccount(s, beta, "bob")
	// The last byte, which is any one before.
	w.exec(t, "UPDATE connection SET credential = CAST(substr(credential, 1, length(credential) - 1) || "+
		"CASE substr(credential, -1) WHEN x'00' THEN x'01' ELSE x'00' END AS BLOB) WHERE source = '"+alpha+"'")
	list := func() map[string]store.Connection {
		t.Helper()
		views, err := query.Connections(t.Context(), w.store, store.ConnectionFilter{})
		if err != nil {
			t.Fatal(err)
		}
		out := make(map[string]store.Connection)
		for _, v := range views {
			out[v.Row.Source] = v.Row
		}
		return out
	}
	rows := list()
	window := connection.Window{Now: w.clock.Now()}
	if !errors.Is(rows[alpha].Damaged, store.ErrDamaged) || connection.StateOf(rows[alpha], window) != connection.NeedsReconnect ||
		connection.ReasonOf(rows[alpha], window.Now) != "store_damaged" {
		t.Errorf("the row is not marked: %+v", rows[alpha])
	}
	if rows[beta].Damaged != nil || connection.StateOf(rows[beta], window) != connection.Active {
		t.Errorf("another row: %+v", rows[beta])
	}
	if err := s.Disconnect(t.Context(), beta, -1); err != nil {
		t.Errorf("disconnect another: %v", err)
	}
	if err := s.Disconnect(t.Context(), alpha, -1); err != nil {
		t.Errorf("disconnect: %v", err)
	}
	if left := list(); len(left) != 0 {
		t.Errorf("left: %+v", left)
	}
	revocation, err := query.Revocations(t.Context(), w.store, s.ID)
	if err != nil || len(revocation) != 2 || revocation[1].State != store.RevocationFailed || revocation[1].Error != connection.CredentialDamaged {
		t.Errorf("%+v, %v", revocation, err)
	}
	if final := fe.close(s); final.Status != event.Success {
		t.Errorf("%+v", final)
	}
}

func TestConnectingAgainHealsADamagedCredential(t *testing.T) {
	w, fe, s := opened(t)
	fe.connectAccount(s, alpha, "ann")
	w.exec(t, "UPDATE connection SET credential = x'00'")
	fe.connectAccount(s, alpha, "ann")
	views, err := query.Connections(t.Context(), w.store, store.ConnectionFilter{})
	if err != nil || len(views) != 1 || views[0].Row.Damaged != nil || len(views[0].Row.Credential) == 0 {
		t.Errorf("%+v, %v", views, err)
	}
}

func TestADamagedCredentialOutsideOfASessionIsDisconnected(t *testing.T) {
	w, fe, s := opened(t)
	fe.connectAccount(s, alpha, "ann")
	w.exec(t, "UPDATE connection SET credential = x'00'")
	views, err := query.Connections(t.Context(), w.store, store.ConnectionFilter{})
	if err != nil {
		t.Fatal(err)
	}
	done, err := w.frontEnd().DisconnectOutside(t.Context(), views[0].Row.ID)
	if err != nil || done.Revocation.State != store.RevocationFailed {
		t.Errorf("%+v, %v", done, err)
	}
}

func TestOneDamagedEventBreaksNoList(t *testing.T) {
	w, fe, s := opened(t)
	fe.connectAccount(s, alpha, "ann")
	w.clock.Advance(time.Second)
	fe.connectAccount(s, beta, "bob")
	w.exec(t, "UPDATE event SET body = x'00' WHERE sequence = 1")
	events, err := query.Events(t.Context(), w.store, store.EventFilter{})
	if err != nil || len(events) != 2 || events[0].Damaged != nil || !errors.Is(events[1].Damaged, store.ErrDamaged) {
		t.Errorf("%+v, %v", events, err)
	}
}
