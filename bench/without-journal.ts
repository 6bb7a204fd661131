// Loaded before main.js (`node --import`), it removes the journal's writes. The instance then loses
// its payments when it dies: for measuring what the journal costs, and for nothing else.

import { Journal } from '../src/buffer/journal.ts';

const nothing = (): void => {};
Journal.prototype.hold = nothing;
Journal.prototype.pin = nothing;
Journal.prototype.release = nothing;
