package session_test

import (
	"errors"
	"testing"
	"time"

	"github.com/humanconnect/humanconnect/core/session"
	"github.com/humanconnect/humanconnect/core/store"
)

// Commits fail one after the other, as fsync does on a broken disk; each is in the store all the same, or is not.
func TestNothingIsConcludedFromACommitThatFailed(t *testing.T) {
	const there, lost = true, false
	for name, c := range map[string]struct {
		fail      []bool
		connected bool
		revoked   bool
		want      error
	}{
		"one that is there":             {fail: []bool{there}, connected: true},
		"one that is lost":              {fail: []bool{lost}, connected: true},
		"the first of two is there":     {fail: []bool{there, lost}, connected: true},
		"the second of two is there":    {fail: []bool{lost, there}, connected: true},
		"two that are lost":             {fail: []bool{lost, lost}, revoked: true, want: store.ErrCommitUnknown},
		"all are lost":                  {fail: []bool{lost, lost, lost}, want: session.ErrCredentialUnknown},
		"all fail, the first is there":  {fail: []bool{there, there, there}, connected: true, want: session.ErrCredentialUnknown},
		"all fail, the last is there":   {fail: []bool{lost, lost, there}, want: session.ErrCredentialUnknown},
		"all fail, the second is there": {fail: []bool{lost, there, lost}, connected: true, want: session.ErrCredentialUnknown},
	} {
		for kind, how := range map[string]play{"first step": {Account: "ann"}, "stored attempt": {Forms: 1, Account: "ann"}} {
			t.Run(name+", "+kind, func(t *testing.T) {
				w := newWorld(t)
				how.Hold = "grant"
				w.place.next(alpha, how)
				fe := w.frontEnd()
				s := fe.open(w.token("u1", time.Hour))
				done := fe.begin(func() error { return fe.connect(s, alpha) })
				fe.arrive()
				fe.store.failCommits(c.fail...)
				fe.lift("grant")
				if err := done(); !errors.Is(err, c.want) || c.want == nil && err != nil || errors.Is(err, session.ErrCredentialLost) {
					t.Errorf("it ends with %v, want %v", err, c.want)
				}
				if got := len(w.connections("u1")) == 1; got != c.connected {
					t.Errorf("connected: %t", got)
				}
				if got := w.place.grants["grant-1"].revoked; got != c.revoked {
					t.Errorf("revoked: %t", got)
				}
				if !errors.Is(c.want, session.ErrCredentialUnknown) { // then whoever asks the source knows, and nobody else
					w.check()
				}
			})
		}
	}
}

// The access of another account than the one expected is to be revoked; the commit of that fails.
func TestRevocationWhoseCommitFailedIsMadeOnce(t *testing.T) {
	for _, there := range []bool{true, false} {
		w, fe, s := opened(t)
		w.place.next(alpha, play{Account: "ann"})
		if err := fe.connect(s, alpha); err != nil {
			t.Fatal(err)
		}
		w.place.next(alpha, play{Account: "bob", Hold: "grant"})
		named := string(w.connections("u1")[0].ID)
		done := fe.begin(func() error { return fe.connect(s, named) })
		fe.arrive()
		fe.store.failCommits(there)
		fe.lift("grant")
		wantCode(t, done(), "account_mismatch")
		if !w.place.grants["grant-2"].revoked || w.place.grants["grant-1"].revoked {
			t.Errorf("there: %t: the wrong access is revoked", there)
		}
		if got := w.revocation(s, 0); got.State != store.RevocationRevoked {
			t.Errorf("there: %t: the revocation is %+v", there, got)
		}
		w.check()
	}
}
