-- The ledger's tables, in numbered steps: each is run once in a ledger's life (schema.ts). To
-- change them, append a step: a line "-- Step N: what it makes" with the next number, and its
-- statements. A step that was released is never changed. What changes a table that is in use waits
-- 100 ms for its lock, and is tried again.

-- Step 1: payments, and their sums per second
--
-- A ledger from before there were steps has these already. Then not even CREATE INDEX IF NOT
-- EXISTS: it waits for a VACUUM, and all writers wait behind it.

CREATE TABLE IF NOT EXISTS payments (
  correlation_id uuid PRIMARY KEY,
  processor smallint NOT NULL CHECK (processor IN (0, 1)),
  amount_cents bigint NOT NULL CHECK (amount_cents > 0),
  requested_at timestamptz(3) NOT NULL
);

DO $$
BEGIN
  IF to_regclass('payments_requested_at') IS NULL THEN
    -- Rows arrive nearly in the order of their time, so a block range index is as good as a tree
    -- and costs next to nothing.
    CREATE INDEX payments_requested_at ON payments USING brin (requested_at) WITH (pages_per_range = 8, autosummarize = on);
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
-- What is said of one payment in two places and can't both be true (src/anomaly.ts tells the
-- kinds). An empty object: not known.
CREATE TABLE IF NOT EXISTS anomalies (
  correlation_id uuid NOT NULL,
  kind text NOT NULL,
  -- What was promised to the client, and where it was sent.
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
-- What the journals know this ledger by, and how many instances share it: one row.
CREATE TABLE IF NOT EXISTS ledger (
  is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  instances smallint NOT NULL CHECK (instances BETWEEN 1 AND 16),
  -- Until then the instances take no payments of clients: their number is about to change.
  drain_until timestamptz NOT NULL DEFAULT '-infinity'
);

-- The journal of each instance. Its mark grows, and stands in the journal too: a ledger or a
-- journal that went back in time has a lower one.
CREATE TABLE IF NOT EXISTS instances (
  instance smallint PRIMARY KEY,
  journal text NOT NULL,
  mark bigint NOT NULL,
  held bigint NOT NULL,
  state text NOT NULL CHECK (state IN ('running', 'draining', 'stopped'))
);
