import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { InvariantError, TallystreamError } from '../../../src/errors.ts';
import { openCheckpoint } from '../../../src/checkpoint/open/open.ts';
import type { Checkpoint } from '../../../src/contracts/checkpoint.ts';
import { systemClock } from '../../../src/observe/system-clock.ts';
import { createRandom } from '../../../src/producer/random.ts';
import { freshLocation, open, QUERY } from '../support/batches.ts';
import { BATCHES, loadWhole, readWhole, runWhole } from '../support/whole.ts';

const SEED = process.env['FLIP_SEED'] ?? 'seals';
/** Of one file; all positions with FLIP_POSITIONS=all, or so many as it says. */
const POSITIONS_MAX =
  process.env['FLIP_POSITIONS'] === 'all' ? Infinity : Number(process.env['FLIP_POSITIONS'] ?? 60);
const PAGE_BYTES = 8192;
const PAGE_HEADER_BYTES = 16;
const STEP_BYTES = 64;
const FILES = ['checkpoint.db', 'checkpoint.db-wal', 'last-commit', 'lock.db'] as const;

type Image = Readonly<Record<(typeof FILES)[number], Buffer | undefined>>;

/** Every position of a page's header, and every 64th of the rest. */
function positionsOf(bytes: number): number[] {
  return Array.from({ length: bytes }, (_, at) => at).filter(
    (at) => at % STEP_BYTES === 0 || at % PAGE_BYTES < PAGE_HEADER_BYTES,
  );
}

function imageOf(location: string): Image {
  return Object.fromEntries(
    FILES.map((name) => {
      try {
        return [name, readFileSync(join(location, name))];
      } catch {
        return [name, undefined];
      }
    }),
  ) as Image;
}

function restore(location: string, image: Image): void {
  rmSync(location, { recursive: true, force: true });
  mkdirSync(location, { recursive: true });
  for (const name of FILES) {
    const bytes = image[name];
    if (bytes !== undefined) writeFileSync(join(location, name), bytes);
  }
}

type Outcome = 'harmless' | 'rejected' | 'damaged letters shown as such';

/** Throws where something else than the truth came back. */
function judge(read: () => unknown, truth: unknown): Outcome {
  let value: unknown;
  try {
    value = read();
  } catch (error) {
    if (error instanceof TallystreamError) return 'rejected';
    throw error;
  }
  if (isDeepStrictEqual(value, truth)) return 'harmless';
  const { letters, duplicates, one, reason, ...rest } = value as Record<string, Iterable<object>>;
  const { letters: l, duplicates: d, one: o, reason: r, ...restTruth } = truth as Record<string, object[]>;
  const isMarked = (found: Iterable<object> = [], known: object[] = []): boolean =>
    [...found].every(
      (each) => ('damaged' in each && each.damaged === true) || known.some((k) => isDeepStrictEqual(each, k)),
    );
  assert.ok(
    isDeepStrictEqual(rest, restTruth) &&
      isMarked(letters, l) &&
      isMarked(duplicates, d) &&
      isMarked(one, o) &&
      isMarked(reason, r) &&
      [...(letters ?? [])].length === l?.length &&
      [...(duplicates ?? [])].length === d?.length,
    'silently wrong',
  );
  return 'damaged letters shown as such';
}

async function start(location: string): Promise<Checkpoint> {
  return openCheckpoint({
    location,
    plan: QUERY,
    logFormat: 'embedded',
    clock: systemClock,
    takeOver: false,
    lockTimeoutMs: 0,
  });
}

/** What a start loads, and what a reader then sees after one more batch; each is rejected or true. */
async function startAndCommit(location: string, loaded: unknown, next: unknown): Promise<Outcome> {
  let checkpoint: Checkpoint;
  try {
    checkpoint = await start(location);
  } catch (error) {
    if (error instanceof TallystreamError) return 'rejected';
    throw error;
  }
  try {
    const outcome = judge(() => loadWhole(checkpoint), loaded);
    if (outcome === 'rejected') return outcome;
    try {
      runWhole(checkpoint, BATCHES);
    } catch (error) {
      // A start has read what it needs; a page that only a commit changes may be damaged.
      if (error instanceof TallystreamError || error instanceof InvariantError) return 'rejected';
      throw error;
    }
  } finally {
    checkpoint.close();
  }
  return judge(() => readWhole(location), next);
}

async function campaign(t: TestContext, file: (typeof FILES)[number], isKilled: boolean): Promise<void> {
  const location = freshLocation(t);
  const checkpoint = await open(location);
  for (let batchId = 0; batchId < BATCHES; batchId += 1) runWhole(checkpoint, batchId);
  let image = imageOf(location);
  checkpoint.close();
  if (!isKilled) image = { ...imageOf(location), 'checkpoint.db-wal': undefined };
  const copy = freshLocation(t);
  restore(copy, image);
  const truth = readWhole(copy);
  const again = await start(copy);
  const loaded = loadWhole(again);
  runWhole(again, BATCHES);
  again.close();
  const next = readWhole(copy);

  const bytes = image[file] as Buffer;
  const random = createRandom(`${SEED} ${file}`);
  const positions = positionsOf(bytes.length);
  const counts: Record<string, number> = {};
  const failures: string[] = [];
  const count = Math.min(POSITIONS_MAX, positions.length);
  for (let index = 0; index < count; index += 1) {
    const at = POSITIONS_MAX === Infinity ? positions[index] : positions[random.below(positions.length)];
    const bit = random.below(8);
    const flipped = Buffer.from(bytes);
    flipped[at as number] = (flipped[at as number] as number) ^ (1 << bit);
    for (const path of ['reader', 'start'] as const) {
      restore(copy, { ...image, [file]: flipped });
      try {
        const outcome =
          path === 'reader' ? judge(() => readWhole(copy), truth) : await startAndCommit(copy, loaded, next);
        counts[`${path}: ${outcome}`] = (counts[`${path}: ${outcome}`] ?? 0) + 1;
      } catch (error) {
        failures.push(`${path}, byte ${String(at)}, bit ${bit}: ${String((error as Error).stack)}`);
      }
    }
  }
  t.diagnostic(`${file}: ${count} of ${positions.length} positions, seed ${SEED}: ${JSON.stringify(counts)}`);
  assert.deepEqual(failures, []);
}

test('a flipped bit of checkpoint.db is rejected or changes nothing, for a reader and for a start', (t) =>
  campaign(t, 'checkpoint.db', false));

test('a flipped bit of checkpoint.db-wal after a kill is rejected or changes nothing', (t) =>
  campaign(t, 'checkpoint.db-wal', true));

test('a flipped bit of the note of the last commit changes nothing', (t) => campaign(t, 'last-commit', true));
