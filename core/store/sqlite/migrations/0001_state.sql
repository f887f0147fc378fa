-- The state as it was first laid out. Times are milliseconds since 1970 in UTC; NULL is none. Columns of type BLOB that
-- are marked "sealed" hold what core/seal makes. «n» counts the rows of a table in the order they came.

CREATE TABLE "key" (
    id         TEXT    PRIMARY KEY,
    state      TEXT    NOT NULL CHECK (state IN ('primary', 'older')),
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX key_primary ON "key" (state) WHERE state = 'primary';

CREATE TABLE "user" (
    human_id       TEXT PRIMARY KEY,
    client_id      TEXT NOT NULL,
    client_user_id BLOB NOT NULL,
    UNIQUE (client_id, client_user_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE token (
    hash       BLOB    PRIMARY KEY,
    human_id   TEXT    NOT NULL REFERENCES "user" (human_id),
    sources    TEXT,
    issued_at  INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX token_expires ON token (expires_at);

CREATE TABLE session (
    n          INTEGER PRIMARY KEY,
    id         TEXT    NOT NULL UNIQUE,
    token_key  BLOB    NOT NULL UNIQUE,
    human_id   TEXT    NOT NULL REFERENCES "user" (human_id),
    sources    TEXT,
    opened_at  INTEGER NOT NULL,
    ends_at    INTEGER NOT NULL,
    end_reason TEXT    NOT NULL,
    owner      TEXT    NOT NULL,
    epoch      INTEGER NOT NULL,
    sequence   INTEGER NOT NULL,
    script     BLOB,
    script_run INTEGER NOT NULL,
    closed_at  INTEGER,
    status     TEXT    NOT NULL,
    exit_code  INTEGER NOT NULL,
    response   BLOB    -- sealed
) STRICT;

CREATE INDEX session_open ON session (ends_at) WHERE closed_at IS NULL;
CREATE INDEX session_user ON session (human_id);

CREATE TABLE session_hook (
    n           INTEGER PRIMARY KEY,
    id          TEXT    NOT NULL UNIQUE,
    session_id  TEXT    REFERENCES session (id),
    fingerprint BLOB    NOT NULL,
    spec        BLOB,   -- sealed
    UNIQUE (session_id, fingerprint)
) STRICT;

CREATE TABLE attempt (
    n            INTEGER PRIMARY KEY,
    id           TEXT    NOT NULL UNIQUE,
    session_id   TEXT    NOT NULL REFERENCES session (id),
    script_run   INTEGER NOT NULL,
    script_no    INTEGER NOT NULL,
    source       TEXT    NOT NULL,
    provider     TEXT    NOT NULL,
    expected     TEXT    NOT NULL,
    state        TEXT    NOT NULL,
    version      INTEGER NOT NULL,
    steps        INTEGER NOT NULL,
    redirect_uri TEXT    NOT NULL,
    oauth_state  BLOB,   -- sealed
    state_hash   BLOB    UNIQUE,
    resume       BLOB,   -- sealed
    last_step    BLOB,   -- sealed
    callback     BLOB,   -- sealed
    begun        TEXT    NOT NULL,
    due_at       INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL
) STRICT;

CREATE INDEX attempt_session ON attempt (session_id);

CREATE TABLE action (
    session_id    TEXT    NOT NULL REFERENCES session (id),
    "no"          INTEGER NOT NULL,
    script_run    INTEGER NOT NULL,
    script_no     INTEGER NOT NULL,
    kind          TEXT    NOT NULL,
    target        TEXT    NOT NULL,
    source        TEXT    NOT NULL,
    source_name   TEXT    NOT NULL,
    connection_id TEXT    NOT NULL,
    account_key   BLOB    NOT NULL,
    code          TEXT    NOT NULL,
    message       TEXT    NOT NULL,
    retryable     INTEGER NOT NULL,
    field         TEXT    NOT NULL,
    setting       TEXT    NOT NULL,
    retry_after   INTEGER NOT NULL,
    at            INTEGER NOT NULL,
    PRIMARY KEY (session_id, "no")
) STRICT, WITHOUT ROWID;

CREATE TABLE connection (
    n                     INTEGER PRIMARY KEY,
    id                    TEXT    NOT NULL UNIQUE,
    human_id              TEXT    NOT NULL REFERENCES "user" (human_id),
    source                TEXT    NOT NULL,
    source_name           TEXT    NOT NULL,
    provider              TEXT    NOT NULL,
    account_key           BLOB    NOT NULL, -- empty where the provider cannot tell accounts apart
    account_id            BLOB,             -- sealed
    account_label         BLOB,             -- sealed
    credential            BLOB,             -- sealed
    media_type            TEXT    NOT NULL,
    credential_expires_at INTEGER,
    scopes                TEXT,
    can_revoke            INTEGER NOT NULL,
    state                 TEXT    NOT NULL,
    connected_since       INTEGER NOT NULL,
    renewed_at            INTEGER,
    disconnected_at       INTEGER
) STRICT;

CREATE UNIQUE INDEX connection_active ON connection (human_id, source, account_key) WHERE state <> 'disconnected';
CREATE INDEX connection_account ON connection (source, account_key) WHERE state <> 'disconnected';
CREATE INDEX connection_user ON connection (human_id);

CREATE TABLE revocation (
    n             INTEGER PRIMARY KEY,
    id            TEXT    NOT NULL UNIQUE,
    session_id    TEXT    REFERENCES session (id),
    connection_id TEXT    NOT NULL,
    human_id      TEXT    NOT NULL REFERENCES "user" (human_id),
    source        TEXT    NOT NULL,
    provider      TEXT    NOT NULL,
    account_key   BLOB    NOT NULL,
    account_id    BLOB,   -- sealed
    account_label BLOB,   -- sealed
    credential    BLOB,   -- sealed
    media_type    TEXT    NOT NULL,
    state         TEXT    NOT NULL,
    tries         INTEGER NOT NULL,
    next_at       INTEGER NOT NULL,
    owner         TEXT    NOT NULL,
    lease_until   INTEGER,
    error         TEXT    NOT NULL,
    created_at    INTEGER NOT NULL,
    ended_at      INTEGER
) STRICT;

CREATE INDEX revocation_due ON revocation (next_at) WHERE state = 'pending';
CREATE INDEX revocation_session ON revocation (session_id);
CREATE INDEX revocation_connection ON revocation (connection_id);

CREATE TABLE event (
    n          INTEGER PRIMARY KEY,
    id         TEXT    NOT NULL UNIQUE,
    session_id TEXT    REFERENCES session (id),
    sequence   INTEGER NOT NULL,
    type       TEXT    NOT NULL,
    at         INTEGER NOT NULL,
    body       BLOB,   -- sealed
    UNIQUE (session_id, sequence)
) STRICT;

CREATE TABLE delivery (
    n           INTEGER PRIMARY KEY,
    id          TEXT    NOT NULL UNIQUE,
    event_id    TEXT    NOT NULL REFERENCES event (id),
    hook        TEXT    NOT NULL,
    session_id  TEXT    REFERENCES session (id),
    sequence    INTEGER NOT NULL,
    state       TEXT    NOT NULL,
    tries       INTEGER NOT NULL,
    deferred    INTEGER NOT NULL DEFAULT 0, -- tries that put it on the long schedule
    next_at     INTEGER NOT NULL,
    owner       TEXT    NOT NULL,
    lease_until INTEGER,
    error       TEXT    NOT NULL,
    created_at  INTEGER NOT NULL,
    ended_at    INTEGER
) STRICT;

CREATE INDEX delivery_lane ON delivery (session_id, hook, sequence) WHERE state = 'pending';
CREATE INDEX delivery_due ON delivery (next_at) WHERE state = 'pending';
CREATE INDEX delivery_session ON delivery (session_id);
CREATE INDEX delivery_event ON delivery (event_id);
