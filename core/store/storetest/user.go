package storetest

import (
	"errors"
	"strings"
	"time"

	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/store"
)

func userTests() map[string]func(*suite) {
	return map[string]func(*suite){
		"MissingIsErrNotFound":            missingUsers,
		"UserIDsAreComparedByteForByte":   userBytes,
		"OneUserPerClientAndItsID":        oneUser,
		"EnsureUserKeepsTheHumanID":       ensureUser,
		"TheSameIDOfTwoClientsIsTwoUsers": twoClients,
	}
}

func missingUsers(s *suite) {
	s.addUser("here")
	s.missing(map[string]func(store.Tx) error{
		"by name": func(tx store.Tx) error { return drop(tx.User("client", "there")) },
		"by id":   func(tx store.Tx) error { return drop(tx.UserByID(id.NewHuman())) },
	})
}

func userBytes(s *suite) {
	ids := []string{
		"a", "A", " a", "a ", "é", "e\u0301", "\x00", "a\x00", "a\x00b", "0", "00", "1.0", "\xff\xfe", "%", "a%", "_",
		"'; DROP TABLE user; --", strings.Repeat("x", 1024), "👩‍⚕️",
	}
	made := make(map[string]store.User)
	s.update(func(tx store.Tx) error {
		for _, name := range ids {
			made[name] = newUser(name)
			if err := tx.InsertUser(made[name]); err != nil {
				return err
			}
		}
		return nil
	})
	s.view(func(tx store.Tx) error {
		for _, name := range ids {
			got, err := tx.User("client", name)
			if err != nil {
				return err
			}
			same(s, "user", got, made[name])
			byID, err := tx.UserByID(got.HumanID)
			if err != nil {
				return err
			}
			same(s, "user by id", byID, got)
		}
		return nil
	})
}

func oneUser(s *suite) {
	first := newUser("u")
	sameID := store.User{HumanID: first.HumanID, ClientID: "client", ClientUserID: "v"}
	s.update(func(tx store.Tx) error {
		if err := tx.InsertUser(first); err != nil {
			return err
		}
		wantErr(s, "same name", tx.InsertUser(newUser("u")), store.ErrExists)
		wantErr(s, "same human id", tx.InsertUser(sameID), store.ErrExists)
		return nil
	})
}

func ensureUser(s *suite) {
	s.update(func(tx store.Tx) error {
		first, err := store.EnsureUser(tx, "client", "u")
		again, err2 := store.EnsureUser(tx, "client", "u")
		same(s, "user", again, first)
		return errors.Join(err, err2)
	})
}

func twoClients(s *suite) {
	s.update(func(tx store.Tx) error {
		a, err := store.EnsureUser(tx, "a", "u")
		b, err2 := store.EnsureUser(tx, "b", "u")
		if a.HumanID == b.HumanID {
			s.Error("two clients share a user")
		}
		return errors.Join(err, err2)
	})
}

func tokenTests() map[string]func(*suite) {
	return map[string]func(*suite){
		"RoundTrip":                     tokenRoundTrip,
		"MissingIsErrNotFound":          missingTokens,
		"AHashIsThereOnce":              oneToken,
		"DeleteTakesOnlyTheLongExpired": deleteTokens,
	}
}

func tokenRoundTrip(s *suite) {
	user := s.addUser("u")
	for name, k := range map[string]store.Token{
		"all":            {Hash: digest(1), User: user, Sources: []string{"withings", "epic"}, IssuedAt: at(0), ExpiresAt: at(1), RevokedAt: at(2)},
		"nil sources":    {Hash: digest(2), User: user, IssuedAt: at(0), ExpiresAt: at(1)},
		"empty sources":  {Hash: digest(3), User: user, Sources: []string{}, IssuedAt: at(0), ExpiresAt: at(1)},
		"zero times":     {Hash: digest(4), User: user},
		"1970 and after": {Hash: digest(5), User: user, IssuedAt: time.UnixMilli(0).UTC(), ExpiresAt: time.UnixMilli(1).UTC(), RevokedAt: time.UnixMilli(0).UTC()},
	} {
		s.update(func(tx store.Tx) error { return tx.InsertToken(k) })
		s.wantToken(name, k)
		if name == "all" {
			complete(s, k)
		}
		k.RevokedAt, k.Sources = at(9), []string{"nightscout"}
		s.update(func(tx store.Tx) error { return tx.SaveToken(k) })
		s.wantToken(name+" saved", k)
	}
}

func (s *suite) wantToken(name string, want store.Token) {
	s.Helper()
	s.view(func(tx store.Tx) error {
		got, err := tx.Token(want.Hash)
		same(s, name, got, want)
		return err
	})
}

func missingTokens(s *suite) {
	user := s.addUser("u")
	s.missing(map[string]func(store.Tx) error{
		"token": func(tx store.Tx) error { return drop(tx.Token(digest("none"))) },
		"nil":   func(tx store.Tx) error { return drop(tx.Token(nil)) },
	})
	s.update(func(tx store.Tx) error {
		wantErr(s, "save", tx.SaveToken(store.Token{Hash: digest("none"), User: user}), store.ErrNotFound)
		return nil
	})
}

func oneToken(s *suite) {
	k := store.Token{Hash: digest(1), User: s.addUser("u"), IssuedAt: at(0), ExpiresAt: at(1)}
	s.update(func(tx store.Tx) error {
		err := tx.InsertToken(k)
		wantErr(s, "again", tx.InsertToken(k), store.ErrExists)
		return err
	})
}

func deleteTokens(s *suite) {
	user := s.addUser("u")
	s.update(func(tx store.Tx) error {
		for n := range 5 {
			if err := tx.InsertToken(store.Token{Hash: digest(n), User: user, IssuedAt: at(0), ExpiresAt: at(n)}); err != nil {
				return err
			}
		}
		n, err := tx.DeleteTokens(at(3))
		same(s, "deleted", n, 3)
		return err
	})
	s.missing(map[string]func(store.Tx) error{"expired before": func(tx store.Tx) error { return drop(tx.Token(digest(2))) }})
	s.view(func(tx store.Tx) error { return drop(tx.Token(digest(3))) })
}
