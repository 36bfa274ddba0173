/** Files that are there whole or not at all, in folders by output, and a note of whose they are. */
import { createWriteStream } from 'node:fs';
import { open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Readable, type Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { TallystreamError } from '../errors.ts';
import { makeFolder } from '../sqlite/make-folder.ts';

/** Programs that read folders (Spark, Hive, DuckDB's globs) pass over names that begin with `_` or `.`. */
const OWNER_FILE = '_tallystream.json';
const TEMPORARY = /^\.batch-\d+\.[^/]*\.tmp$/;
const BATCH = /^batch-(\d{8,})\./;

const BATCH_DIGITS = 8;

export type Chunks = Iterable<Uint8Array | string>;

/** `batch-00000012.ndjson`: in order of their names files are in order of their batches. */
export function batchFile(batchId: number, extension: string): string {
  return `batch-${String(batchId).padStart(BATCH_DIGITS, '0')}.${extension}`;
}

/** The name of an output as that of a folder which readers do not pass over and no system refuses. */
export function folderName(output: string): string {
  return encodeURIComponent(output)
    .replaceAll('*', '%2A')
    .replace(/^[._]/, (first) => (first === '.' ? '%2E' : '%5F'));
}

/**
 * Writes a file under a hidden name, waits until it is on the disk, and gives it its name, in place of one that had it.
 * `epoch` keeps a runner that was taken for dead from writing into the same hidden file.
 */
export async function writeWhole(
  path: string,
  chunks: Chunks,
  transform: Duplex | undefined,
  epoch: number,
): Promise<void> {
  const folder = dirname(path);
  const hidden = join(folder, `.${basename(path)}.${epoch}.tmp`);
  await prepareFolder(folder);
  try {
    // An existing file of the hidden name, even a symbolic link that someone put there, is removed and never followed.
    await rm(hidden, { force: true });
    const file = createWriteStream(hidden, { flush: true, flags: 'wx', mode: await modeIn(folder) });
    const source = Readable.from(chunks, { objectMode: true });
    if (transform === undefined) await pipeline(source, file);
    else await pipeline(source, transform, file);
    await rename(hidden, path);
  } catch (error) {
    await rm(hidden, { force: true }).catch(() => undefined);
    throw error;
  }
  await flushFolder(folder);
}

/** A file may be read by those who may read its folder: one that is made here is for its owner alone. */
async function modeIn(folder: string): Promise<number> {
  const { mode } = await stat(folder);
  return 0o600 | (mode & 0o044);
}

/** Removes files that may not be there. */
export async function removeFiles(folder: string, names: readonly string[]): Promise<void> {
  const held = new Set(await namesIn(folder));
  const there = names.filter((name) => held.has(name));
  for (const name of there) await rm(join(folder, name), { force: true });
  if (there.length > 0) await flushFolder(folder);
}

/**
 * Removes what earlier runners left hidden, and answers the highest batch of which there is a file; undefined if there
 * is none.
 */
export async function settleFolder(path: string): Promise<number | undefined> {
  let highest: number | undefined;
  for (const folder of await namesIn(path)) {
    for (const name of await namesIn(join(path, folder))) {
      if (TEMPORARY.test(name)) await rm(join(path, folder, name), { force: true });
      const batch = BATCH.exec(name)?.[1];
      if (batch !== undefined) highest = Math.max(highest ?? -1, Number(batch));
    }
  }
  return highest;
}

/**
 * Notes that a folder is a query's. One of two would replace the files of the other.
 * @throws CONFIG_INVALID if it is another query's
 */
export async function claimFolder(path: string, queryId: string, epoch: number): Promise<void> {
  const owner = await ownerOf(path);
  if (owner === queryId) return;
  if (owner !== undefined) {
    throw new TallystreamError('CONFIG_INVALID', {
      what: `The folder ${path} contains the files of another query (${owner}).`,
      why: 'A query gets a new id if its checkpoint was removed or moved.',
      hint: 'Use another folder, move the files out of this one, or restore the checkpoint.',
    });
  }
  const note = `${JSON.stringify({ schemaVersion: 1, queryId })}\n`;
  await writeWhole(join(path, OWNER_FILE), [note], undefined, epoch);
}

async function ownerOf(path: string): Promise<string | undefined> {
  try {
    const note = JSON.parse(await readFile(join(path, OWNER_FILE), 'utf8')) as { queryId?: unknown } | null;
    return typeof note?.queryId === 'string' ? note.queryId : 'unknown';
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    if (error instanceof SyntaxError) return 'unknown';
    throw error;
  }
}

async function prepareFolder(path: string): Promise<void> {
  const first = makeFolder(path);
  if (first === undefined) return;
  // A folder is found again after a power cut where the one around it is on the disk: from the first new one down.
  for (let at = path; at.length >= first.length; at = dirname(at)) await flushFolder(dirname(at));
}

async function flushFolder(path: string): Promise<void> {
  // Windows opens no folders, and writes their changes by itself.
  if (process.platform === 'win32') return;
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function namesIn(path: string): Promise<readonly string[]> {
  try {
    return await readdir(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw error;
  }
}
