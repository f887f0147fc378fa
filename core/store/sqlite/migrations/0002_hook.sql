-- Hooks whose receiver wants no more, and secrets that the state itself makes.

CREATE TABLE disabled_hook (
    hook   TEXT    PRIMARY KEY,
    target BLOB    NOT NULL,
    at     INTEGER NOT NULL,
    error  TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE secret (
    name       TEXT    PRIMARY KEY,
    value      BLOB,   -- sealed
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
