-- Hosts that a person named in a form of the attempt: its source may send a browser there too.

ALTER TABLE attempt ADD COLUMN hosts BLOB; -- sealed
