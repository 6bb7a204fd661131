// The protocol by which a shard moves between processes, as a model for Spin. docs/MODEL.md
// explains it; `npm run model` checks it.
//
// A shard has a journal (one cell for each slot) and a lease (an epoch, and a lock of the
// session that writes the journal). Both are tables of a database with a standby. Two processes, A
// and B, may own the shard; one of them does at a time. There is no clock: whatever may happen
// later may happen at any later step.
//
// A rule of the protocol is marked "Rule NAME". Compiled with -DNAME the model lacks that rule, and
// Spin must find a run that loses a payment or charges one twice.

#ifndef PAYMENTS
#define PAYMENTS 1
#endif
// 1 with two payments: they use the same slot, one after the other.
#ifndef SLOTS
#define SLOTS PAYMENTS
#endif
// How often a process crashes, is cut off or stands still, or the database fails over, in all.
#ifndef FAULTS
#define FAULTS 2
#endif
// How often a processor declines, answers too late, or its answer is lost, in all.
#ifndef TROUBLES
#define TROUBLES 2
#endif
// How often the database goes back to an earlier state: a backup is restored.
#ifndef RESTORES
#define RESTORES 0
#endif

// A and B are 0 and 1, the processors are 0 and 1.
#define NOBODY 2
#define OTHER(one) (1 - (one))
#define LETTER(process) (65 + (process))

// ---- The database: the primary, and the standby that has what the primary had some time ago

// What a cell says of its payment.
#define FREE 0
#define HELD_CELL 1
#define PINNED_TO(processor) (2 + (processor))
#define IN_DOUBT 4
// Of a commit: it leaves the cell alone.
#define UNTOUCHED 5

typedef Cell {
  byte says;
  // The payment; 0 if the cell is free.
  byte whose;
}
#define SLOT_OF(payment) ((payment) % SLOTS)

typedef Disk {
  byte epoch;
  byte owner;
  // The cells were written in another database than this one: it was restored, or failed over.
  // (The program writes the database's name beside the epoch, and compares.)
  bool has_moved;
  Cell cell[SLOTS];
  // The ledger: the processor that the payment's row names.
  byte row[PAYMENTS];
}
Disk primary;
Disk standby;
// The standby has all that the primary has.
bool replicated = true;
// The process whose insert of the row waits for the standby. Nobody else sees the row until then,
// or until that session is ended: a commit whose wait is ended stays, on the primary alone.
byte inserter[PAYMENTS];
// The process whose session has the lock. A crashed process's session stays until it is ended.
byte holder = 0;
// The earlier state that the database may go back to, and an empty one.
Disk backup;
Disk nothing;
bool has_backup;
// No process is started until the books are repaired.
bool is_closed;

#define IS_VISIBLE(payment) \
  (primary.row[payment] != NOBODY && inserter[payment] == NOBODY)
#define SAYS(payment) primary.cell[SLOT_OF(payment)].says
#define HAS_CELL(payment) \
  (SAYS(payment) != FREE && primary.cell[SLOT_OF(payment)].whose == (payment))

inline copy(to, from) {
  to.epoch = from.epoch;
  to.owner = from.owner;
  to.has_moved = from.has_moved;
  for (i : 0 .. PAYMENTS - 1) {
    to.cell[SLOT_OF(i)].says = from.cell[SLOT_OF(i)].says;
    to.cell[SLOT_OF(i)].whose = from.cell[SLOT_OF(i)].whose;
    to.row[i] = from.row[i];
  };
  i = 0
}

inline end_waits() {
  for (i : 0 .. PAYMENTS - 1) {
    inserter[i] = NOBODY
  };
  i = 0
}

// ---- The processors, and requests that nobody waits for any more but that may still arrive

#define AT(processor, payment) ((processor) * PAYMENTS + (payment))
bool charged[2 * PAYMENTS];
bool late[2 * PAYMENTS];

// The database went back to a state that doesn't tell where the payment is or was sent.
bool untold[PAYMENTS];

inline charge(processor, payment) {
  // Property 1: a payment is never charged at both processors, unless nothing tells of the first.
  assert(!charged[AT(OTHER(processor), payment)] || untold[payment]);
  charged[AT(processor, payment)] = true;
}

// ---- The processes

mtype = { SPARE, LOCKED, RAISED, DOUBTING, RUNNING, CRASHED, DEAD };

// Where a payment stands in a process's memory. A name that ends in -ING waits for a commit.
mtype = {
  NOTHING,   // this process doesn't know the payment
  HOLDING,   // the journal's write "held" is wanted
  HELD,      // it is committed: the client has its 202
  PINNING,   // the write "pinned" is wanted
  PINNED,    // it is committed: the request may leave
  SENT,      // the first attempt is at the processor, or on its way
  ASKING,    // of unknown outcome, or found pinned: it stays at this processor
  DOUBTED,   // found without a pin, and yet either processor may hold it
  UNPINNING, // declined: the write "held" is wanted
  CHARGED,   // the processor holds it
  RECORDING, // the ledger's statement was run, its commit is not acknowledged
  RELEASING, // the write "free" is wanted
  UNRECORDED // only without rule FREE_BEFORE_ROW
};

