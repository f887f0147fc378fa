package sqlite

import (
	"cmp"
	"time"

	"github.com/humanconnect/humanconnect/core/id"
	"github.com/humanconnect/humanconnect/core/store"
)

func connectionFields(c *store.Connection, in box) []field {
	return []field{
		{"id", &c.ID},
		{"human_id", &c.User},
		{"source", &c.Source},
		{"source_name", &c.SourceName},
		{"provider", &c.Provider},
		{"account_key", accountKey{&c.AccountKey}},
		in.text("account_id", purposeAccount, &c.AccountID),
		in.text("account_label", purposeAccount, &c.AccountLabel),
		in.bytes("credential", purposeCredential, &c.Credential),
		{"media_type", &c.MediaType},
		{"credential_expires_at", maybeInstant{&c.CredentialExpiresAt}},
		{"scopes", names{&c.Scopes}},
		{"can_revoke", &c.CanRevoke},
		{"state", &c.State},
		{"connected_since", instant{&c.ConnectedSince}},
		{"renewed_at", maybeInstant{&c.RenewedAt}},
		{"disconnected_at", maybeInstant{&c.DisconnectedAt}},
		{"version", &c.Version},
		{"credential_at", maybeInstant{&c.CredentialAt}},
		{"reconnect_by", maybeInstant{&c.ReconnectBy}},
		{"can_refresh", &c.CanRefresh},
		{"can_check", &c.CanCheck},
		{"reason", &c.Reason},
		{"needs_reconnect_at", maybeInstant{&c.NeedsReconnectAt}},
		{"refresh_at", maybeInstant{&c.Refresh.At}},
		{"refresh_owner", &c.Refresh.Owner},
		{"refresh_lease_until", maybeInstant{&c.Refresh.LeaseUntil}},
		{"refresh_begun_at", maybeInstant{&c.Refresh.BegunAt}},
		{"refresh_tries", &c.Refresh.Tries},
		{"refresh_next_at", maybeInstant{&c.Refresh.NextAt}},
		{"refresh_error", &c.Refresh.Error},
	}
}

func (t *tx) Connection(connection id.Connection) (store.Connection, error) {
	return t.tables.listedConnection.find(t, "WHERE id = ?", connection)
}

// The queries name the state that a connection is not in literally: only then does SQLite use the partial indexes.
const (
	activeConnection  = "WHERE human_id = ? AND source = ? AND account_key = ? AND state <> 'disconnected'"
	activeConnections = "WHERE human_id = ? AND state <> 'disconnected' ORDER BY connected_since, id"
	accountHeld       = "SELECT EXISTS (SELECT 1 FROM connection WHERE source = ? AND account_key = ? AND state <> 'disconnected')"
	sourceHeld        = "SELECT EXISTS (SELECT 1 FROM connection WHERE human_id = ? AND source = ? AND state <> 'disconnected')"
)

func (t *tx) ActiveConnection(user id.Human, source string, key []byte) (store.Connection, error) {
	return t.tables.listedConnection.find(t, activeConnection, user, source, keyValue(key))
}

func (t *tx) Connections(user id.Human) ([]store.Connection, error) {
	return t.tables.listedConnection.list(t, activeConnections, user)
}

func (t *tx) ListConnections(f store.ConnectionFilter) ([]store.Connection, error) {
	s := selectConnections(f)
	rest, args := s.rest("connected_since, id", f.Limit)
	return t.tables.listedConnection.list(t, rest, args...)
}

func selectConnections(f store.ConnectionFilter) selection {
	var s selection
	s.where(f.User != "", "human_id = ?", f.User)
	s.where(f.Source != "", "source = ?", f.Source)
	switch f.State {
	case "":
		s.where(true, "state <> 'disconnected'")
	case store.ConnectionActive: // found among those that are not disconnected
		s.where(true, "state = 'active' AND state <> 'disconnected'")
	default:
		s.where(true, "state = '"+literal(f.State, store.ConnectionNeedsReconnect, store.ConnectionDisconnected)+"'")
	}
	s.where(!f.Since.IsZero(), "connected_since >= ?", instant{&f.Since})
	s.where(f.After != "", "(connected_since, id) > (SELECT connected_since, id FROM connection WHERE id = ?)", f.After)
	return s
}

func (t *tx) AccountHeld(source string, key []byte, user id.Human) (bool, error) {
	if len(key) == 0 {
		n, err := t.number(sourceHeld, user, source)
		return n != 0, err
	}
	n, err := t.number(accountHeld, source, key)
	return n != 0, err
}

