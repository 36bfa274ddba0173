/**
 * The data folder whose bits are flipped: made by the commands, with two write-ahead logs as a kill leaves them, and with
 * records that the query has not read yet. Every line of it was acknowledged.
 */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { PRODUCER } from '../producer-kills.ts';
import { createCases, fileOf, type Case } from '../purchases.ts';
import { createWorkplace, type Workplace } from '../workplace.ts';

/** Lines that are in the files themselves; those in the write-ahead logs follow, and then those that were not read. */
const LINES_IN_FILES = 300;
const LINES_READ = 450;
export const LINES_ACKNOWLEDGED = 540;
/** Fewer and larger writes make fewer positions. */
const APPEND_MAX = 50;
const OFFSETS_MAX = 60;
/** Delivered after the flip, by a producer that resumes. */
const LINES_AFTER = 60;

export interface Template {
  readonly folder: string;
  readonly dataDir: string;
  readonly checkpoint: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Of all lines, those after the flip included. */
  readonly cases: readonly Case[];
  /** A file of all of them. */
  readonly path: string;
  /** The reports that the query printed, by batch. */
  readonly reports: readonly Report[];
}

export interface Report {
  readonly batchId: number;
  readonly runningTotals: unknown;
}

/** Paths within the data folder. */
export const LOG = 'log.db';
const POSITION = join('producers', `${PRODUCER}.json`);

/** What the system makes of the other files when it needs it, and locks that hold nothing. */
const LEFT_OUT = /-shm$|\.lock$|\.new$/;

/** The files of the data folder, by their path within it, in order of their names. */
export function filesIn(dataDir: string): string[] {
  return readdirSync(dataDir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !LEFT_OUT.test(entry.name))
    .map((entry) => relative(dataDir, join(entry.parentPath, entry.name)))
    .toSorted();
}

/** Without one of these the template is not what it is meant to be. */
const DUE = [LOG, `${LOG}-wal`, POSITION, 'checkpoint.db', 'checkpoint.db-wal', 'lock.db'];

/** `remove` removes it. */
export async function createTemplate(
  seed: string,
): Promise<{ readonly template: Template; readonly remove: () => Promise<void> }> {
  const place = createWorkplace({ appendMax: APPEND_MAX, offsetsMax: OFFSETS_MAX });
  try {
    return { template: await makeTemplate(place, seed), remove: () => place.remove() };
  } catch (error) {
    await place.remove();
    throw error;
  }
}

async function makeTemplate(place: Workplace, seed: string): Promise<Template> {
  const cases = createCases(seed, LINES_ACKNOWLEDGED + LINES_AFTER);
  const path = place.write(cases);
  const reports: Report[] = [];
  const produceTo = async (lines: number): Promise<void> => {
    const input = place.write(cases.slice(0, lines), 'first.ndjson');
    // The same file, which has grown.
    await ok(place, ['produce', '--from', input, '--resume', PRODUCER]);
  };
  const run = async (): Promise<void> => {
    const stdout = await ok(place, ['run', '--available-now', '--json']);
    for (const line of stdout.split('\n')) if (line !== '') reports.push(JSON.parse(line) as Report);
  };
  await produceTo(LINES_IN_FILES);
  await run();
  // A connection that is open keeps SQLite from moving the write-ahead logs into their files.
  const open = [place.logPath, join(place.checkpoint, 'checkpoint.db')].map(holdOpen);
  await produceTo(LINES_READ);
  await run();
  await produceTo(LINES_ACKNOWLEDGED);
  const copy = join(place.folder, 'template');
  mkdirSync(copy);
  for (const file of filesIn(place.dataDir)) {
    cpSync(join(place.dataDir, file), join(copy, file), { recursive: true });
  }
  open.forEach((database) => database.close());
  rmSync(place.dataDir, { recursive: true });
  writeFileSync(path, fileOf(cases));
  const checkpoint = join(copy, place.checkpoint.slice(place.dataDir.length + 1));
  const { folder, options } = place;
  const template = { folder, dataDir: copy, checkpoint, env: options.env ?? {}, cases, path, reports };
  const files = filesIn(copy);
  for (const due of DUE)
    assert.ok(
      files.some((file) => file.endsWith(due)),
      `${due} is missing: ${files.join()}`,
    );
  return template;
}

async function ok(place: Workplace, words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await place.run(words);
  assert.equal(code, 0, stderr);
  return stdout;
}

function holdOpen(path: string): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: 60_000 });
  database.prepare('SELECT count(*) FROM sqlite_schema').get();
  return database;
}

/** A copy of the data folder in which one bit is another one. */
export function flippedCopy(template: Template, to: string, flip: Flip | undefined): void {
  rmSync(to, { recursive: true, force: true });
  for (const file of filesIn(template.dataDir))
    cpSync(join(template.dataDir, file), join(to, file), { recursive: true });
  if (flip === undefined) return;
  const path = join(to, flip.file);
  const bytes = readFileSync(path);
  bytes[flip.at] = (bytes[flip.at] as number) ^ (1 << flip.bit);
  writeFileSync(path, bytes);
}

export interface Flip {
  /** Within the data folder. */
  readonly file: string;
  readonly at: number;
  readonly bit: number;
}
