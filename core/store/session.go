package store

import (
	"errors"
	"time"
)

// EndSession moves the end of the open session of a token to now, and gives the reason. It leaves a token without a session
// alone, and a session that is closed or over already. All who end a session do it here; whoever comes next closes it.
func EndSession(tx SessionTx, tokenKey []byte, reason EndReason, now time.Time) error {
	ses, err := tx.SessionByToken(tokenKey)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil
	case err != nil || !ses.ClosedAt.IsZero() || !ses.EndsAt.After(now):
		return err
	}
	ses.EndsAt, ses.EndReason = now, reason
	return tx.SaveSession(ses)
}
