// What each benchmark measures, what it needs and how long it takes: for the list that `npm run
// bench` prints, and for each benchmark's own --help.

import type { Command } from '../tools/command-line.ts';
import { DOCKER } from '../tools/compose/composition.ts';

export const CONTEST = {
  name: 'bench:contest',
  does:
    "Measures latency, CPU, memory and score in the contest's test, with the submission in " +
    'containers under its limits, next to a server that does nothing (the floor). Each run has ' +
    'new containers; each round runs all arms in turn. Says how quiet the machine was, keeps the ' +
    'figures by commit, and says what is worse than at the last commit that was measured.',
  needs: `${DOCKER.needs}; and k6`,
  takes: 'Takes a minute and a half (preview) or six (final) for each arm in each round.',
  environment: { ...DOCKER.environment, K6: 'the path of k6' },
} as const satisfies Command;

export const LIMITS = {
  name: 'bench:limits',
  does:
    'Measures what the submission sustains in containers under its limits, with simulated ' +
    'processors and an open-loop load: the latency while a backlog is drained, a burst of ' +
    '5,000 payments/s, the highest rate of intake, the highest rate that is charged and recorded ' +
    'in time, or the CPU that a payment costs.',
  ...DOCKER,
  takes: 'Takes five to ten minutes; sustained up to a quarter of an hour for each delay.',
} as const satisfies Command;

export const JOURNAL = {
  name: 'bench:journal',
  does:
    'Measures what the journal costs: CPU per payment and the latency of POST /payments with ' +
    'each JOURNAL_SYNC and without a journal, on one instance without nginx. "none" is measured ' +
    'twice: the difference between the two is the noise.',
  takes: 'Takes a minute and a half for each round, with the defaults.',
} as const satisfies Command;

export const CLUSTER = {
  name: 'bench:cluster',
  does:
    'Measures the latency of POST /payments, CPU, WAL and commits of a payment with the journal ' +
    'in a file and in a table, without and with a synchronous standby, on one machine.',
  takes: 'Takes a minute and a half for each round, with the defaults.',
} as const satisfies Command;

export const LEDGER = {
  name: 'bench:ledger',
  does:
    'Measures how long a summary takes, through nginx, over 15 seconds, an hour, a day and ' +
    'everything, with 100,000 settled payments and with ten million, spread over a month and ' +
    'over a day.',
  needs: 'five gigabytes of disk',
  takes: 'Takes five to ten minutes.',
} as const satisfies Command;

export const STUCK = {
  name: 'bench:stuck',
  does:
    'Measures how long good payments wait while 200 others are refused by both processors, for ' +
    'each way of refusing. "none" is measured twice: the difference between the two is the noise.',
  takes: 'Takes three minutes for each round, with the defaults.',
} as const satisfies Command;

export const STANDSTILL = {
  name: 'bench:standstill',
  does:
    'Measures how long two instances need until payments are answered as before, after they ' +
    'were stopped in turn for longer than nginx waits, alone on the machine and beside six ' +
    'processes that want all of its CPU.',
  takes: 'Takes two minutes for each round, with the defaults.',
} as const satisfies Command;

export const EDGE = {
  name: 'bench:edge',
  does:
    "Measures the latency of one client's payments while another client keeps a thousand " +
    'connections open on which no request becomes whole, through nginx with a limit for each ' +
    'client. "none" is measured twice: the difference between the two is the noise.',
  takes: 'Takes a minute and a half for each round, with the defaults.',
} as const satisfies Command;

export const RESTART = {
  name: 'bench:restart',
  does:
    'Measures the latency of POST /payments around a kill -9 and a restart of an ' +
    'instance, with ten million settled payments in the ledger: with the file that keeps the ' +
    'settled ids, and without it. Makes a plot, too.',
  takes: 'Takes a quarter of an hour, and 3 GB of disk.',
} as const satisfies Command;

export const ARCHIVE = {
  name: 'bench:archive',
  does:
    'Measures how long a month of a million payments takes to be archived and detached, ' +
    'statement by statement, how long a writer waits meanwhile, and what the payments take on ' +
    'the disk.',
  takes: 'Takes five minutes, and 1 GB of disk.',
} as const satisfies Command;

export const POLICY = {
  name: 'bench:policy',
  does:
    "Computes what each policy and price earns in both of the contest's tests, replayed on " +
    'virtual time.',
  takes: 'Takes two minutes; with --quick some seconds.',
} as const satisfies Command;
