-- The ledger's tables, in numbered steps. Each step is run once in a ledger's life (schema.ts). To
-- change a table, append a step: a line "-- Step N: what it makes" with the next number, and its
-- statements. A released step is never changed. A step that changes a table in use waits 100 ms for
-- its lock, and is tried again.
--
-- A step "in the background" is run after the start, beside payments, outside of a transaction, and
-- each of its statements by itself. Everything works without it, perhaps more slowly. It may be run
-- again after a part of it, also the last part.

-- Step 1: payments, and their sums per second
--
-- A ledger that is older than the steps has these tables and the index already. There even CREATE
-- INDEX IF NOT EXISTS would wait for a VACUUM, and all writers would wait behind it.

CREATE TABLE IF NOT EXISTS payments (
  correlation_id uuid PRIMARY KEY,
  processor smallint NOT NULL CHECK (processor IN (0, 1)),
  amount_cents bigint NOT NULL CHECK (amount_cents > 0),
  requested_at timestamptz(3) NOT NULL
);

DO $$
BEGIN
  IF to_regclass('payments_requested_at') IS NULL THEN
    -- Rows arrive almost in the order of their time, so a block range index is as good as a B-tree
    -- and costs almost nothing.
    CREATE INDEX payments_requested_at ON payments USING brin (requested_at)
      WITH (pages_per_range = 8, autosummarize = on);
  END IF;
END $$;

CREATE TABLE IF NOT EXISTS payments_per_second (
  processor smallint NOT NULL,
  second timestamptz(0) NOT NULL,
  payments bigint NOT NULL,
  amount_cents bigint NOT NULL,
  PRIMARY KEY (second, processor)
) WITH (fillfactor = 50);

-- Step 2: anomalies
-- Contradictions between two places that know a payment; anomaly.ts lists the kinds. An empty
-- object means that the values are not known.
CREATE TABLE IF NOT EXISTS anomalies (
  correlation_id uuid NOT NULL,
  kind text NOT NULL,
  -- What the 202 was for, and the processor that the payment was sent to.
  accepted jsonb NOT NULL,
  -- What a processor holds.
  charged jsonb NOT NULL,
  -- What the ledger has.
  recorded jsonb NOT NULL,
  instance smallint NOT NULL,
  found_at timestamptz(3) NOT NULL DEFAULT now(),
  -- The same finding again adds nothing.
  PRIMARY KEY (correlation_id, kind, accepted, charged, recorded)
);

-- Step 3: the register of instances
-- One row: the id by which the journals know this ledger, and how many instances share it.
CREATE TABLE IF NOT EXISTS ledger (
  is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  instances smallint NOT NULL CHECK (instances BETWEEN 1 AND 16),
  -- Until this time the instances accept no payments from clients: their number is to change.
  drain_until timestamptz NOT NULL DEFAULT '-infinity'
);

-- The journal of each instance. Its mark only grows, and the journal has it too: a ledger or a
-- journal that went back in time has a lower mark.
CREATE TABLE IF NOT EXISTS instances (
  instance smallint PRIMARY KEY,
  journal text NOT NULL,
  mark bigint NOT NULL,
  held bigint NOT NULL,
  state text NOT NULL CHECK (state IN ('running', 'draining', 'stopped'))
);

-- Step 4: what operators did
-- Each action on one payment, with who did it and why. A purge keeps these rows.
CREATE TABLE IF NOT EXISTS operator_actions (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  done_at timestamptz(3) NOT NULL DEFAULT now(),
  action text NOT NULL CHECK (action IN ('retry', 'send', 'give up', 'repair')),
  correlation_id uuid NOT NULL,
  actor text NOT NULL CHECK (actor <> ''),
  reason text NOT NULL CHECK (reason <> ''),
  -- What was known of the payment before the action, and what the action did.
  details jsonb NOT NULL
);

-- Payments that operators gave up: they were accepted, and are never charged from then on.
CREATE TABLE IF NOT EXISTS given_up (
  correlation_id uuid PRIMARY KEY,
  amount_cents bigint NOT NULL CHECK (amount_cents > 0),
  -- A processor may have charged it all the same.
  may_be_charged boolean NOT NULL,
  given_up_at timestamptz(3) NOT NULL DEFAULT now()
);

