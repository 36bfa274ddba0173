import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { TallystreamError } from '../../errors.ts';
import { makeFolder } from '../../sqlite/make-folder.ts';
import { codeOf, readFailure, unreadablePosition, writeFailure } from './position-failure.ts';

/** How far a named producer is, as `<data-dir>/producers/NAME.json` stores it. */
export interface StoredPosition {
  readonly schemaVersion: 2;
  readonly name: string;
  readonly topic: string;
  readonly topicId: string;
  /** This many lines from the input's start are in the log, and maybe more: {@link offsets} says where to look. */
  readonly lines: number;
  /** Bytes of the input that these lines take. */
  readonly bytes: number;
  /** By partition: every later line of this producer has this offset or a later one. */
  readonly offsets: readonly number[];
  /** By partition: the newest record of this producer, by which it sees whether the log has gone back. */
  readonly newest: readonly (NewestRecord | null)[];
  readonly input: InputIdentity;
}

/** A record that the log acknowledged. Its line is one of a batch's, since an append does not say which is which. */
export interface NewestRecord {
  readonly offset: number;
  readonly firstLine: number;
  readonly lastLine: number;
}

/** The first `headBytes` bytes of the input, by their hash in hexadecimal; 0 bytes say nothing. */
export interface InputIdentity {
  readonly kind: 'file' | 'stream';
  readonly headBytes: number;
  readonly headSha256: string;
}

/** Far more than the position of a topic with as many partitions as Kafka has. */
const FILE_BYTES_MAX = 64 * 1024 * 1024;

/**
 * The stored position, or undefined if there is none.
 * @throws INPUT_UNREADABLE if the file is there and does not hold one, or is not as it was written
 */
export async function readPosition(path: string): Promise<StoredPosition | undefined> {
  const text = await readText(path);
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw unreadablePosition(path, 'It is not JSON.', error);
  }
  const version = (value as { schemaVersion?: unknown } | null)?.schemaVersion;
  if (typeof version === 'number' && version > 2) {
    throw unreadablePosition(path, 'A newer version of Tallystream wrote it, or it is damaged.');
  }
  const position = version === 1 ? upgraded(value) : checked(path, value);
  if (!isPosition(position)) throw unreadablePosition(path, 'A part of the position is missing.');
  return position;
}

/**
 * Replaces the position; it is durable when this resolves. A reader, or the next start after a crash at any moment, finds
 * the old one or the new one.
 * @throws STORAGE_FULL, CONFIG_INVALID (the path cannot be written), DELIVERY_FAILED (the disk failed)
 */
export async function writePosition(path: string, position: StoredPosition): Promise<void> {
  const temporary = `${path}.new`;
  try {
    makeFolder(dirname(path));
    const handle = await createAlone(temporary);
    try {
      await handle.writeFile(`${JSON.stringify({ ...position, sha256: sealOf(position) }, null, 2)}\n`);
      // Without this the new name could come to stand for a file whose bytes were never written.
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
    await syncFolder(dirname(path));
  } catch (error) {
    throw writeFailure(path, error);
  }
}

/** A file that only this user can read. What a killed run left there is removed; a link there is not followed. */
async function createAlone(path: string): Promise<FileHandle> {
  await unlink(path).catch((error: unknown) => {
    if (codeOf(error) !== 'ENOENT') throw error;
  });
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
  // Windows has no O_NOFOLLOW, which counts as 0 here; O_EXCL alone refuses a link, too.
  return open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
}

async function readText(path: string): Promise<string | undefined> {
  let handle: FileHandle | undefined;
  try {
    // O_NONBLOCK: opening a named pipe would otherwise wait for somebody who writes to it.
    handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stats = await handle.stat();
    if (!stats.isFile()) throw unreadablePosition(path, 'It is not a file.');
    if (stats.size > FILE_BYTES_MAX) throw unreadablePosition(path, `It has ${stats.size} bytes.`);
    return await handle.readFile('utf8');
  } catch (error) {
    if (error instanceof TallystreamError) throw error;
    if (codeOf(error) === 'ENOENT') return undefined;
    throw readFailure(path, error);
  } finally {
    await handle?.close();
  }
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

/** Of everything that the file says but itself. */
function sealOf(position: object): string {
  return createHash('sha256').update(JSON.stringify(position)).digest('hex');
}

/** @throws INPUT_UNREADABLE if the checksum is not that of the rest */
function checked(path: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  const { sha256, ...position } = value as { sha256?: unknown };
  if (sha256 === sealOf(position)) return position;
  throw unreadablePosition(
    path,
    'Its checksum does not match its contents: the file is damaged or was edited.',
  );
}

/** The first version had neither a checksum, nor the newest records, nor the beginning of a stream. */
function upgraded(value: unknown): unknown {
  const { input, ...rest } = value as { input?: { kind?: unknown } };
  const identity = input?.kind === 'stream' ? { kind: 'stream', headBytes: 0, headSha256: '' } : input;
  return { ...rest, schemaVersion: 2, newest: [], input: identity };
}

function isPosition(value: unknown): value is StoredPosition {
  const position = value as Partial<StoredPosition> | null | undefined;
  return (
    typeof position === 'object' &&
    position?.schemaVersion === 2 &&
    typeof position.name === 'string' &&
    typeof position.topic === 'string' &&
    typeof position.topicId === 'string' &&
    isCount(position.lines) &&
    isCount(position.bytes) &&
    Array.isArray(position.offsets) &&
    position.offsets.every(isCount) &&
    Array.isArray(position.newest) &&
    position.newest.every(isNewest) &&
    isIdentity(position.input)
  );
}

function isNewest(value: unknown): boolean {
  if (value === null) return true;
  const { offset, firstLine, lastLine } = value as Partial<NewestRecord>;
  return isCount(offset) && isCount(firstLine) && isCount(lastLine);
}

function isIdentity(value: unknown): boolean {
  const identity = value as { kind?: unknown; headBytes?: unknown; headSha256?: unknown } | null | undefined;
  return (
    (identity?.kind === 'file' || identity?.kind === 'stream') &&
    isCount(identity.headBytes) &&
    typeof identity.headSha256 === 'string'
  );
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
