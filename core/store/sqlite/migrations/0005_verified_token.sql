-- Tokens of other services have a table of their own: one that opened a session (JWT), or that its service called active.

CREATE TABLE verified_token (
    hash        BLOB    PRIMARY KEY,
    human_id    TEXT    NOT NULL REFERENCES "user" (human_id),
    sources     TEXT,
    verified_at INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX verified_token_expires ON verified_token (expires_at);

-- Before, they lay beside those of this installation. One that was revoked, or whose hash is the key of a session, is this
-- installation's. One that lasts shorter than a second or longer than a year is another service's. Any other can be either,
-- and is kept as both: each kind is looked up by a digest that the other never has, so that the row of the wrong kind is
-- never found, and it is forgotten like the right one.

INSERT INTO verified_token (hash, human_id, sources, verified_at, expires_at)
SELECT hash, human_id, sources, issued_at, expires_at FROM token
WHERE revoked_at IS NULL AND NOT EXISTS (SELECT 1 FROM session WHERE session.token_key = token.hash);

DELETE FROM token WHERE expires_at - issued_at NOT BETWEEN 1000 AND 31536000000;
