// One simulated payment processor as a process of its own:
//   node dist/tools/simulator.js --name default --port 8001 --fee 5 [--host 127.0.0.1] [--token 123] [--state FILE]
// Prints one JSON line when it listens; SIGTERM or SIGINT ends it.

import { parseArgs } from 'node:util';
import { startSimulator } from './simulator/processor-simulator.ts';

const { values } = parseArgs({
  options: {
    name: { type: 'string' },
    port: { type: 'string' },
    fee: { type: 'string' },
    host: { type: 'string' },
    token: { type: 'string' },
    state: { type: 'string' },
  },
});

const { name, host, token, state } = values;
const port = Number(values.port);
const feePercent = Number(values.fee);
if (name === undefined || !(port >= 0 && port < 65_536) || !(feePercent >= 0 && feePercent < 100)) {
  console.error('needs --name, --port (0 is any free one) and --fee (in percent)');
  process.exit(2);
}

const simulator = await startSimulator({ name, port, feePercent, host, token, stateFile: state });

const end = (): void => {
  simulator.close().catch((error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  });
};
process.once('SIGTERM', end);
process.once('SIGINT', end);
// Only now: whoever reads the line may send a signal at once.
console.log(JSON.stringify({ event: 'listening', name, url: simulator.url }));
