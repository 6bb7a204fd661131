// Mutations of the cluster: of the lease on a shard, its takeover, and the journal as a table. Each
// breaks one of the rules that let a shard move without a payment lost or charged twice.

import { one, type Mutation } from './mutation.ts';

export const SHARD_MUTATIONS: readonly Mutation[] = [
  // The takeover
  one(
    'a takeover asks for no lock',
    'cluster/take-shard.js',
    'if (!(await session.lock())) return false;',
    '',
  ),
  one(
    "a takeover doesn't end the old owner's session",
    'cluster/shard-session.js',
    'if (tries === LOCK_TRIES) await this.#query(END_HOLDER, [shard]);',
    '',
  ),
  one(
    'a takeover reads the cells before it has the lock',
    'cluster/take-shard.js',
    'await session.open(); const chance',
    `await session.open();
     const before = await session.allCells();
     session.cellsAfter = async (slot) => before.filter((row) => row.slot > slot);
     const chance`,
  ),
  one(
    'a pin that a takeover finds is moved to the other processor',
    'intake/verifier.js',
    "else if (isPinned) reconcilers.add(slot, 'restart');",
    `else if (isPinned) {
            ring.unpin(slot);
            dispatcher.enqueue(slot);
        }`,
  ),
  // Another database
  one(
    'cells that were written in another database are believed',
    'cluster/take-shard.js',
    'hasMoved ? await doubtUnpinned({ session, log, shard, cells: found }) : found',
    'found',
  ),
  one(
    'a payment in doubt of another shard is handed over without its doubt',
    'intake/hand-over.js',
    'const isInDoubt = ring.doubt[slot] !== NO_DOUBT;',
    'const isInDoubt = false;',
  ),
  {
    name: 'an owner takes a payment that is handed over in doubt for a new one',
    patches: [
      { file: 'intake/admission.js', from: "isInDoubt ? 'doubted' : 'queue'", to: "'queue'" },
      { file: 'intake/admission.js', from: "isInDoubt ? 'doubted' : next", to: 'next' },
    ],
  },
  // The lease
  one(
    'a session without the lock writes',
    'cluster/shard-lease.js',
    '(await session.lock()) && (await session.takeAgain(tenure))',
    'await session.takeAgain(tenure)',
  ),
  // The first look spares the new owner its session, the second one is under the lock.
  {
    name: 'a process takes its shard again though another one has followed',
    patches: [
      {
        file: 'cluster/shard-lease.js',
        from: 'if (!(await session.isLatest(tenure))) this.#lose(); else if',
        to: 'if',
      },
      {
        file: 'cluster/shard-lease.js',
        from: '&& (await session.takeAgain(tenure))',
        to: '',
      },
    ],
  },
  one(
    'an owner is known by its epoch alone',
    'cluster/shards-table.js',
    "'shard = $1 AND epoch = $2 AND owner = $3'",
    "'shard = $1 AND epoch = $2'",
  ),
  one(
    'a commit of unknown fate counts as committed',
    'cluster/shard-lease.js',
    'catch (error) { this.#drop(session, error); }',
    'catch (error) { this.#drop(session, error); return; }',
  ),
  // The beat finds a session that has ended, and the next lease of the session finds the epoch:
  // only without that does a process go on.
  {
    name: "a heartbeat that isn't ours is ignored, and so is a session that has ended",
    patches: [
      {
        file: 'cluster/shard-lease.js',
        from: 'if (!isOurs) return this.#lose();',
        to: '',
      },
      {
        file: 'cluster/shard-lease.js',
        from: 'if (session?.failure !== undefined) this.#drop(session, session.failure);',
        to: '',
      },
    ],
  },
  one(
    'a commit whose wait for the standby was cancelled counts as safe',
    'cluster/shard-session.js',
    'if (this.#warning !== undefined) throw new Error(this.#warning);',
    '',
  ),
  one(
    'a commit waits for no standby',
    'cluster/shard-session.js',
    '`${KEEP_COMMITS};${QUICK_KEEPALIVES}`',
    '`SET synchronous_commit = local;${QUICK_KEEPALIVES}`',
  ),
  one(
    'an old owner says that all that is charged is recorded',
    'settlement/unrecorded.js',
    'const isCertain = await isOurs().catch(() => false);',
    'const isCertain = true;',
  ),
  // The journal as a table
  one(
    'a sync of the table waits for no commit',
    'cluster/table-journal.js',
    'await this.#lease.write(changed, cells);',
    'void this.#lease.write(changed, cells).catch(() => {});',
  ),
  {
    name: 'what is written during a commit is forgotten',
    patches: [
      { file: 'cluster/table-journal.js', from: 'this.#changed.clear();', to: '' },
      {
        file: 'cluster/table-journal.js',
        from: 'await this.#lease.write(changed, cells);',
        to: 'await this.#lease.write(changed, cells); this.#changed.clear();',
      },
    ],
  },
  one(
    'a payment whose commit is late is answered 202',
    'intake/admission.js',
    "isSafe ? answer : 'late'",
    'answer',
  ),
  {
    name: 'a conflict is answered before the journal has the payment it is about',
    patches: [
      {
        file: 'intake/admission.js',
        from: "case 'repeated': case 'conflict': return this.#whenSynced(verdict);",
        to: "case 'repeated': return this.#whenSynced(verdict); case 'conflict': return verdict;",
      },
      {
        file: 'intake/admission.js',
        from: "if (verdict === 'conflict' || verdict === 'repeated')",
        to: "if (verdict === 'conflict') return verdict; if (verdict === 'repeated')",
      },
    ],
  },
];
