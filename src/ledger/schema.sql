-- The ledger's tables, in numbered steps: each is run once in a ledger's life (schema.ts). To
-- change them, append a step: a line "-- Step N: what it makes" with the next number, and its
-- statements. A step that was released is never changed. What changes a table that is in use waits
-- 100 ms for its lock, and is tried again.

-- Step 1: payments, and their sums per second
--
-- A ledger from before there were steps has these already. Then not even CREATE INDEX IF NOT EXISTS:
-- it waits for a VACUUM, and all writers wait behind it.

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
