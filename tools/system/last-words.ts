// What a program that ended said of the reason.

const REASON = /FATAL: |PANIC: |\[emerg\]|: error: |^\w*Error: /;

/** The last line that gives a reason, as PostgreSQL, nginx and Node mark it; else the last line; empty when it said nothing. */
export function lastWords(output: string): string {
  const lines = output.trim().split('\n');
  return lines.findLast((line) => REASON.test(line)) ?? lines.at(-1) ?? '';
}