typedef Memory {
  mtype at = NOTHING;
  byte pin;
  // Its write is in the commit under way.
  bool in_commit;
}
// What a commit writes.
typedef Commit {
  Cell cell[SLOTS];
}
typedef Process {
  mtype state = SPARE;
  byte epoch;
  bool committing;
  // The one under way.
  Commit commit;
  Memory memory[PAYMENTS];
}
Process process[2];

bool accepted[PAYMENTS];
byte faults = FAULTS;
byte troubles = TROUBLES;
byte restores = RESTORES;
// Counts in loops, and is 0 between them.
byte i;

#define IS_GONE(one) (process[one].state == CRASHED || process[one].state == DEAD)
#define IS_RUNNING(one) (process[one].state == RUNNING)
#define WANTS(one, payment) \
  (process[one].memory[payment].at == HOLDING || process[one].memory[payment].at == PINNING || \
   process[one].memory[payment].at == UNPINNING || process[one].memory[payment].at == RELEASING)
#if PAYMENTS == 1
#define WANTS_ANY(one) WANTS(one, 0)
#define IS_RECORDING(one) (process[one].memory[0].at == RECORDING)
#else
#define WANTS_ANY(one) (WANTS(one, 0) || WANTS(one, 1))
#define IS_RECORDING(one) \
  (process[one].memory[0].at == RECORDING || process[one].memory[1].at == RECORDING)
#endif

// Rule WRITE_WITHOUT_LOCK: a process writes only in the session that has the lock.
#ifdef WRITE_WITHOUT_LOCK
#define MAY_WRITE(one) true
#else
#define MAY_WRITE(one) (holder == one)
#endif

// Rule COMMIT_WITHOUT_STANDBY: a commit is acknowledged when the standby has it too.
#ifdef COMMIT_WITHOUT_STANDBY
#define IS_SAFE true
#else
#define IS_SAFE replicated
#endif

// Rule READ_WITHOUT_STANDBY: a successor reads only after a commit for which the standby was waited
// for: then all that it reads is there, too.
#ifdef READ_WITHOUT_STANDBY
#define MAY_READ true
#else
#define MAY_READ replicated
#endif

// Rule ROW_WITHOUT_STANDBY: so is a commit of the ledger.
#ifdef ROW_WITHOUT_STANDBY
#define ROW_IS_SAFE true
#else
#define ROW_IS_SAFE replicated
#endif

// Rule END_NO_SESSION: a successor ends the old session; the lock of a process that crashed stays.
// Rule END_OWNERS_SESSION: it ends the session that has the lock, whether or not that process is
// the owner by the lease. (It may be a successor that crashed before it had raised the epoch.)
#ifdef END_NO_SESSION
#define CAN_BE_ENDED(one) false
#else
#ifdef END_OWNERS_SESSION
#define CAN_BE_ENDED(one) ((one) == primary.owner)
#else
#define CAN_BE_ENDED(one) true
#endif
#endif

// The lock is free, or its session is that of a process that is no more, and can be ended.
#define CAN_LOCK(one) \
  (holder == NOBODY || \
   ((process[holder].state == SPARE || IS_GONE(holder)) && CAN_BE_ENDED(holder)))

// Rule RETAKE_ANY_EPOCH: a process retakes the lock only if the epoch is still its own.
#ifdef RETAKE_ANY_EPOCH
#define MAY_RETAKE(one) true
#else
#define MAY_RETAKE(one) (process[one].epoch == primary.epoch)
#endif

// Rule SEND_BEFORE_COMMIT: a request leaves only after its pin's commit.
#ifdef SEND_BEFORE_COMMIT
#define HAS_LEFT(one, payment) \
  (process[one].memory[payment].at == SENT || process[one].memory[payment].at == PINNING)
#else
#define HAS_LEFT(one, payment) (process[one].memory[payment].at == SENT)
#endif

inline put(one, payment, what) {
  process[one].commit.cell[SLOT_OF(payment)].says = what;
  process[one].commit.cell[SLOT_OF(payment)].whose = (what == FREE -> 0 : payment)
}

inline write(one, payment) {
  if
  :: process[one].memory[payment].at == HOLDING || process[one].memory[payment].at == UNPINNING ->
    printf("%c commits: payment %d is held\n", LETTER(one), payment);
    put(one, payment, HELD_CELL)
  :: process[one].memory[payment].at == PINNING ->
    printf("%c commits: payment %d is pinned to processor %d\n",
      LETTER(one), payment, process[one].memory[payment].pin);
    put(one, payment, PINNED_TO(process[one].memory[payment].pin))
  :: process[one].memory[payment].at == RELEASING ->
    printf("%c commits: the slot of payment %d is free\n", LETTER(one), payment);
    put(one, payment, FREE)
  fi;
  process[one].memory[payment].in_commit = true
}

