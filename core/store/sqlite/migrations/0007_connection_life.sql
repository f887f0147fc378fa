-- The life of a credential: when it was issued, when it must be refreshed, who refreshes it, and whether the person must
-- connect again.
--
-- A connection of an earlier program may have a source that cannot refresh; its provider says so when it is asked. version
-- counts the credentials of a connection; a program that began before this migration does not count, so that renewed_at is
-- compared as well.

ALTER TABLE connection ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE connection ADD COLUMN credential_at INTEGER;
ALTER TABLE connection ADD COLUMN reconnect_by INTEGER;
ALTER TABLE connection ADD COLUMN can_refresh INTEGER NOT NULL DEFAULT 1;
ALTER TABLE connection ADD COLUMN can_check INTEGER NOT NULL DEFAULT 1;
ALTER TABLE connection ADD COLUMN reason TEXT NOT NULL DEFAULT '';
ALTER TABLE connection ADD COLUMN needs_reconnect_at INTEGER;
ALTER TABLE connection ADD COLUMN refresh_at INTEGER; -- when the credential is due; NULL where it is never
ALTER TABLE connection ADD COLUMN refresh_owner TEXT NOT NULL DEFAULT '';
ALTER TABLE connection ADD COLUMN refresh_lease_until INTEGER;
ALTER TABLE connection ADD COLUMN refresh_begun_at INTEGER; -- a call whose result is not known
ALTER TABLE connection ADD COLUMN refresh_tries INTEGER NOT NULL DEFAULT 0; -- that failed, one after the other
ALTER TABLE connection ADD COLUMN refresh_next_at INTEGER; -- no try before it
ALTER TABLE connection ADD COLUMN refresh_error TEXT NOT NULL DEFAULT '';

UPDATE connection SET credential_at = renewed_at WHERE state <> 'disconnected';
UPDATE connection SET refresh_at = credential_expires_at - min(60000, (credential_expires_at - coalesce(renewed_at, connected_since)) / 10)
WHERE state = 'active' AND credential_expires_at IS NOT NULL;

CREATE INDEX connection_refresh ON connection (refresh_at) WHERE state = 'active' AND refresh_at IS NOT NULL;
