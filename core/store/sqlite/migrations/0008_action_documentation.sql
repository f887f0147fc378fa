-- The source's page on how to get access, for an action that failed because of a wrong configuration.
ALTER TABLE action ADD COLUMN documentation_url TEXT NOT NULL DEFAULT '';
