package store

import (
	"errors"

	"github.com/humanconnect/humanconnect/core/id"
)

// EnsureUser finds a user or makes it, with a new human id.
func EnsureUser(tx UserTx, clientID, clientUserID string) (User, error) {
	u, err := tx.User(clientID, clientUserID)
	if !errors.Is(err, ErrNotFound) {
		return u, err
	}
	u = User{HumanID: id.NewHuman(), ClientID: clientID, ClientUserID: clientUserID}
	return u, tx.InsertUser(u)
}
