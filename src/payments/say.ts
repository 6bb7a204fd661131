export function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** For what isn't the result: warnings, reasons, questions. */
export function warn(text: string): void {
  process.stderr.write(`${text}\n`);
}

/**
 * Lets the command go on without its output: an action that is under way must not end half-way.
 * `payments list | head` closes the pipe, and what is left isn't wanted. After another error, as of
 * a full disk, the output lacks something that is wanted: the exit code is 1.
 */
export function tolerateLostOutput(): void {
  process.stdout.on('error', ({ code, message }: NodeJS.ErrnoException) => {
    if (code === 'EPIPE') return;
    process.exitCode = 1;
    warn(`the output can not be written: ${message}`);
  });
  process.stderr.on('error', () => {});
}