// The database runs the statement of the commit.
inline execute(commit_of) {
  for (i : 0 .. SLOTS - 1) {
    if
    :: commit_of.cell[i].says != UNTOUCHED ->
      primary.cell[i].says = commit_of.cell[i].says;
      primary.cell[i].whose = commit_of.cell[i].whose
    :: else
    fi
  };
  i = 0;
  replicated = false
}

inline end_commit(one) {
  for (i : 0 .. PAYMENTS - 1) {
    process[one].memory[i].in_commit = false;
    process[one].commit.cell[SLOT_OF(i)].says = UNTOUCHED;
    process[one].commit.cell[SLOT_OF(i)].whose = 0
  };
  i = 0;
  process[one].committing = false
}

// Rule JOIN_COMMIT: a write waits for a commit that began after it, not for the one under way.
#ifdef JOIN_COMMIT
#define IS_DONE(one, payment) true
#else
#define IS_DONE(one, payment) process[one].memory[payment].in_commit
#endif

inline acknowledge(one, payment) {
  if
  :: IS_DONE(one, payment) && process[one].memory[payment].at == HOLDING ->
    accepted[payment] = true;
    process[one].memory[payment].at = HELD
  :: IS_DONE(one, payment) && process[one].memory[payment].at == UNPINNING ->
    process[one].memory[payment].pin = 0;
    process[one].memory[payment].at = HELD
  :: IS_DONE(one, payment) && process[one].memory[payment].at == PINNING ->
    process[one].memory[payment].at = PINNED
  :: IS_DONE(one, payment) && process[one].memory[payment].at == RELEASING ->
#ifdef FREE_BEFORE_ROW
    process[one].memory[payment].at = UNRECORDED
#else
    process[one].memory[payment].pin = 0;
    process[one].memory[payment].at = NOTHING
#endif
  :: else
  fi
}

// A commit of unknown fate that is not repeated at once: only without one of two rules.
#if defined(REPEAT_LATER) || defined(RETAKE_BESIDE_OLD_SESSION)
#define LEAVES_COMMITS
Commit left_behind;
bool is_left;
#endif

inline read_cells(one) {
  for (i : 0 .. PAYMENTS - 1) {
    if
    :: !HAS_CELL(i) ->
      process[one].memory[i].at = NOTHING
    :: HAS_CELL(i) && SAYS(i) == HELD_CELL ->
      printf("%c finds payment %d held\n", LETTER(one), i);
      process[one].memory[i].at = HELD
    :: HAS_CELL(i) && SAYS(i) == IN_DOUBT ->
      printf("%c finds payment %d in doubt\n", LETTER(one), i);
      process[one].memory[i].at = DOUBTED
    :: else ->
      process[one].memory[i].at = ASKING;
      process[one].memory[i].pin = SAYS(i) - PINNED_TO(0);
      printf("%c finds payment %d pinned to processor %d\n",
        LETTER(one), i, process[one].memory[i].pin);
#ifndef SEND_FOUND_PIN
      // Rule SEND_FOUND_PIN: what is found is looked up in the ledger before it is sent again.
      if
      :: IS_VISIBLE(i) ->
        printf("%c finds payment %d in the ledger\n", LETTER(one), i);
        process[one].memory[i].pin = primary.row[i];
        process[one].memory[i].at = CHARGED
      :: else
      fi
#endif
    fi
  };
  i = 0
}

// A process ends, and so do its sessions of the ledger. Its requests go on.
inline forget(one) {
  for (i : 0 .. PAYMENTS - 1) {
    if
    :: HAS_LEFT(one, i) || process[one].memory[i].at == ASKING ->
      late[AT(process[one].memory[i].pin, i)] = true
    :: else
    fi;
    process[one].memory[i].at = NOTHING;
    process[one].memory[i].pin = 0;
    if
    :: inserter[i] == one -> inserter[i] = NOBODY
    :: else
    fi
  };
  i = 0;
  process[one].epoch = 0;
  end_commit(one)
}

// A commit under way is of unknown fate from now on. The process learns that at its next commit.
inline lose_session(one) {
#ifdef WRITE_WITHOUT_LOCK
  end_commit(one);
#endif
  holder = NOBODY
}

// Rule TRUST_MOVED_CELLS: cells of another database are not believed about what was not sent.
#ifdef TRUST_MOVED_CELLS
#define HAS_TO_DOUBT false
#else
#define HAS_TO_DOUBT primary.has_moved
#endif

