-- The tables as the first release (0.1.0) made them. Instances of today take such a ledger over.

CREATE TABLE IF NOT EXISTS payments (
  correlation_id uuid PRIMARY KEY,
  processor smallint NOT NULL CHECK (processor IN (0, 1)),
  amount_cents bigint NOT NULL CHECK (amount_cents > 0),
  requested_at timestamptz(3) NOT NULL
);

CREATE INDEX IF NOT EXISTS payments_requested_at ON payments USING brin (requested_at) WITH (pages_per_range = 8, autosummarize = on);

CREATE TABLE IF NOT EXISTS payments_per_second (
  processor smallint NOT NULL,
  second timestamptz(0) NOT NULL,
  payments bigint NOT NULL,
  amount_cents bigint NOT NULL,
  PRIMARY KEY (second, processor)
) WITH (fillfactor = 50);
