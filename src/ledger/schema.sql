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
