-- Why the front end of a session stopped before it was done, in the place of the exit code of its command: whatever else
-- that said, status and response say too. No program has stored any other code than those named here; a call with
-- one would have failed, so it counts as one that was cut.
--
-- Nobody reads exit_code any more. A program that began before this migration goes on writing it.

ALTER TABLE session RENAME COLUMN exit_code TO exit_code_before;
ALTER TABLE session ADD COLUMN exit_code INTEGER NOT NULL DEFAULT 0;
ALTER TABLE session ADD COLUMN cut TEXT NOT NULL DEFAULT '';

CREATE TRIGGER session_exit_code AFTER UPDATE OF exit_code ON session BEGIN
    UPDATE session SET cut = CASE
        WHEN NEW.exit_code IN (0, 3, 4) THEN ''
        WHEN NEW.exit_code = 130 THEN 'interrupt'
        WHEN NEW.exit_code >= 128 THEN 'terminate'
        ELSE 'time_limit'
    END WHERE n = NEW.n;
END;

UPDATE session SET exit_code = exit_code_before;
ALTER TABLE session DROP COLUMN exit_code_before;
