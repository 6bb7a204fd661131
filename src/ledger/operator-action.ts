// What an operator does to one payment, and the statements about it. An action is recorded before
// it is done: none is silent.

export interface OperatorAction {
  readonly action: 'retry' | 'send' | 'give up';
  readonly correlationId: string;
  /** Who did it, and why. */
  readonly actor: string;
  readonly reason: string;
  /** What was known of the payment before. */
  readonly details: Readonly<Record<string, unknown>>;
}

/** An action as the ledger has it. */
export interface RecordedAction extends Omit<OperatorAction, 'action'> {
  readonly action: string;
  readonly doneAt: Date;
}

export const RECORD_ACTION = `
  INSERT INTO operator_actions (action, correlation_id, actor, reason, details)
  VALUES ($1, $2, $3, $4, $5)`;

/** $1 id, $2 cents, $3 whether it may be charged. Nothing is recorded if the id is settled. */
export const GIVE_UP = `
  WITH settled AS (
    SELECT FROM all_payments WHERE correlation_id = $1
    UNION ALL
    SELECT FROM detached_payment($1)
  ), recorded AS (
    INSERT INTO given_up (correlation_id, amount_cents, may_be_charged)
    SELECT $1, $2, $3 WHERE NOT EXISTS (SELECT FROM settled)
    ON CONFLICT DO NOTHING
  )
  SELECT EXISTS (SELECT FROM settled) AS is_settled`;

export const ACTIONS = `
  SELECT action, correlation_id AS "correlationId", actor, reason, details, done_at AS "doneAt"
  FROM operator_actions ORDER BY id DESC LIMIT $1`;

export const ANOMALIES = `
  SELECT correlation_id AS "correlationId", kind, accepted, charged, recorded, instance,
    found_at AS "foundAt"
  FROM anomalies ORDER BY found_at DESC, correlation_id LIMIT $1`;