-- Step 5: shards, and the journals that are tables (JOURNAL=table)
-- Who runs each shard. The lease itself is a lock of the session that writes the journal.
CREATE TABLE IF NOT EXISTS shards (
  shard smallint PRIMARY KEY,
  -- Raised by each owner that follows another one.
  epoch bigint NOT NULL DEFAULT 0,
  -- The owner's host and process, and where other instances reach it: for people and for peers.
  owner text NOT NULL DEFAULT '',
  address text NOT NULL DEFAULT '',
  -- '-infinity': the shard has no owner.
  heartbeat_at timestamptz NOT NULL DEFAULT '-infinity'
) WITH (fillfactor = 50);

-- One row for each slot of a ring: the latest cell. Slots -2 and -1 are the journal's header. Rows
-- are written in place: the table grows beyond the rings only while a snapshot is old.
CREATE TABLE IF NOT EXISTS journal_cells (
  shard smallint NOT NULL,
  slot integer NOT NULL,
  cell bytea NOT NULL,
  PRIMARY KEY (shard, slot)
) WITH (fillfactor = 50);

-- Step 6: the database that a shard's cells are certainly the latest of (src/cluster/home.ts)
ALTER TABLE shards ADD COLUMN IF NOT EXISTS home text NOT NULL DEFAULT '';

-- Step 7: sums that nest
-- Sums of a second, a minute, an hour and a day, so that a summary of any range reads few of them.
-- In a ledger of ten million payments this step takes about half a minute, and writers wait for it.
CREATE TABLE IF NOT EXISTS payment_sums (
  -- The length of the period, which begins at `starts_at`; days are those of UTC.
  seconds integer NOT NULL CHECK (seconds IN (1, 60, 3600, 86400)),
  starts_at timestamptz(0) NOT NULL,
  processor smallint NOT NULL,
  payments bigint NOT NULL,
  -- Ten thousand payments of the largest amount are more than a bigint holds.
  amount_cents numeric NOT NULL,
  PRIMARY KEY (seconds, starts_at, processor)
) WITH (fillfactor = 80);

-- What batches and repairs added and no fold has moved to `payment_sums` yet (fold-sums.ts). Rows
-- stay for about a second. VACUUM comes early, since a summary reads the whole table.
CREATE TABLE IF NOT EXISTS batch_sums (
  processor smallint NOT NULL,
  second timestamptz(0) NOT NULL,
  payments bigint NOT NULL,
  amount_cents numeric NOT NULL
) WITH (autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_scale_factor = 0);

DO $$
BEGIN
  IF EXISTS (
    SELECT FROM pg_class WHERE oid = to_regclass('payments_per_second') AND relkind = 'r'
  ) THEN
    LOCK TABLE payments_per_second IN ACCESS EXCLUSIVE MODE;
    INSERT INTO payment_sums
    SELECT 1, second, processor, payments, amount_cents FROM payments_per_second;
    INSERT INTO payment_sums
    SELECT period.seconds,
           to_timestamp(floor(extract(epoch FROM second)::float8 / period.seconds)
             * period.seconds),
           processor, sum(payments), sum(amount_cents)
    FROM payments_per_second CROSS JOIN (VALUES (60), (3600), (86400)) AS period (seconds)
    GROUP BY 1, 2, 3;
    DROP TABLE payments_per_second;
  END IF;
END $$;

-- For people, and for an instance of an earlier version that still reads.
CREATE OR REPLACE VIEW payments_per_second AS
SELECT processor, second, sum(payments) AS payments, sum(amount_cents) AS amount_cents
FROM (
  SELECT processor, starts_at AS second, payments, amount_cents FROM payment_sums
  WHERE seconds = 1
  UNION ALL
  SELECT processor, second, payments, amount_cents FROM batch_sums
) AS sums
GROUP BY processor, second;

-- Step 8, in the background: the index by time
-- A block range index is read as a whole, so it gets slower with the table. Rows arrive almost in
-- the order of their time, so a B-tree's insertions are cheap. An index that could not be finished
-- stays, and is of no use: the next try begins anew.
DROP INDEX CONCURRENTLY IF EXISTS payments_by_time;
CREATE INDEX CONCURRENTLY payments_by_time ON payments (requested_at);
DROP INDEX CONCURRENTLY IF EXISTS payments_requested_at;

