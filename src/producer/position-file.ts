import { open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { TallystreamError } from '../errors.ts';
import { makeFolder } from '../make-folder.ts';

/** How far a named producer is, as it lies in `<data-dir>/producers/NAME.json`. */
export interface StoredPosition {
  readonly schemaVersion: 1;
  readonly name: string;
  readonly topic: string;
  readonly topicId: string;
  /** This many lines from the input's start are in the log, and maybe more: {@link offsets} says where to look. */
  readonly lines: number;
  /** Bytes of the input that these lines take. */
  readonly bytes: number;
  /** By partition: every later line of this producer lies at this offset or after it. */
  readonly offsets: readonly number[];
  readonly input: InputIdentity;
}

export type InputIdentity =
  | { readonly kind: 'stream' }
  /** Of the first `headBytes` bytes, in hexadecimal. */
  | { readonly kind: 'file'; readonly headBytes: number; readonly headSha256: string };

/**
 * The stored position, or undefined where there is none.
 * @throws INPUT_UNREADABLE where the file is there and does not hold one
 */
export async function readPosition(path: string): Promise<StoredPosition | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw damaged(path, (error as Error).message, error);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw damaged(path, 'It is not JSON.', error);
  }
  if (!isPosition(value)) throw damaged(path, 'It lacks what a position has, or another version wrote it.');
  return value;
}

/**
 * Replaces the position, durably when it resolves. A reader, or the next start after a crash at any moment, finds the
 * old one or the new one.
 */
export async function writePosition(path: string, position: StoredPosition): Promise<void> {
  const temporary = `${path}.new`;
  makeFolder(dirname(path));
  const handle = await open(temporary, 'w', 0o644);
  try {
    await handle.writeFile(`${JSON.stringify(position, null, 2)}\n`);
    // Without this the new name could come to stand for a file whose bytes were never written.
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, path);
  await syncFolder(dirname(path));
}

/** Makes a rename in the folder durable. Windows has no such call, and its file system journals renames by itself. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function isPosition(value: unknown): value is StoredPosition {
  const position = value as Partial<StoredPosition> | null;
  return (
    typeof position === 'object' &&
    position?.schemaVersion === 1 &&
    typeof position.name === 'string' &&
    typeof position.topic === 'string' &&
    typeof position.topicId === 'string' &&
    isCount(position.lines) &&
    isCount(position.bytes) &&
    Array.isArray(position.offsets) &&
    position.offsets.every(isCount) &&
    isIdentity(position.input)
  );
}

function isIdentity(value: unknown): boolean {
  const identity = value as { kind?: unknown; headBytes?: unknown; headSha256?: unknown } | null | undefined;
  if (identity?.kind === 'stream') return true;
  return identity?.kind === 'file' && isCount(identity.headBytes) && typeof identity.headSha256 === 'string';
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function damaged(path: string, why: string, cause?: unknown): TallystreamError {
  return new TallystreamError('INPUT_UNREADABLE', {
    what: `The position in ${path} cannot be read.`,
    why,
    mend: 'Restore the file; or remove it, and the input is delivered again from its first line.',
    cause,
  });
}
