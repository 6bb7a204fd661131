// A mutation: a change of the program's compiled text.

interface Patch {
  /** Below src, compiled. */
  readonly file: string;
  /** Stands there once. */
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
