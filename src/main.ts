// The process of one API instance: hears signals from its first moment on, and leaves the rest to instance.ts.
//
// The first process of a container gets no signal that it doesn't handle, so a SIGTERM during the start would be lost, and it would
// be killed after the grace period. Hence nothing is loaded before the handling stands.

const stop = new AbortController();

for (const name of ['SIGTERM', 'SIGINT'] as const) {
  process.on(name, (_: NodeJS.Signals, number: number) => {
    // The second one: at once. What is held is in the journal.
    if (stop.signal.aborted) process.exit(128 + number);
    stop.abort();
  });
}

// Before anything that looks for them is loaded: DATABASE_URL alone says where the database is.
const { forgetPgVariables } = await import('./database-address.ts');
forgetPgVariables(process.env);
const { run } = await import('./instance.ts');
await run(process.env, stop.signal);
