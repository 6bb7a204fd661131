// The three kinds of settings: a text, a word of several, a whole number.

/** A setting that is an address or a path. Without a default it must be given. */
interface TextSetting {
  readonly meaning: string;
  /** It may be left out: then it is ''. */
  readonly isOptional?: boolean;
  /** What holds without it, for documents. */
  readonly otherwise?: string;
}

/** A setting that is one of some words; the first word is the default. */
interface WordSetting<Word extends string> {
  readonly words: readonly Word[];
  readonly meaning: string;
}

/** A setting that is a whole number from `min` to `max`; `preset` is the default. */
export interface NumberSetting {
  readonly unit: string;
  readonly preset: number;
  readonly min: number;
  readonly max: number;
  readonly meaning: string;
}

export type Setting = TextSetting | WordSetting<string> | NumberSetting;

export const text = (meaning: string): TextSetting => ({ meaning });

export const optionalText = (meaning: string, otherwise: string): TextSetting => ({
  meaning,
  isOptional: true,
  otherwise,
});

export const word = <Word extends string>(
  words: readonly Word[],
  meaning: string,
): WordSetting<Word> => ({
  words,
  meaning,
});

export const number = (
  preset: number,
  [min, max]: readonly [number, number],
  unit: string,
  meaning: string,
): NumberSetting => ({ unit, preset, min, max, meaning });
