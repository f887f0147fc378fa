-- What is due is found target by target. A delivery that has ended has none before it is made once more.

ALTER TABLE delivery ADD COLUMN target TEXT NOT NULL DEFAULT '';

UPDATE delivery SET target = hook WHERE state <> 'delivered';

DROP INDEX delivery_due;

CREATE INDEX delivery_due ON delivery (next_at, id) WHERE state = 'pending';
CREATE INDEX delivery_target ON delivery (target, next_at, id) WHERE state = 'pending';
