-- Deliveries that are made once more, outside of their queue; tries of a hook that hangs, which is left alone for a while; and
-- what lists are filtered by.
--
-- An event of an earlier program that belongs to no session names no user, and no event of one names its source.

ALTER TABLE delivery ADD COLUMN redelivered INTEGER NOT NULL DEFAULT 0;
ALTER TABLE delivery ADD COLUMN hung INTEGER NOT NULL DEFAULT 0; -- tries that use up none of the schedule
ALTER TABLE event ADD COLUMN human_id TEXT;
ALTER TABLE event ADD COLUMN source TEXT;

CREATE TABLE hook_pause (
    target BLOB    PRIMARY KEY,
    hangs  INTEGER NOT NULL, -- one after the other
    at     INTEGER NOT NULL, -- of the last one
    until  INTEGER           -- NULL until there are enough of them
) STRICT, WITHOUT ROWID;

UPDATE event SET human_id = (SELECT human_id FROM session WHERE session.id = event.session_id) WHERE session_id IS NOT NULL;

CREATE INDEX event_outside ON event (human_id) WHERE session_id IS NULL;
CREATE INDEX event_source ON event (source) WHERE source IS NOT NULL;
CREATE INDEX event_at ON event (at);
CREATE INDEX delivery_at ON delivery (created_at);
CREATE INDEX delivery_dead ON delivery (hook) WHERE state = 'dead';
CREATE INDEX session_at ON session (opened_at);
CREATE INDEX connection_listed ON connection (connected_since, id) WHERE state <> 'disconnected';
