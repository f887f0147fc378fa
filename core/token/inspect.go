package token

import (
	"context"
	"errors"
	"fmt"

	"github.com/humanconnect/humanconnect/core/event"
	"github.com/humanconnect/humanconnect/core/store"
	"github.com/humanconnect/humanconnect/sdk"
)

// InspectWith tells what a checker says of a token of any kind, and which session it opened. An error is that of
// [Checker.Check]: the token could not be judged.
func InspectWith(ctx context.Context, c Checker, s store.Store, token sdk.Secret) (Info, error) {
	if l, ok := c.(*Local); ok {
		return l.Inspect(ctx, token)
	}
	v, err := c.Check(ctx, token)
	if err != nil {
		return Info{}, err
	}
	info := Info{State: map[event.Status]State{event.Success: Valid, event.TokenExpired: Expired}[v.Status], Reason: v.Reason}
	if info.State == "" {
		info.State = Invalid
	}
	if !v.Genuine() {
		return info, nil
	}
	info.User = store.User{ClientID: v.ClientID, ClientUserID: v.ClientUserID}
	info.Sources, info.ExpiresAt = v.Sources, v.ExpiresAt
	err = s.View(ctx, func(tx store.Tx) error {
		user, err := tx.User(v.ClientID, v.ClientUserID)
		if errors.Is(err, store.ErrNotFound) { // it has opened no session yet
			return nil
		}
		if err != nil {
			return err
		}
		info.User = user
		ses, err := tx.SessionByToken(v.Key)
		if errors.Is(err, store.ErrNotFound) || err == nil && ses.User != user.HumanID {
			return nil
		}
		info.Session = ses.ID
		return err
	})
	if err != nil {
		return Info{}, fmt.Errorf("look up the session of a token: %w", err)
	}
	return info, nil
}
