// A mutation: a wrong program, as replacements in the program's compiled text. mutations.test.ts
// checks that each replaced text occurs exactly once, so a change of the program is noticed at
// once.

interface Patch {
  /** Below src, compiled. */
  readonly file: string;
  /** Occurs once. A space stands for any white space, so the layout of the text does not matter. */
  readonly from: string;
  readonly to: string;
}

export interface Mutation {
  readonly name: string;
  readonly patches: readonly Patch[];
}

export const one = (name: string, file: string, from: string, to: string): Mutation => ({
  name,
  patches: [{ file, from, to }],
});

/** @throws when `text` has `from` never or more than once */
export function patched(text: string, { file, from, to }: Patch): string {
  const words = from.split(' ').map((word) => word.replace(/[$()*+./?[\\\]^{|}]/g, '\\$&'));
  const parts = text.split(new RegExp(words.join('\\s+')));
  if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} times: ${from}`);
  return parts.join(to);
}
