// The process of one API instance: handles signals from its first moment on. The rest is in
// instance.ts.
//
// The first process of a container gets only the signals that it handles. A SIGTERM during the
// start would be lost, and the container killed after its grace period. So nothing is loaded before
// the handlers stand.

const stop = new AbortController();

for (const name of ['SIGTERM', 'SIGINT'] as const) {
  process.on(name, (_: NodeJS.Signals, number: number) => {
    // A second signal ends it at once: what is held is in the journal.
    if (stop.signal.aborted) process.exit(128 + number);
    stop.abort();
  });
}

// DATABASE_URL alone says where the database is. The drivers read PG* variables when they load.
const { forgetPgVariables } = await import('./config/database-address.ts');
forgetPgVariables(process.env);
const { run } = await import('./instance.ts');
await run(process.env, stop.signal);
