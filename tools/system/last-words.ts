// The line in which a program that ended gave the reason.

const REASON = /FATAL: |PANIC: |\[emerg\]|: error: |^\w*Error: /;

/** The last line that PostgreSQL, nginx or Node marks as an error; else the last line. */
export function lastWords(output: string): string {
  const lines = output.trim().split('\n');
  return lines.findLast((line) => REASON.test(line)) ?? lines.at(-1) ?? '';
}