-- Step 9: the archive
-- Rows of old months, moved there by an operator (archive.ts). A month is a partition, with an
-- index of its ids. Rows are moved in order of time, so a block range index finds a time.
CREATE TABLE IF NOT EXISTS archived_payments (
  correlation_id uuid NOT NULL,
  processor smallint NOT NULL,
  amount_cents bigint NOT NULL,
  requested_at timestamptz(3) NOT NULL
) PARTITION BY RANGE (requested_at);

CREATE INDEX IF NOT EXISTS archived_payments_by_time ON archived_payments USING brin (requested_at)
  WITH (pages_per_range = 16, autosummarize = on);

-- Months that were taken out of the archive: of their rows there are only `detached_ids`.
CREATE TABLE IF NOT EXISTS detached_months (
  starts_at timestamptz(0) PRIMARY KEY,
  ends_at timestamptz(0) NOT NULL,
  detached_at timestamptz(3) NOT NULL DEFAULT now()
);

-- What an id is known by after its month was detached (detach.ts). A row has some payments whose
-- ids follow each other, packed: it takes half of their rows. They can't be found by time.
CREATE TABLE IF NOT EXISTS detached_ids (
  starts_at timestamptz(0) NOT NULL,
  first_id uuid NOT NULL,
  ids uuid[] NOT NULL,
  processors smallint[] NOT NULL,
  amounts_cents bigint[] NOT NULL,
  times timestamptz(3)[] NOT NULL,
  PRIMARY KEY (starts_at, first_id)
);

CREATE INDEX IF NOT EXISTS detached_ids_by_id ON detached_ids (first_id);

-- Each row once: a row that is being moved is in both tables for a moment.
CREATE OR REPLACE VIEW all_payments AS
SELECT correlation_id, processor, amount_cents, requested_at FROM payments
UNION ALL
SELECT correlation_id, processor, amount_cents, requested_at FROM archived_payments AS archived
WHERE NOT EXISTS (
  SELECT FROM payments AS hot
  WHERE hot.correlation_id = archived.correlation_id AND hot.processor = archived.processor
    AND hot.amount_cents = archived.amount_cents AND hot.requested_at = archived.requested_at
);

-- Functions, so that statements which need no old row do not open the months.
CREATE OR REPLACE FUNCTION detached_payment(id uuid) RETURNS SETOF archived_payments
LANGUAGE plpgsql STABLE ROWS 1 AS $$
BEGIN
  RETURN QUERY SELECT id, processors[place], amounts_cents[place], times[place]
  FROM detached_months CROSS JOIN LATERAL (
    SELECT * FROM detached_ids AS packed
    WHERE packed.starts_at = detached_months.starts_at AND first_id <= id
    ORDER BY first_id DESC LIMIT 1
  ) AS packed CROSS JOIN LATERAL array_position(ids, id) AS place
  WHERE place IS NOT NULL;
END $$;

CREATE OR REPLACE FUNCTION is_archived(id uuid, at timestamptz) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN EXISTS (
    SELECT FROM archived_payments WHERE correlation_id = id AND requested_at = at
  ) OR EXISTS (SELECT FROM detached_payment(id) WHERE requested_at = at);
END $$;

CREATE OR REPLACE FUNCTION archived_between(lower timestamptz, upper timestamptz)
RETURNS SETOF archived_payments
LANGUAGE plpgsql STABLE AS $$
BEGIN
  -- Younger rows are not archived (archive-months.ts).
  IF lower < now() - interval '30 days' THEN
    RETURN QUERY SELECT archived.* FROM archived_payments AS archived
    WHERE archived.requested_at >= lower AND archived.requested_at <= upper AND NOT EXISTS (
      SELECT FROM payments AS hot
      WHERE hot.correlation_id = archived.correlation_id AND hot.processor = archived.processor
        AND hot.amount_cents = archived.amount_cents
        AND hot.requested_at = archived.requested_at
    );
  END IF;
END $$;
