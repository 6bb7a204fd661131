// Wraps a method, so that a process can act at an exact place.

export type Method = (this: object, ...parameters: unknown[]) => unknown;

export function wrap(target: object, name: string, around: (original: Method) => Method): void {
  Reflect.set(target, name, around(Reflect.get(target, name) as Method));
}