const (
	nextHolder  = "SELECT COALESCE(MIN(provider), '') FROM connection WHERE state <> 'disconnected' AND provider > ?"
	nextRevoker = "SELECT COALESCE(MIN(provider), '') FROM revocation WHERE state = 'pending' AND provider > ?"
	countHeld   = "SELECT COUNT(*) FROM (SELECT 1 FROM connection WHERE provider = ? AND state <> 'disconnected' LIMIT ?)"
	countDue    = "SELECT COUNT(*) FROM (SELECT 1 FROM revocation WHERE provider = ? AND state = 'pending' LIMIT ?)"
)

// CountByProvider goes from one name to the next by the indexes that begin with it.
func (t *tx) CountByProvider(most int) (out []store.ProviderCount, err error) {
	for after := ""; ; {
		holder, err := t.text(nextHolder, after)
		if err != nil {
			return nil, err
		}
		revoker, err := t.text(nextRevoker, after)
		if err != nil {
			return nil, err
		}
		if after = min(cmp.Or(holder, revoker), cmp.Or(revoker, holder)); after == "" {
			return out, nil
		}
		held, err := t.number(countHeld, after, most)
		if err != nil {
			return nil, err
		}
		due, err := t.number(countDue, after, most)
		if err != nil {
			return nil, err
		}
		out = append(out, store.ProviderCount{Provider: after, Connections: int(held), Revocations: int(due)})
	}
}

func (t *tx) InsertConnection(c store.Connection) error { return t.tables.connection.insert(t, c) }

// A cool-down is a day at most: one that ends later was written by a clock that has been set back since.
const dueRefreshes = "WHERE state = 'active' AND refresh_at IS NOT NULL AND refresh_at <= ? " +
	"AND (refresh_next_at IS NULL OR refresh_next_at <= ? OR refresh_next_at > ? + 90000000) ORDER BY refresh_at, n LIMIT ?"

func (t *tx) DueRefreshes(now time.Time, limit int) ([]store.Connection, error) {
	return t.tables.connection.sound(t, dueRefreshes, instant{&now}, instant{&now}, instant{&now}, rowLimit(limit))
}

func (t *tx) SaveConnection(c store.Connection) error {
	if c.Damaged != nil && c.State != store.ConnectionDisconnected {
		return c.Damaged // it would lose for good what a backup of the key may still open
	}
	return t.tables.connection.save(t, c)
}

func revocationFields(r *store.Revocation, in box) []field {
	return []field{
		{"id", &r.ID},
		{"session_id", maybeID{(*string)(&r.Session)}},
		{"connection_id", &r.Connection},
		{"human_id", &r.User},
		{"source", &r.Source},
		{"provider", &r.Provider},
		{"account_key", accountKey{&r.AccountKey}},
		in.text("account_id", purposeAccount, &r.AccountID),
		in.text("account_label", purposeAccount, &r.AccountLabel),
		in.bytes("credential", purposeCredential, &r.Credential),
		{"media_type", &r.MediaType},
		{"state", &r.State},
		{"tries", &r.Tries},
		{"next_at", instant{&r.NextAt}},
		{"owner", &r.Owner},
		{"lease_until", maybeInstant{&r.LeaseUntil}},
		{"error", &r.Error},
		{"created_at", instant{&r.CreatedAt}},
		{"ended_at", maybeInstant{&r.EndedAt}},
	}
}

func (t *tx) Revocation(revocation id.Revocation) (store.Revocation, error) {
	return t.tables.revocation.find(t, "WHERE id = ?", revocation)
}

func (t *tx) InsertRevocation(r store.Revocation) error { return t.tables.revocation.insert(t, r) }

func (t *tx) SaveRevocation(r store.Revocation) error { return t.tables.revocation.save(t, r) }

const (
	dueRevocations   = "WHERE state = 'pending' AND next_at <= ? ORDER BY next_at, n LIMIT ?"
	strayRevocations = "WHERE state = 'pending' AND next_at > ? ORDER BY next_at, n LIMIT ?"
)

func (t *tx) DueRevocations(due store.Due, limit int) ([]store.Revocation, error) {
	out, err := t.tables.revocation.sound(t, dueRevocations, instant{&due.Now}, rowLimit(limit))
	if err != nil || limit > 0 && len(out) >= limit {
		return out, err
	}
	stray, err := t.tables.revocation.sound(t, strayRevocations, instant{&due.Beyond}, rowLimit(max(0, limit-len(out))))
	return append(out, stray...), err
}

func (t *tx) RevocationsOf(session id.Session) ([]store.Revocation, error) {
	return t.tables.listedRevocation.list(t, "WHERE session_id = ? ORDER BY n", session)
}

func (t *tx) RevocationOfConnection(connection id.Connection) (store.Revocation, error) {
	if connection == "" {
		return store.Revocation{}, store.ErrNotFound // grants that never became a connection have none
	}
	return t.tables.listedRevocation.find(t, "WHERE connection_id = ? ORDER BY n DESC", connection)
}
