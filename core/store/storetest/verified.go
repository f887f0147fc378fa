package storetest

import "github.com/humanconnect/humanconnect/core/store"

func verifiedTokenTests() map[string]func(*suite) {
	return map[string]func(*suite){
		"RoundTrip":                     verifiedRoundTrip,
		"MissingIsErrNotFound":          missingVerified,
		"AHashIsThereOnce":              oneVerified,
		"DeleteTakesOnlyTheLongExpired": deleteVerified,
		"NoneIsAToken":                  twoKindsOfTokens,
	}
}

func verifiedRoundTrip(s *suite) {
	user := s.addUser("u")
	for name, k := range map[string]store.VerifiedToken{
		"all":           {Hash: digest(1), User: user, Sources: []string{"withings", "epic"}, VerifiedAt: at(0), ExpiresAt: at(1)},
		"nil sources":   {Hash: digest(2), User: user, VerifiedAt: at(0), ExpiresAt: at(1)},
		"empty sources": {Hash: digest(3), User: user, Sources: []string{}, VerifiedAt: at(0), ExpiresAt: at(1)},
		"zero times":    {Hash: digest(4), User: user},
	} {
		s.update(func(tx store.Tx) error { return tx.InsertVerifiedToken(k) })
		s.wantVerified(name, k)
		if name == "all" {
			complete(s, k)
		}
		k.ExpiresAt, k.Sources = at(9), []string{"nightscout"}
		s.update(func(tx store.Tx) error { return tx.SaveVerifiedToken(k) })
		s.wantVerified(name+" saved", k)
	}
}

func (s *suite) wantVerified(name string, want store.VerifiedToken) {
	s.Helper()
	s.view(func(tx store.Tx) error {
		got, err := tx.VerifiedToken(want.Hash)
		same(s, name, got, want)
		return err
	})
}

func missingVerified(s *suite) {
	user := s.addUser("u")
	s.missing(map[string]func(store.Tx) error{
		"token": func(tx store.Tx) error { return drop(tx.VerifiedToken(digest("none"))) },
		"nil":   func(tx store.Tx) error { return drop(tx.VerifiedToken(nil)) },
	})
	s.update(func(tx store.Tx) error {
		wantErr(s, "save", tx.SaveVerifiedToken(store.VerifiedToken{Hash: digest("none"), User: user}), store.ErrNotFound)
		return nil
	})
}

func oneVerified(s *suite) {
	k := store.VerifiedToken{Hash: digest(1), User: s.addUser("u"), VerifiedAt: at(0), ExpiresAt: at(1)}
	s.update(func(tx store.Tx) error {
		err := tx.InsertVerifiedToken(k)
		wantErr(s, "again", tx.InsertVerifiedToken(k), store.ErrExists)
		return err
	})
}

func deleteVerified(s *suite) {
	user := s.addUser("u")
	s.update(func(tx store.Tx) error {
		for n := range 5 {
			if err := tx.InsertVerifiedToken(store.VerifiedToken{Hash: digest(n), User: user, VerifiedAt: at(0), ExpiresAt: at(n)}); err != nil {
				return err
			}
		}
		n, err := tx.DeleteVerifiedTokens(at(3))
		same(s, "deleted", n, 3)
		return err
	})
	s.missing(map[string]func(store.Tx) error{"expired before": func(tx store.Tx) error { return drop(tx.VerifiedToken(digest(2))) }})
	s.view(func(tx store.Tx) error { return drop(tx.VerifiedToken(digest(3))) })
}

// twoKindsOfTokens: neither kind is found, written or forgotten as the other.
func twoKindsOfTokens(s *suite) {
	user := s.addUser("u")
	s.update(func(tx store.Tx) error {
		err := must(
			tx.InsertToken(store.Token{Hash: digest("ours"), User: user, ExpiresAt: at(0)}),
			tx.InsertVerifiedToken(store.VerifiedToken{Hash: digest("verified"), User: user, ExpiresAt: at(0)}),
		)
		wantErr(s, "verified", drop(tx.Token(digest("verified"))), store.ErrNotFound)
		wantErr(s, "ours", drop(tx.VerifiedToken(digest("ours"))), store.ErrNotFound)
		n, err2 := tx.DeleteTokens(at(1))
		same(s, "deleted", n, 1)
		return must(err, err2, drop(tx.VerifiedToken(digest("verified"))))
	})
}
