/** Copies of the data folder as a crash at some moment would leave it, and what must be found in them. */
import assert from 'node:assert/strict';
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openCheckpointView } from '../../../src/checkpoint/view.ts';
import { TallystreamError } from '../../../src/errors.ts';
import { buildTotals } from '../../../src/app/purchases/report/totals.ts';
import type { Totals } from '../../../src/app/purchases/report/totals-types.ts';
import { copyDatabase, marksOf } from './checkpoint-file.ts';
import { freeze, signal } from './cli.ts';
import { ReportLedger, reportOf } from './ledger.ts';
import { checkDelivered, PRODUCER, recordsOf } from './producer-kills.ts';
import { createCases, expect, type Case } from './purchases.ts';
import { checkResult, finishQuery } from './query-kills.ts';
import type { Rounds } from './rounds.ts';
import { createWorkplace, type Workplace } from './workplace.ts';

const LINES_A_ROUND = 400;
const LINES_A_SECOND = 1_000;
const APPEND_MAX = 20;
/** Every so many images are not only read but gone on with. */
const GO_ON_EVERY = 3;
/** Where the index of a write-ahead log says how much of it is in the database already: `nBackfill` of WalCkptInfo. */
const BACKFILL_AT = 96;

/** Stops producer and query at random moments, copies what they have written, and lets them go on. */
export async function takeImages({ seed, rounds, random, say }: Rounds): Promise<void> {
  const place = createWorkplace({ appendMax: APPEND_MAX });
  const images: Image[] = [];
  try {
    const cases = createCases(seed, rounds * LINES_A_ROUND);
    const path = place.write(cases);
    const producer = place.start([
      'produce',
      '--from',
      path,
      '--resume',
      PRODUCER,
      '--rate',
      String(LINES_A_SECOND),
    ]);
    const query = place.start(['run', '--json']);
    const pids = [await producer.worker(), await query.worker()];
    for (let round = 0; round < rounds && !producer.hasEnded; round += 1) {
      await sleep(random.below((2 * 1_000 * LINES_A_ROUND) / LINES_A_SECOND));
      for (const pid of pids) await freeze(pid);
      images.push(copyOf(place, random));
      for (const pid of pids) signal(pid, 'SIGCONT');
    }
    const produced = await producer.end();
    assert.equal(produced.code, 0, produced.stderr);
    const { stdout } = await query.kill();

    const ledger = new ReportLedger();
    ledger.addRun(stdout, { last: -1, unmarked: undefined }, marksOf(place.checkpoint));
    await finishQuery(place, ledger, 'direct');
    await checkResult(place, ledger, expect(cases));
    let read = 0;
    for (const [index, image] of images.entries()) {
      read += checkPrefixes(image, ledger.lines);
      if (index % GO_ON_EVERY === 0) await goOn(image.place, cases, ledger.lines);
    }
    say(`${images.length} images of ${ledger.lines.length} batches, ${read} of them with a log cut short`);
  } finally {
    for (const image of images) await image.place.remove();
    await place.remove();
  }
}

interface Image {
  readonly place: Workplace;
  /** Copies of the checkpoint alone whose write-ahead log is cut off, as by a disk that lost its last writes. */
  readonly cut: readonly string[];
}

function copyOf(from: Workplace, random: Rounds['random']): Image {
  const place = createWorkplace({ appendMax: APPEND_MAX });
  mkdirSync(place.checkpoint, { recursive: true });
  if (existsSync(from.logPath)) copyDatabase(from.dataDir, place.dataDir, 'log.db');
  // What was acknowledged is never more than what was flushed, so no image may be taken for damage.
  if (existsSync(`${from.logPath}-ack`)) copyFileSync(`${from.logPath}-ack`, `${place.logPath}-ack`);
  copyDatabase(from.checkpoint, place.checkpoint, 'checkpoint.db');
  const names = join(from.dataDir, 'producers');
  if (existsSync(names)) {
    cpSync(names, join(place.dataDir, 'producers'), {
      recursive: true,
      filter: (path) => !/\.lock/.test(path),
    });
  }
  const cut: string[] = [];
  // Of a log that was moved into the database in part, only what is behind that part can get lost.
  for (let copy = 0; copy < 3 && backfillOf(from.checkpoint) === 0; copy += 1) {
    const folder = join(place.folder, `cut-${copy}`);
    mkdirSync(folder);
    copyDatabase(from.checkpoint, folder, 'checkpoint.db');
    const wal = join(folder, 'checkpoint.db-wal');
    const kept = readFileSync(wal).subarray(0, random.below(statSync(wal).size + 1));
    const torn = Buffer.from(Array.from({ length: random.below(300) }, () => random.below(256)));
    writeFileSync(wal, Buffer.concat([kept, torn]));
    cut.push(folder);
  }
  return { place, cut };
}

function backfillOf(checkpoint: string): number | undefined {
  const index = join(checkpoint, 'checkpoint.db-shm');
  const wal = join(checkpoint, 'checkpoint.db-wal');
  if (!existsSync(index) || !existsSync(wal)) return undefined;
  const bytes = readFileSync(index);
  if (bytes.length < BACKFILL_AT + 4) return undefined;
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(
    BACKFILL_AT,
    new Uint8Array(Uint16Array.of(1).buffer)[0] === 1,
  );
}

/** Whatever was lost, what is left is what some batch had committed. Gives the number of cut copies. */
function checkPrefixes({ place, cut }: Image, lines: readonly string[]): number {
  const { last } = marksOf(place.checkpoint);
  assert.equal(checkPrefix(place.checkpoint, lines), last);
  for (const folder of cut) assert.ok(checkPrefix(folder, lines) <= last);
  return cut.length;
}

function checkPrefix(checkpoint: string, lines: readonly string[]): number {
  const totals = totalsOf(checkpoint);
  if (totals?.lastBatchId === undefined || totals.lastBatchId === null) return -1;
  const reports = lines.slice(0, totals.lastBatchId + 1).map(reportOf);
  assert.deepEqual(totals.runningTotals, reports.at(-1)?.runningTotals);
  for (const [name, count] of Object.entries(totals.accounting)) {
    assert.equal(
      count,
      reports.reduce((sum, { accounting }) => sum + (accounting[name] ?? 0), 0),
      name,
    );
  }
  return totals.lastBatchId;
}

function totalsOf(location: string): Totals | undefined {
  try {
    const view = openCheckpointView({ location });
    try {
      return buildTotals(view);
    } finally {
      view.close();
    }
  } catch (error) {
    if (error instanceof TallystreamError && error.code === 'CHECKPOINT_NOT_FOUND') return undefined;
    throw error;
  }
}

/** Producer and query go on from the image as from a crash, and come to the same end. */
async function goOn(place: Workplace, cases: readonly Case[], lines: readonly string[]): Promise<void> {
  const produced = await place.run(['produce', '--from', place.write(cases), '--resume', PRODUCER]);
  // The position names the file's content, which is the same here.
  assert.equal(produced.code, 0, produced.stderr);
  checkDelivered(await recordsOf(place.logPath), cases);
  const { last, unmarked } = marksOf(place.checkpoint);
  const ledger = new ReportLedger(lines.slice(0, unmarked === undefined ? last + 1 : last));
  await finishQuery(place, ledger, 'direct');
  const { lastBatchId, ...found } = totalsOf(place.checkpoint) as Totals;
  assert.deepEqual(found, expect(cases).totals);
  assert.equal(marksOf(place.checkpoint).last, lastBatchId);
}
