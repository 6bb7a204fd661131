// One simulated payment processor as a process of its own. Prints one JSON line when it listens.
// SIGTERM or SIGINT ends it.

import { readCommandLine } from './command-line.ts';
import { startSimulator } from './simulator/processor-simulator.ts';

const { name, port, fee, host, token, state } = readCommandLine({
  name: 'simulator',
  does: 'Runs one simulated payment processor.',
  takes: 'Runs until SIGTERM or SIGINT.',
  options: {
    name: { about: 'its name' },
    port: { about: 'the port; 0 is any free one', least: 0, most: 65_535 },
    fee: { about: 'the fee in percent', least: 0, most: 99.99, fraction: true },
    host: { about: 'the address to listen at', otherwise: '127.0.0.1' },
    token: { about: 'the token of the admin endpoints', otherwise: '123' },
    state: { about: 'the file that keeps the payments', otherwise: 'memory alone' },
  },
});

const simulator = await startSimulator({
  name,
  port,
  feePercent: fee,
  host,
  token,
  stateFile: state,
});

const end = (): void => {
  simulator.close().catch((error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  });
};
process.once('SIGTERM', end);
process.once('SIGINT', end);
// Last, because whoever reads the line may send a signal at once.
console.log(JSON.stringify({ event: 'listening', name, url: simulator.url }));
