// Loaded before main.js (`node --import`), takes the journal's writes away: the arm that shows what the journal costs. What it accepted is
// lost when it dies; for measuring only.

import { Journal } from '../src/buffer/journal.ts';

const nothing = (): void => {};
Journal.prototype.hold = nothing;
Journal.prototype.pin = nothing;
Journal.prototype.free = nothing;
