-- What the clock said when somebody last asked whether it goes on steadily, and since when it has. One row at most.

CREATE TABLE clock (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    at    INTEGER NOT NULL,
    since INTEGER NOT NULL
) STRICT;
