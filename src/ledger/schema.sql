-- The ledger: one row per settled payment, and its sums per second.
-- Safe to run again, by several instances at once.

SELECT pg_advisory_xact_lock(7200325);

CREATE TABLE IF NOT EXISTS payments (
  correlation_id uuid PRIMARY KEY,
  processor smallint NOT NULL CHECK (processor IN (0, 1)),
  amount_cents bigint NOT NULL CHECK (amount_cents > 0),
  requested_at timestamptz(3) NOT NULL
);

-- Rows arrive nearly in the order of their time, so a block range index is as good as a tree and costs next to nothing.
CREATE INDEX IF NOT EXISTS payments_requested_at ON payments USING brin (requested_at) WITH (pages_per_range = 8, autosummarize = on);

CREATE TABLE IF NOT EXISTS payments_per_second (
  processor smallint NOT NULL,
  second timestamptz(0) NOT NULL,
  payments bigint NOT NULL,
  amount_cents bigint NOT NULL,
  PRIMARY KEY (second, processor)
) WITH (fillfactor = 50);

-- What the journals know this ledger by, and how many instances share it: one row.
CREATE TABLE IF NOT EXISTS ledger (
  is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  instances smallint NOT NULL CHECK (instances BETWEEN 1 AND 16),
  -- Until then the instances take no payments of clients: their number is about to change.
  drain_until timestamptz NOT NULL DEFAULT '-infinity'
);

-- The journal of each instance. Its mark grows, and stands in the journal too: a ledger or a journal that went back in time has a lower one.
CREATE TABLE IF NOT EXISTS instances (
  instance smallint PRIMARY KEY,
  journal text NOT NULL,
  mark bigint NOT NULL,
  held bigint NOT NULL,
  state text NOT NULL CHECK (state IN ('running', 'draining', 'stopped'))
);
