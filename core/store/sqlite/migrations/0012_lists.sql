-- What lists are filtered by, so that a list reads the rows that it shows, however many others there are. An index whose name ends
-- in "listed" has the rows of one list in its order.

CREATE INDEX delivery_hook ON delivery (hook);
CREATE INDEX delivery_pending_listed ON delivery (n) WHERE state = 'pending';
CREATE INDEX delivery_dead_listed ON delivery (n) WHERE state = 'dead';
CREATE INDEX delivery_discarded_listed ON delivery (n) WHERE state = 'discarded';
CREATE INDEX event_type ON event (type);
CREATE INDEX session_status ON session (status) WHERE status IS NOT NULL;
CREATE INDEX session_open_listed ON session (n) WHERE closed_at IS NULL;
CREATE INDEX connection_needs_reconnect_listed ON connection (connected_since, id) WHERE state = 'needs_reconnect';
CREATE INDEX connection_disconnected_listed ON connection (connected_since, id) WHERE state = 'disconnected';
CREATE INDEX connection_source ON connection (source, connected_since, id) WHERE state <> 'disconnected';
CREATE INDEX connection_provider ON connection (provider) WHERE state <> 'disconnected';
CREATE INDEX revocation_provider ON revocation (provider) WHERE state = 'pending';
CREATE INDEX hook_pause_at ON hook_pause (at);