// Rule HOME_BEFORE_DOUBT: the cells count as this database's own only when the doubt is in them.
#ifdef HOME_BEFORE_DOUBT
#define DOUBT_STEP SECOND_STEP
#else
#define DOUBT_STEP FIRST_STEP
#endif
#define FIRST_STEP 1
#define SECOND_STEP 2

inline step_of_doubt(step) {
  if
  :: step == DOUBT_STEP ->
    for (i : 0 .. SLOTS - 1) {
      if
      :: primary.cell[i].says == HELD_CELL ->
        printf("%c finds another database, and puts payment %d in doubt\n", LETTER(me),
          primary.cell[i].whose);
        primary.cell[i].says = IN_DOUBT
      :: else
      fi
    };
    i = 0
  :: else ->
    printf("%c notes that the cells are this database's own now\n", LETTER(me));
    primary.has_moved = false
  fi;
  replicated = false
}

inline lose_ledger_session(one) {
  for (i : 0 .. PAYMENTS - 1) {
    if
    :: process[one].memory[i].at == RECORDING -> process[one].memory[i].at = CHARGED
    :: else
    fi;
    if
    :: inserter[i] == one -> inserter[i] = NOBODY
    :: else
    fi
  };
  i = 0
}

// ---- The lease and the journal of one process

proctype Lease(byte me) {
end:
  do
  // The takeover.
#ifdef READ_BEFORE_LOCK
  // Rule READ_BEFORE_LOCK: a successor reads the cells when it has the lock, not before.
  :: d_step {
      process[me].state == SPARE && process[me].epoch == 0 && CAN_LOCK(me) ->
      printf("%c reads the cells\n", LETTER(me));
      read_cells(me);
      process[me].epoch = 1
    }
#endif
  :: d_step {
      process[me].state == SPARE && CAN_LOCK(me) ->
      printf("%c ends the session that has the lock, if there is one, and takes the lock\n",
        LETTER(me));
      lose_session(OTHER(me));
      holder = me;
      process[me].state = LOCKED
    }
  :: d_step {
      process[me].state == SPARE && holder == OTHER(me) && CAN_BE_ENDED(holder) &&
      !CAN_LOCK(me) && faults > 0 ->
      printf("%c stands still or seems to: %c ends its session and takes the lock\n",
        LETTER(holder), LETTER(me));
      faults--;
      lose_session(OTHER(me));
      holder = me;
      process[me].state = LOCKED
    }
  :: d_step {
      process[me].state == LOCKED && holder == me ->
      primary.epoch++;
      primary.owner = me;
      replicated = false;
      process[me].state = RAISED;
      printf("%c raises the epoch to %d\n", LETTER(me), primary.epoch)
    }
  // The cells may be older than what was sent since: what has no pin is in doubt from now on. That
  // is in the cells before they count as this database's own.
  :: d_step {
      process[me].state == RAISED && holder == me && MAY_READ && HAS_TO_DOUBT ->
      process[me].state = DOUBTING;
      step_of_doubt(FIRST_STEP)
    }
  :: d_step {
      process[me].state == DOUBTING && holder == me && MAY_READ ->
      process[me].state = RAISED;
      step_of_doubt(SECOND_STEP)
    }
  :: d_step {
      process[me].state == RAISED && holder == me && MAY_READ && !HAS_TO_DOUBT ->
      process[me].epoch = primary.epoch;
      printf("%c runs the shard\n", LETTER(me));
#ifndef READ_BEFORE_LOCK
      read_cells(me);
#endif
      process[me].state = RUNNING
    }
  // A takeover that is interrupted begins again.
  :: d_step {
      (process[me].state == LOCKED || process[me].state == RAISED ||
       process[me].state == DOUBTING) && holder != me ->
      printf("%c lost its session during the takeover\n", LETTER(me));
      forget(me);
      process[me].state = SPARE
    }

  // The retake of a lost session: the same process goes on with what it has in memory.
  :: d_step {
      IS_RUNNING(me) && holder != me && CAN_LOCK(me) && MAY_RETAKE(me) ->
      printf("%c retakes the lock\n", LETTER(me));
      holder = me;
      if
      :: process[me].committing ->
#ifdef TRUST_UNACKNOWLEDGED
        // Rule TRUST_UNACKNOWLEDGED: what was not acknowledged is written again.
        for (i : 0 .. PAYMENTS - 1) {
          acknowledge(me, i)
        };
        end_commit(me)
#else
#ifdef LEAVES_COMMITS
        for (i : 0 .. SLOTS - 1) {
          left_behind.cell[i].says = process[me].commit.cell[i].says;
          left_behind.cell[i].whose = process[me].commit.cell[i].whose
        };
        is_left = true;
        end_commit(me)
#else
        printf("%c repeats its commit\n", LETTER(me));
        execute(process[me].commit)
#endif
#endif
      :: else
      fi
    }
#ifdef REPEAT_LATER
  // Rule REPEAT_LATER: a commit of unknown fate is repeated before the next one.
  :: d_step {
      is_left && IS_RUNNING(me) && holder == me ->
      printf("%c repeats its older commit\n", LETTER(me));
      is_left = false;
      execute(left_behind)
    }
#endif
#ifdef RETAKE_BESIDE_OLD_SESSION
  // Rule RETAKE_BESIDE_OLD_SESSION: a process that retakes the lock ends its old session first.
  :: d_step {
      is_left ->
      printf("the statement of the old session is run late\n");
      is_left = false;
      execute(left_behind)
    }
#endif
  :: d_step {
      IS_RUNNING(me) && holder != me && process[me].epoch != primary.epoch ->
      printf("%c sees another epoch: it ends, and is started again as a spare\n", LETTER(me));
      forget(me);
      process[me].state = SPARE
    }

  // The group commit: all writes that are wanted, one commit at a time.
  :: d_step {
      IS_RUNNING(me) && !process[me].committing && WANTS_ANY(me) && MAY_WRITE(me) ->
#ifndef ONLY_MONEY
      // Property 4: only the owner of the epoch writes.
      assert(process[me].epoch == primary.epoch && primary.owner == me);
#endif
      for (i : 0 .. PAYMENTS - 1) {
        if
        :: WANTS(me, i) -> write(me, i)
        :: else
        fi
      };
      i = 0;
      process[me].committing = true;
      execute(process[me].commit)
    }
  :: d_step {
      IS_RUNNING(me) && process[me].committing && MAY_WRITE(me) && IS_SAFE ->
      printf("%c's commit is acknowledged\n", LETTER(me));
      for (i : 0 .. PAYMENTS - 1) {
        acknowledge(me, i)
      };
      end_commit(me)
    }
  od
}

