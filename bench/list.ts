// `npm run bench`: lists the benchmarks and runs none.

import { readCommandLine, wrapped, type Command } from '../tools/command-line.ts';
import * as benchmarks from './benchmarks.ts';

readCommandLine({ name: 'bench', does: 'Lists the benchmarks.', takes: 'Runs none of them.' });
for (const { name, does, needs, takes } of Object.values<Command>(benchmarks)) {
  console.log(`npm run ${name}`);
  for (const text of [does, needs && `Needs ${needs}.`, takes]) {
    if (text !== undefined) console.log(wrapped(text, 4));
  }
  console.log();
}
console.log('npm run <name> -- --help says what a benchmark takes.');
