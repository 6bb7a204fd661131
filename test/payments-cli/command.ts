// Runs `npm run payments` without npm.

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const PAYMENTS = fileURLToPath(new URL('../../src/payments.js', import.meta.url));

export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

const WITHOUT: Environment = {
  ADMIN_LISTEN: undefined,
  ADMIN_TOKEN: undefined,
  COLUMNS: undefined,
  DATA_DIR: '/nowhere',
  INIT_CWD: undefined,
};

export function payments(words: readonly string[], environment: Environment = {}): Promise<Ended> {
  const env = { ...process.env, ...WITHOUT, ...environment };
  return new Promise((resolve) => {
    execFile(process.execPath, [PAYMENTS, ...words], { env }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code), out, err });
    });
  });
}