// ---- A payment's way in one process. It needs no lock: an old owner goes on with this.

#define MINE process[me].memory[payment]
#define IS_CHARGED charged[AT(MINE.pin, payment)]

// A slot holds another payment as soon as the earlier one's release is wanted, committed or not:
// the next commit of its cell does for both.
#if SLOTS == PAYMENTS
#define SLOT_IS_FREE true
#define leave_slot() skip
#else
#define EARLIER process[me].memory[OTHER(payment)]
// Rule REUSE_BEFORE_ROW: it does so only after the ledger has the earlier payment's row.
#ifdef REUSE_BEFORE_ROW
#define SLOT_IS_FREE (EARLIER.at == NOTHING || EARLIER.at == RELEASING || EARLIER.at == RECORDING)
#else
#define SLOT_IS_FREE (EARLIER.at == NOTHING || EARLIER.at == RELEASING)
#endif

inline leave_slot() {
  EARLIER.at = NOTHING;
  EARLIER.pin = 0;
  EARLIER.in_commit = false
}
#endif

inline pin_to(processor) {
  printf("%c pins payment %d to processor %d\n", LETTER(me), payment, processor);
  MINE.pin = processor;
  MINE.at = PINNING
}

inline found_at(processor) {
  printf("%c asks: processor %d holds payment %d\n", LETTER(me), processor, payment);
  MINE.pin = processor;
  MINE.at = CHARGED
}

// Rule BELIEVE_EARLY_ABSENCE: "absent" is believed only once no request of before may arrive.
#ifdef BELIEVE_EARLY_ABSENCE
#define IS_LATE(processor) false
#else
#define IS_LATE(processor) late[AT(processor, payment)]
#endif
#define IS_ABSENT_AT(processor) (!charged[AT(processor, payment)] && !IS_LATE(processor))
#ifdef ASK_ONE_PROCESSOR
#define IS_ABSENT IS_ABSENT_AT(0)
#else
#define IS_ABSENT (IS_ABSENT_AT(0) && IS_ABSENT_AT(1))
#endif

