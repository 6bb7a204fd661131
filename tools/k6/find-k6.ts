// Where k6 is: $K6, the PATH, ~/go/bin, /usr/local/bin, in this order.
import { accessSync, constants } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

export const HOW_TO_GET_K6 =
  'k6 not found: `go install go.k6.io/k6@v1.1.0` or your system’s k6 package brings it; K6=/path/to/k6 names another place';

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** null when there is none. A $K6 that isn't there is not passed over for another k6. */
export function findK6(env: Readonly<Record<string, string | undefined>>): string | null {
  const named = env['K6'] ?? '';
  if (named !== '') return isProgram(named) ? named : null;
  const places = [
    ...(env['PATH'] ?? '').split(delimiter),
    join(env['HOME'] ?? homedir(), 'go', 'bin'),
    '/usr/local/bin',
  ];
  return (
    places
      .filter((place) => place !== '')
      .map((place) => join(place, 'k6'))
      .find(isProgram) ?? null
  );
}
