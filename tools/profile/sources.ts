// Puts the TypeScript sources in the place of the compiled files in what a profiler collected: a
// frame of dist/src/engine.js becomes the frame of src/engine.ts, with its line there.

import { readFileSync } from 'node:fs';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { dirname, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Stands for the project's directory. The clinic tools name the program after its last part. They
 * take a file for JavaScript only if ".js" is somewhere in its path.
 */
export const PROJECT = '/.js/repasse';

/** Lines and columns count from 1. */
interface Position {
  readonly path: string;
  readonly line: number;
  readonly column: number;
}

/** Of the inspector's profiles: lines and columns count from 0. */
interface CallFrame {
  url: string;
  lineNumber: number;
  columnNumber: number;
}

interface HeapNode {
  readonly callFrame: CallFrame;
  readonly children: readonly HeapNode[];
}

/** What the inspector's allocation sampling made. */
export interface HeapProfile {
  readonly head: HeapNode;
}

/** A sample of clinic flame: a stack of frames, named "function file:line:column". */
export type Stack = readonly { name: string }[];

const PLACE = /^(.*?) ?((?:file:\/\/)?\/.*):(\d+):(\d+)$/;

export class Sources {
  readonly #root: string;
  readonly #maps = new Map<string, SourceMap | undefined>();

  /** `root` is the project's directory. */
  constructor(root: string) {
    this.#root = resolve(root);
  }

  /** Changes the frames of flame's samples. */
  renameStacks(stacks: readonly Stack[]): void {
    for (const frame of stacks.flat()) {
      const [, called = '', file = '', line, column] = PLACE.exec(frame.name) ?? [];
      if (file === '') continue;
      const at = this.#position(file, Number(line), Number(column));
      frame.name = `${called} ${at.path}:${at.line}:${at.column}`;
    }
  }

  /** Changes the frames of a heap profile, beginning with `node`. */
  renameHeap({ callFrame, children }: HeapNode): void {
    const { url, lineNumber, columnNumber } = callFrame;
    if (url.startsWith('file://') || url.startsWith('/')) {
      const at = this.#position(url, lineNumber + 1, columnNumber + 1);
      callFrame.url = at.path;
      callFrame.lineNumber = at.line - 1;
      callFrame.columnNumber = at.column - 1;
    }
    for (const child of children) this.renameHeap(child);
  }

  /** `file` is a path or a URL. Without a map the position stays; the project's path is PROJECT. */
  #position(file: string, line: number, column: number): Position {
    const path = file.startsWith('file://') ? fileURLToPath(file) : file;
    const entry = this.#mapOf(path)?.findEntry(line - 1, column - 1);
    if (entry === undefined || !('originalSource' in entry)) {
      return { path: this.#named(path), line, column };
    }
    const source = resolve(dirname(path), entry.originalSource);
    return {
      path: this.#named(source),
      line: entry.originalLine + 1,
      column: entry.originalColumn + 1,
    };
  }

  #mapOf(path: string): SourceMap | undefined {
    if (!this.#maps.has(path)) this.#maps.set(path, readMap(`${path}.map`));
    return this.#maps.get(path);
  }

  #named(path: string): string {
    const within = relative(this.#root, path);
    return within.startsWith('..') ? path : `${PROJECT}/${within}`;
  }
}

/** undefined if there is none. */
function readMap(path: string): SourceMap | undefined {
  try {
    return new SourceMap(JSON.parse(readFileSync(path, 'utf8')) as SourceMapPayload);
  } catch {
    return undefined;
  }
}