proctype Carry(byte me; byte payment) {
end:
  do
  // A client's payment, which a client repeats until it has a 202.
  :: d_step {
      IS_RUNNING(me) && MINE.at == NOTHING && !accepted[payment] && SLOT_IS_FREE ->
      if
#ifndef HOLD_WITHOUT_ASKING
      // Rule HOLD_WITHOUT_ASKING: an id that may be settled is looked up in the ledger first.
      :: IS_VISIBLE(payment) ->
        printf("%c finds payment %d in the ledger and answers 202\n", LETTER(me), payment);
        accepted[payment] = true
      :: else ->
#else
      :: true ->
#endif
        printf("%c gets payment %d from its client\n", LETTER(me), payment);
        MINE.at = HOLDING;
        leave_slot();
#ifdef ANSWER_BEFORE_COMMIT
        // Rule ANSWER_BEFORE_COMMIT: a 202 is sent only after the commit.
        accepted[payment] = true
#endif
      fi
    }

  // An attempt.
  :: d_step { IS_RUNNING(me) && MINE.at == HELD -> pin_to(0) }
  :: d_step { IS_RUNNING(me) && MINE.at == HELD -> pin_to(1) }
  :: d_step {
      IS_RUNNING(me) && MINE.at == PINNED ->
      printf("%c sends payment %d to processor %d\n", LETTER(me), payment, MINE.pin);
      MINE.at = SENT
    }
  :: d_step {
      IS_RUNNING(me) && HAS_LEFT(me, payment) ->
      printf("processor %d charges payment %d and tells %c\n", MINE.pin, payment, LETTER(me));
      charge(MINE.pin, payment);
      MINE.at = CHARGED
    }
  :: d_step {
      IS_RUNNING(me) && HAS_LEFT(me, payment) && troubles > 0 && !IS_CHARGED ->
      printf("processor %d declines payment %d and tells %c\n", MINE.pin, payment, LETTER(me));
      troubles--;
#ifdef NO_UNPIN
      // Rule NO_UNPIN: the next pin waits for the commit of the unpin.
      MINE.at = HELD
#else
      MINE.at = UNPINNING
#endif
    }
  :: d_step {
      IS_RUNNING(me) && HAS_LEFT(me, payment) && troubles > 0 ->
      printf("processor %d charges payment %d; the answer is lost\n", MINE.pin, payment);
      troubles--;
      charge(MINE.pin, payment);
      MINE.at = ASKING
    }
  :: d_step {
      IS_RUNNING(me) && HAS_LEFT(me, payment) && troubles > 0 ->
      printf("%c gets no answer for payment %d in time\n", LETTER(me), payment);
      troubles--;
      late[AT(MINE.pin, payment)] = true;
#ifdef MOVE_UNKNOWN
      // Rule MOVE_UNKNOWN: a payment of unknown outcome keeps its pin.
      MINE.at = UNPINNING
#else
      MINE.at = ASKING
#endif
    }
#ifdef SEND_AFTER_UNPIN
  // Rule SEND_AFTER_UNPIN: a payment whose unpin may be committed is not sent again before it is.
  :: d_step {
      IS_RUNNING(me) && MINE.at == UNPINNING && holder != me ->
      printf("%c can't unpin payment %d, and takes it for pinned\n", LETTER(me), payment);
      MINE.in_commit = false;
      MINE.at = ASKING
    }
#endif

  // The reconciler: the processor of the pin is asked, and the same request is sent again, only
  // there.
  :: d_step {
      IS_RUNNING(me) && MINE.at == ASKING && IS_CHARGED ->
      printf("%c asks: processor %d holds payment %d\n", LETTER(me), MINE.pin, payment);
      MINE.at = CHARGED
    }
  :: d_step {
      IS_RUNNING(me) && MINE.at == ASKING && !IS_CHARGED ->
      printf("%c sends payment %d again: processor %d charges it\n", LETTER(me), payment, MINE.pin);
      charge(MINE.pin, payment);
      MINE.at = CHARGED
    }
  :: d_step {
      IS_RUNNING(me) && MINE.at == ASKING && !late[AT(MINE.pin, payment)] && troubles > 0 ->
      printf("%c sends payment %d again and gets no answer in time\n", LETTER(me), payment);
      troubles--;
      late[AT(MINE.pin, payment)] = true
    }
#ifdef MOVE_FOUND_PIN
  // Rule MOVE_FOUND_PIN: "declined" to a second request says nothing of the first one.
  :: d_step {
      IS_RUNNING(me) && MINE.at == ASKING && !IS_CHARGED && troubles > 0 ->
      printf("%c sends payment %d again: processor %d declines it\n",
        LETTER(me), payment, MINE.pin);
      troubles--;
      MINE.at = UNPINNING
    }
#endif
  // In doubt: both processors are asked. "Absent" is believed once nothing can arrive any more.
  :: d_step {
      IS_RUNNING(me) && MINE.at == DOUBTED && charged[AT(0, payment)] ->
      found_at(0)
    }
#ifndef ASK_ONE_PROCESSOR
  // Rule ASK_ONE_PROCESSOR: a payment in doubt may be at either of them.
  :: d_step {
      IS_RUNNING(me) && MINE.at == DOUBTED && charged[AT(1, payment)] ->
      found_at(1)
    }
#endif
  :: d_step {
      IS_RUNNING(me) && MINE.at == DOUBTED && IS_ABSENT ->
      printf("%c asks, and finds payment %d at no processor\n", LETTER(me), payment);
      MINE.at = HELD
    }
  // The verifier: the ledger may have it.
  :: d_step {
      IS_RUNNING(me) && (MINE.at == ASKING || MINE.at == DOUBTED) && IS_VISIBLE(payment) ->
      printf("%c finds payment %d in the ledger\n", LETTER(me), payment);
      MINE.pin = primary.row[payment];
#ifdef BELIEVE_READ_ROW
      MINE.at = RELEASING
#else
      // Rule BELIEVE_READ_ROW: a row that was only read may be on one disk: it is recorded again,
      // which waits for the standby.
      MINE.at = CHARGED
#endif
    }

  // Recording. A row that is there already changes nothing.
  :: d_step {
      IS_RUNNING(me) && MINE.at == CHARGED &&
      (primary.row[payment] == NOBODY || IS_VISIBLE(payment)) ->
#ifdef FREE_BEFORE_ROW
      MINE.at = RELEASING
#else
      printf("%c records payment %d\n", LETTER(me), payment);
      MINE.at = RECORDING;
      if
      :: primary.row[payment] == NOBODY ->
        primary.row[payment] = MINE.pin;
        inserter[payment] = me;
        replicated = false
      :: else ->
#ifdef BELIEVE_SAME_ROW
        // Rule BELIEVE_SAME_ROW: a statement that inserts nothing must wait for the standby, too.
        MINE.at = RELEASING
#endif
      fi;
      // Property 3: the ledger names the processor that holds the payment.
      assert(charged[AT(primary.row[payment], payment)])
#endif
    }
  :: d_step {
      IS_RUNNING(me) && MINE.at == RECORDING && ROW_IS_SAFE ->
      printf("%c's row of payment %d is acknowledged\n", LETTER(me), payment);
      // Rule FREE_BEFORE_ROW: a slot is freed only after the ledger has the row.
      MINE.at = RELEASING
    }
#ifdef FREE_BEFORE_ROW
  :: d_step {
      IS_RUNNING(me) && MINE.at == UNRECORDED ->
      printf("%c records payment %d after it freed its slot\n", LETTER(me), payment);
      if
      :: primary.row[payment] == NOBODY ->
        primary.row[payment] = MINE.pin;
        replicated = false
      :: else
      fi;
      MINE.pin = 0;
      MINE.at = NOTHING
    }
#endif
  od
}

