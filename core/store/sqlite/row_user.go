package sqlite

import (
	"time"

	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/store"
)

func userFields(u *store.User) []field {
	return []field{
		{"human_id", &u.HumanID},
		{"client_id", &u.ClientID},
		{"client_user_id", rawText{&u.ClientUserID}},
	}
}

func (t *tx) User(clientID, clientUserID string) (store.User, error) {
	return t.tables.user.find(t, "WHERE client_id = ? AND client_user_id = ?", clientID, []byte(clientUserID))
}

func (t *tx) UserByID(human id.Human) (store.User, error) {
	return t.tables.user.find(t, "WHERE human_id = ?", human)
}

func (t *tx) InsertUser(u store.User) error { return t.tables.user.insert(t, u) }

func tokenFields(k *store.Token) []field {
	return []field{
		{"hash", &k.Hash},
		{"human_id", &k.User},
		{"sources", names{&k.Sources}},
		{"issued_at", instant{&k.IssuedAt}},
		{"expires_at", instant{&k.ExpiresAt}},
		{"revoked_at", maybeInstant{&k.RevokedAt}},
	}
}

func (t *tx) Token(hash []byte) (store.Token, error) {
	return t.tables.token.find(t, "WHERE hash = ?", keyValue(hash))
}

func (t *tx) InsertToken(k store.Token) error { return t.tables.token.insert(t, k) }

func (t *tx) SaveToken(k store.Token) error { return t.tables.token.save(t, k) }

func (t *tx) DeleteTokens(expiredBefore time.Time) (int, error) {
	n, err := t.exec(deleteTokens, instant{&expiredBefore})
	return int(n), err
}

func verifiedTokenFields(k *store.VerifiedToken) []field {
	return []field{
		{"hash", &k.Hash},
		{"human_id", &k.User},
		{"sources", names{&k.Sources}},
		{"verified_at", instant{&k.VerifiedAt}},
		{"expires_at", instant{&k.ExpiresAt}},
	}
}

func (t *tx) VerifiedToken(hash []byte) (store.VerifiedToken, error) {
	return t.tables.verified.find(t, "WHERE hash = ?", keyValue(hash))
}

func (t *tx) InsertVerifiedToken(k store.VerifiedToken) error {
	return t.tables.verified.insert(t, k)
}

func (t *tx) SaveVerifiedToken(k store.VerifiedToken) error { return t.tables.verified.save(t, k) }

func (t *tx) DeleteVerifiedTokens(expiredBefore time.Time) (int, error) {
	n, err := t.exec(deleteVerifiedTokens, instant{&expiredBefore})
	return int(n), err
}

const (
	deleteTokens         = "DELETE FROM token WHERE expires_at < ?"
	deleteVerifiedTokens = "DELETE FROM verified_token WHERE expires_at < ?"
)
