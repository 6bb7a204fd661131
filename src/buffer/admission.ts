// Admission: the way of a payment from the door to its slot, with the questions that some need first.
//
//   clear ────────────────────────────────▶ held, queued
//   ask ──▶ ledger: settled ──▶ repeated or conflict
//             ├─ not settled ─▶ held, queued (if it may be known all the same: in doubt)
//             └─ no answer ───▶ held, verified later (the verifier asks before it is queued)
//   foreign ▶ its owner's answer
//             └─ no answer ───▶ held, handed over later (only the owner ever sends it)

import { idToText, ownerOf, type IdWords } from '../payment.ts';
import type { Held, Intake } from './intake.ts';

export type Admitted = Held | 'repeated' | 'conflict' | 'foreign';

export interface AdmissionParts {
  readonly intake: Intake;
  readonly instances: number;
  /** Resolves once what was written to the journal is as safe as was asked for; undefined when it is so already. */
  readonly synced: () => Promise<void> | undefined;
  /** The cents of a settled payment, 'absent', or 'unknown' when the ledger can't say soon. Never rejects. */
  readonly settledCents: (correlationId: string) => Promise<number | 'absent' | 'unknown'>;
  /** What the owner answers; 'away' when it doesn't. Never rejects. */
  readonly offer: (owner: number, correlationId: string, amountCents: number) => Promise<Offered>;
  /** Where the slots of held payments go. */
  readonly onClear: (slot: number) => void;
  readonly onUnverified: (slot: number) => void;
  /**
   * The ledger doesn't have the payment, and the memory of settled ids says that it may be known.
   */
  readonly onDoubtful: (slot: number) => void;
  readonly onForeign: (slot: number) => void;
  /** Whether one more payment of another instance may be held. */
  readonly hasRoomForForeign: () => boolean;
}

/** An owner's answer to a payment that is handed over; 'away' when it gives none, or has no room now. */
export type Offered = 'accepted' | 'conflict' | 'away';

export class Admission {
  readonly #parts: AdmissionParts;

  constructor(parts: AdmissionParts) {
    this.#parts = parts;
  }

  /** `id` is only read during the call. `fromPeer`: another instance hands it over, so it isn't offered on. */
  admit(id: IdWords, amountCents: number, fromPeer: boolean): Admitted | Promise<Admitted> {
    const verdict = this.#parts.intake.judge(id, amountCents);
    switch (verdict) {
      case 'clear':
        return this.#hold(id, amountCents, this.#parts.onClear, fromPeer);
      case 'repeated':
        return this.#whenSynced('repeated');
      case 'conflict':
        return 'conflict';
      case 'ask':
        return this.#ask(id.slice(), amountCents, fromPeer);
      case 'foreign':
        return fromPeer ? 'foreign' : this.#handOver(id.slice(), amountCents);
    }
  }

  async #ask(id: IdWords, amountCents: number, fromPeer: boolean): Promise<Admitted> {
    const { intake, settledCents } = this.#parts;
    const wasRemembered = intake.remembers(id);
    const settled = await settledCents(idToText(id));
    if (typeof settled === 'number') return settled === amountCents ? 'repeated' : 'conflict';
    // Another one brought the id and it was settled meanwhile: the answer may be older than that.
    if (!wasRemembered && intake.remembers(id)) return this.#ask(id, amountCents, fromPeer);
    const { onClear, onDoubtful, onUnverified } = this.#parts;
    if (settled === 'unknown') return this.#holdAfterWait(id, amountCents, onUnverified, fromPeer);
    const onHeld = wasRemembered ? onDoubtful : onClear;
    return this.#holdAfterWait(id, amountCents, onHeld, fromPeer);
  }

  async #handOver(id: IdWords, amountCents: number): Promise<Admitted> {
    // What isn't taken here isn't passed on either.
    const refusal = this.#parts.intake.refusal(false);
    if (refusal !== undefined) return refusal;
    const owner = ownerOf(id, this.#parts.instances);
    const offered = await this.#parts.offer(owner, idToText(id), amountCents);
    if (offered !== 'away') return offered;
    if (!this.#parts.hasRoomForForeign()) return 'full';
    return this.#holdAfterWait(id, amountCents, this.#parts.onForeign, false);
  }

  /** Others may have brought the same id while this one waited. */
  #holdAfterWait(
    id: IdWords,
    amountCents: number,
    onHeld: (slot: number) => void,
    fromPeer: boolean,
  ): Admitted | Promise<Admitted> {
    const verdict = this.#parts.intake.judge(id, amountCents);
    if (verdict === 'conflict') return 'conflict';
    if (verdict === 'repeated') return this.#whenSynced('repeated');
    return this.#hold(id, amountCents, onHeld, fromPeer);
  }

  #hold(
    id: IdWords,
    amountCents: number,
    onHeld: (slot: number) => void,
    fromPeer: boolean,
  ): Admitted | Promise<Admitted> {
    const refusal = this.#parts.intake.refusal(fromPeer);
    if (refusal !== undefined) return refusal;
    const held = this.#parts.intake.hold(id, amountCents, onHeld);
    return held === 'accepted' ? this.#whenSynced(held) : held;
  }

  #whenSynced(answer: Admitted): Admitted | Promise<Admitted> {
    return this.#parts.synced()?.then(() => answer) ?? answer;
  }
}
