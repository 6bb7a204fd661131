// The colours of curves, by name: each has a light and a dark form.

export const TONES = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'] as const;

export type Tone = (typeof TONES)[number];
