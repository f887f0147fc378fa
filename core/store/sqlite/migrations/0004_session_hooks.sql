-- The names of the config's hooks that the events of a session go to, whoever writes them. Before, they were those of the
-- process that wrote the event.

ALTER TABLE session ADD COLUMN hooks BLOB;