// ---- What happens to all of them

// A request that nobody waits for arrives, or never does.
proctype Late(byte processor; byte payment) {
end:
  do
  :: d_step {
      late[AT(processor, payment)] ->
      printf("a late request arrives: processor %d charges payment %d\n", processor, payment);
      late[AT(processor, payment)] = false;
      charge(processor, payment)
    }
  :: d_step {
      late[AT(processor, payment)] ->
      printf("a late request is lost\n");
      late[AT(processor, payment)] = false
    }
  od
}

proctype Database() {
end:
  do
  // The standby has caught up: commits that wait for it go on.
  :: d_step { !replicated -> copy(standby, primary); end_waits(); replicated = true }
  // A failover: what the standby lacks is lost, acknowledged or not. All sessions end.
  :: d_step {
      faults > 0 && (!replicated || holder != NOBODY) ->
      printf("the database fails over\n");
      faults--;
      copy(primary, standby);
#if RESTORES > 0
      // After a failover the doubt is needless. It has no part in the searches without a backup.
      primary.has_moved = true;
      standby.has_moved = true;
#endif
      replicated = true;
      lose_session(0);
      lose_session(1);
      lose_ledger_session(0);
      lose_ledger_session(1)
    }
  od
}

proctype Fate(byte whose) {
end:
  do
  :: d_step {
      faults > 0 && !IS_GONE(whose) ->
      printf("%c crashes\n", LETTER(whose));
      faults--;
      forget(whose);
      process[whose].state = CRASHED
    }
  :: d_step {
      process[whose].state == CRASHED && !is_closed ->
      printf("%c is started again, as a spare\n", LETTER(whose));
      process[whose].state = SPARE
    }
  // It never comes back, but one of the two does.
  :: d_step {
      process[whose].state == CRASHED && process[OTHER(whose)].state != DEAD ->
      process[whose].state = DEAD
    }
  // A session ends; the process goes on.
  :: d_step {
      faults > 0 && holder == whose && !IS_GONE(whose) && process[whose].state != SPARE ->
      printf("%c is cut off from the database\n", LETTER(whose));
      faults--;
      lose_session(whose)
    }
  :: d_step {
      faults > 0 && IS_RECORDING(whose) ->
      printf("the session in which %c records is ended\n", LETTER(whose));
      faults--;
      lose_ledger_session(whose)
    }
  od
}

// ---- A backup is made, and restored later

#if PAYMENTS == 1
#define IS_ANY_LATE (late[0] || late[1])
#else
#define IS_ANY_LATE (late[0] || late[1] || late[2] || late[3])
#endif

// Rule REPAIR_EARLY: an operator repairs the ledger when no request can arrive any more.
#ifdef REPAIR_EARLY
#define MAY_REPAIR true
#else
#define MAY_REPAIR !IS_ANY_LATE
#endif

