// The words of `npm run operate`.

export const USAGE = `npm run operate -- count <number> [--wait <seconds>] | lost <number> |
                       tables [--for <role>] | archive --before <month> | detach <month> |
                       adopt [<shard>] | repair [<shard>] | remove <shard>

Changes what the ledger's register and a journal say of each other. docs/OPERATIONS.md says when.

  count 3 [--wait 60]  the ledger is for 3 instances once nothing is held, within 60 s
                       (reads DATABASE_URL)
  lost 1               the journal of instance 1 is lost, with what it held (DATABASE_URL)
  tables [--for role]  makes the tables that the ledger lacks, and gives the role what an
                       instance needs at run time (DATABASE_URL, of the tables' owner)
  archive --before 2025-08
                       moves the rows of all months before August 2025 to the archive, beside
                       payments; may be killed and run again (DATABASE_URL, of the tables' owner)
  detach 2025-07       the archived month becomes a table of its own: its sums stay, and its ids
                       stay known, packed (DATABASE_URL, of the tables' owner)
  adopt                the journal belongs to no ledger: the next start accepts what it finds
                       (JOURNAL_PATH)
  repair               the journal's damaged header is made anew from the payments behind it
                       (JOURNAL_PATH, SOCKET_PATH, PEER_SOCKET_PATHS)
  adopt 1, repair 1    the same for the journal of shard 1, JOURNAL=table, while no process runs
                       or waits for a shard (DATABASE_URL; repair: SHARDS, RING_SLOTS too)
  remove 1             the journal of shard 1, which holds nothing, is removed: the next start
                       makes one, of another RING_SLOTS say (DATABASE_URL)

Exit codes:
  0  done
  1  not done, and why
  2  a word or a setting cannot be used`;
