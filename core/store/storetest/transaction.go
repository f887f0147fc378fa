package storetest

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/store"
)

func transactionTests() map[string]func(*suite) {
	return map[string]func(*suite){
		"AnErrorRollsBackAndComesAsItIs":   rollsBack,
		"APanicRollsBack":                  panicRollsBack,
		"UpdatesSeeTheirOwnWrites":         seesOwnWrites,
		"UpdatesMakeOneSerialOrder":        serialOrder,
		"AViewSeesOneMoment":               viewSeesOneMoment,
		"AViewDoesNotWrite":                viewDoesNotWrite,
		"ATransactionGoesOnAfterErrExists": goesOnAfterErrExists,
		"ATxIsDeadAfterItsFunction":        deadAfterwards,
		"AnEndedContextBeginsNothing":      endedContext,
		"ViewsRunBesideAnUpdate":           viewBesideUpdate,
		"MACIsKeyedByPurposeAndData":       macs,
		"AClosedStoreRefuses":              closedRefuses,
	}
}

func newUser(name string) store.User {
	return store.User{HumanID: id.NewHuman(), ClientID: "client", ClientUserID: name}
}

func rollsBack(s *suite) {
	u, reason := newUser("u"), errors.New("no")
	err := s.store.Update(context.Background(), func(tx store.Tx) error {
		return errors.Join(tx.InsertUser(u), reason)
	})
	wantErr(s, "update", err, reason)
	err = s.store.Update(context.Background(), func(store.Tx) error { return reason })
	if err != reason { //nolint:errorlint // as it is
		s.Errorf("update returned %v, not the very error", err)
	}
	s.missing(map[string]func(store.Tx) error{"user": func(tx store.Tx) error { return drop(tx.UserByID(u.HumanID)) }})
}

func panicRollsBack(s *suite) {
	u := newUser("u")
	func() {
		defer func() {
			if recover() == nil {
				s.Error("the panic was swallowed")
			}
		}()
		_ = s.store.Update(context.Background(), func(tx store.Tx) error {
			if err := tx.InsertUser(u); err != nil {
				return err
			}
			panic("at the worst moment")
		})
	}()
	s.missing(map[string]func(store.Tx) error{"user": func(tx store.Tx) error { return drop(tx.UserByID(u.HumanID)) }})
	s.update(func(tx store.Tx) error { return tx.InsertUser(u) })
}

func seesOwnWrites(s *suite) {
	u := newUser("u")
	s.update(func(tx store.Tx) error {
		if err := tx.InsertUser(u); err != nil {
			return err
		}
		got, err := tx.UserByID(u.HumanID)
		same(s, "user in its own transaction", got, u)
		return err
	})
}

// Eight writers each count a session's sequence up: none of the counts is lost.
func serialOrder(s *suite) {
	const writers, each = 8, 25
	ses := s.addSession(s.addUser("u"))
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for range each {
				if err := s.store.Update(context.Background(), func(tx store.Tx) error { return countUp(tx, ses.ID) }); err != nil {
					s.Errorf("update: %v", err)
				}
			}
		})
	}
	wg.Wait()
	s.view(func(tx store.Tx) error {
		got, err := tx.Session(ses.ID)
		same(s, "sequence", got.Sequence, int64(writers*each))
		return err
	})
}

func countUp(tx store.Tx, session id.Session) error {
	got, err := tx.Session(session)
	if err != nil {
		return err
	}
	got.Sequence++
	return tx.SaveSession(got)
}

func viewSeesOneMoment(s *suite) {
	ses := s.addSession(s.addUser("u"))
	s.view(func(tx store.Tx) error {
		s.update(func(tx store.Tx) error { return countUp(tx, ses.ID) })
		got, err := tx.Session(ses.ID)
		same(s, "sequence after an update that came later than the view", got.Sequence, int64(0))
		return err
	})
}

func viewDoesNotWrite(s *suite) {
	u := newUser("u")
	if err := s.store.View(context.Background(), func(tx store.Tx) error { return tx.InsertUser(u) }); err == nil {
		s.Error("a view wrote")
	}
	s.missing(map[string]func(store.Tx) error{"user": func(tx store.Tx) error { return drop(tx.UserByID(u.HumanID)) }})
}

func goesOnAfterErrExists(s *suite) {
	first, second := newUser("u"), newUser("other")
	s.update(func(tx store.Tx) error {
		if err := tx.InsertUser(first); err != nil {
			return err
		}
		wantErr(s, "again", tx.InsertUser(first), store.ErrExists)
		return tx.InsertUser(second)
	})
	s.view(func(tx store.Tx) error {
		return must(drop(tx.UserByID(first.HumanID)), drop(tx.UserByID(second.HumanID)))
	})
}

func deadAfterwards(s *suite) {
	var kept store.Tx
	s.update(func(tx store.Tx) error { kept = tx; return nil })
	if err := kept.InsertUser(newUser("u")); err == nil {
		s.Error("a transaction wrote after its function returned")
	}
	if _, err := kept.User("client", "u"); err == nil || errors.Is(err, store.ErrNotFound) {
		s.Errorf("a transaction read after its function returned: %v", err)
	}
}

func endedContext(s *suite) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for name, run := range map[string]func(context.Context, func(store.Tx) error) error{"view": s.store.View, "update": s.store.Update} {
		err := run(ctx, func(store.Tx) error { s.Errorf("%s ran", name); return nil })
		wantErr(s, name, err, context.Canceled)
	}
}

func viewBesideUpdate(s *suite) {
	u := newUser("u")
	s.update(func(tx store.Tx) error {
		if err := tx.InsertUser(u); err != nil {
			return err
		}
		s.missing(map[string]func(store.Tx) error{"not committed": func(tx store.Tx) error { return drop(tx.UserByID(u.HumanID)) }})
		return nil
	})
}

func macs(s *suite) {
	mac := s.store.MAC("p", []byte("ab"), []byte("c"))
	if !bytes.Equal(mac, s.store.MAC("p", []byte("ab"), []byte("c"))) {
		s.Error("not the same twice")
	}
	if bytes.Equal(mac, s.store.MAC("q", []byte("ab"), []byte("c"))) {
		s.Error("the same for another purpose")
	}
	if bytes.Equal(mac, s.store.MAC("p", []byte("a"), []byte("bc"))) {
		s.Error("the same for data cut elsewhere")
	}
}

func closedRefuses(s *suite) {
	if err := s.store.Close(); err != nil {
		s.Fatal(err)
	}
	var ran atomic.Bool
	f := func(store.Tx) error { ran.Store(true); return nil }
	if s.store.View(context.Background(), f) == nil || s.store.Update(context.Background(), f) == nil || ran.Load() {
		s.Error("a transaction ran on a closed store")
	}
}