inline stop(one) {
  if
  :: process[one].state != DEAD ->
    forget(one);
    process[one].state = CRASHED
  :: else
  fi
}

inline go_back() {
  restores--;
  copy(primary, backup);
  copy(backup, nothing);
  has_backup = false;
  primary.has_moved = true;
  copy(standby, primary);
  replicated = true;
  lose_session(0);
  lose_session(1);
  lose_ledger_session(0);
  lose_ledger_session(1)
}

#define MAY_BE_AT(processor, payment) \
  (charged[AT(processor, payment)] || late[AT(processor, payment)])

// What no rule can keep, since nothing in the database tells of it any more.
inline forgive() {
  for (i : 0 .. PAYMENTS - 1) {
    if
    :: primary.row[i] != NOBODY
    :: primary.row[i] == NOBODY && !HAS_CELL(i) ->
      // The payment is not in it. A client that has a 202 must send it again; here it does.
      accepted[i] = false;
      untold[i] = MAY_BE_AT(0, i) || MAY_BE_AT(1, i)
    :: primary.row[i] == NOBODY && HAS_CELL(i) && SAYS(i) == PINNED_TO(0) ->
      // The pin is believed, although the payment may have gone elsewhere since.
      untold[i] = MAY_BE_AT(1, i)
    :: primary.row[i] == NOBODY && HAS_CELL(i) && SAYS(i) == PINNED_TO(1) ->
      untold[i] = MAY_BE_AT(0, i)
    :: else
    fi
  };
  i = 0
}

inline repair() {
  for (i : 0 .. PAYMENTS - 1) {
    if
    :: primary.row[i] == NOBODY && charged[AT(0, i)] -> primary.row[i] = 0
    :: primary.row[i] == NOBODY && charged[AT(1, i)] -> primary.row[i] = 1
    :: else
    fi;
    standby.row[i] = primary.row[i];
    // As above.
    accepted[i] = accepted[i] && (primary.row[i] != NOBODY || HAS_CELL(i))
  };
  i = 0
}

proctype Backup() {
end:
  do
  :: d_step {
      restores > 0 && !has_backup ->
      printf("a backup is made\n");
      copy(backup, primary);
      has_backup = true
    }
#ifdef RESTORE_BESIDE_OWNER
  // Rule RESTORE_BESIDE_OWNER: all processes are stopped before the database goes back.
  :: d_step {
      has_backup ->
      printf("the backup is restored, and no process is stopped\n");
      go_back();
      forgive()
    }
#else
  :: d_step {
      has_backup ->
      printf("all processes are stopped, and the backup is restored\n");
      stop(0);
      stop(1);
      go_back();
      forgive()
    }
  // What docs/OPERATIONS.md says. After it no payment at all is charged twice.
  :: d_step {
      has_backup ->
      printf("all processes are stopped, and the backup is restored for an operator's repair\n");
      stop(0);
      stop(1);
      go_back();
      is_closed = true
    }
  :: d_step {
      is_closed && MAY_REPAIR ->
      printf("an operator adds to the ledger what the processors hold\n");
      repair();
      is_closed = false
    }
#endif
  od
}

// From any moment on nothing may go wrong any more. So Property 2 is checked after any number of
// faults, and not only after those that the budget allows.
proctype Luck() {
end:
  do
  :: d_step {
      faults + troubles + restores > 0 ->
      printf("from now on nothing goes wrong\n");
      faults = 0;
      troubles = 0;
      restores = 0;
      has_backup = false;
      copy(backup, nothing)
    }
  od
}

// Property 2: when nothing can happen any more, each payment is charged once and in the ledger, its
// client has a 202, and its slot is free. (That nothing goes on for ever is checked apart.)
proctype Books() {
  timeout ->
  for (i : 0 .. PAYMENTS - 1) {
    assert(accepted[i]);
    assert(primary.row[i] != NOBODY);
    assert(charged[AT(primary.row[i], i)]);
    assert(SAYS(i) == FREE)
  };
  i = 0
}

init {
  atomic {
    for (i : 0 .. PAYMENTS - 1) {
      primary.row[i] = NOBODY;
      inserter[i] = NOBODY
    };
    i = 0;
    end_commit(0);
    end_commit(1);
    // A runs the shard already.
    primary.epoch = 1;
    primary.owner = 0;
    copy(standby, primary);
    process[0].epoch = 1;
    process[0].state = RUNNING;
    run Database();
    run Backup();
    run Luck();
    run Lease(0);
    run Lease(1);
    run Fate(0);
    run Fate(1);
    for (i : 0 .. PAYMENTS - 1) {
      run Carry(0, i);
      run Carry(1, i);
      run Late(0, i);
      run Late(1, i)
    };
    i = 0;
    run Books()
  }
}
