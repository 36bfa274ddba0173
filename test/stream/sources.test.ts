/** Sources as a program names them: what a session gives them beside their options. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { QueryOptions } from '../../src/options/query-options.ts';
import { createSession } from '../../src/compose/session.ts';
import { required, schema, types } from '../../src/columns/schema/schema.ts';
import { openCheckpointView } from '../../src/checkpoint/view.ts';
import { openEmbeddedLog } from '../../src/log/embedded/log.ts';
import { createLogger } from '../../src/observe/logger.ts';
import { createManualClock } from '../../src/testing/manual-clock.ts';

const START_MS = Date.UTC(2026, 0, 2);
const RATE = schema([
  required('timestamp', types.timestamp(), 'when'),
  required('value', types.long(), 'which'),
]);

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'tallystream-sources-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test('a rate stream goes on where the clock was set back over a restart', async (t) => {
  const dataDir = folderOf(t);
  const values: bigint[] = [];
  /** A run on a machine whose clock says this at first, and is moved on before the query looks. */
  const run = async (nowMs: number, onMs: number): Promise<void> => {
    const clock = createManualClock(nowMs);
    const query = await createSession({ dataDir, clock })
      .readStream.format('rate')
      .option('rowsPerSecond', '2')
      .load(RATE)
      .writeStream.queryName('rows')
      .foreachBatch((batch) => {
        for (const { value } of batch) values.push(value);
      })
      .start();
    await query.processAllAvailable();
    clock.advance(onMs);
    await query.processAllAvailable();
    await query.stop();
  };
  await run(START_MS, 3_000);
  assert.deepEqual(values, [0n, 1n, 2n, 3n, 4n, 5n]);
  // An hour back: nothing is new until the clock has come to where it was.
  await run(START_MS - 3_600_000, 3_000);
  assert.equal(values.length, 6);
  await run(START_MS + 2_000, 2_000);
  assert.deepEqual(values.slice(6), [6n, 7n]);
});

const LINE = schema([required('line', types.int(), 'which')]);

test('a query over files goes on without those that are gone, where it may, and names them', async (t) => {
  const dataDir = folderOf(t);
  const folder = join(dataDir, 'in');
  mkdirSync(folder);
  for (const [at, name] of ['a', 'b', 'c', 'd'].entries()) {
    writeFileSync(join(folder, name), `{"line":${2 * at}}\n{"line":${2 * at + 1}}\n`);
    utimesSync(join(folder, name), at, at);
  }
  const lines: number[] = [];
  const warnings: string[] = [];
  const logger = await createLogger({
    level: 'warn',
    format: 'json',
    mask: false,
    isTerminal: false,
    writer: { write: (line) => warnings.push(line) },
  });
  const run = async (options: QueryOptions, fails = false): Promise<void> => {
    const session = createSession({ dataDir, clock: createManualClock(START_MS), logger });
    let writer = session.readStream
      .format('file')
      .option('path', folder)
      .load(LINE)
      .writeStream.queryName('lines')
      .trigger({ availableNow: true });
    for (const [name, value] of Object.entries(options))
      writer = writer.option(name as keyof QueryOptions, value);
    const query = await writer
      .foreachBatch((batch, batchId) => {
        if (fails && batchId === 1) throw new Error('crash');
        for (const { line } of batch) lines.push(line);
      })
      .start();
    await query.awaitTermination();
  };
  // Batch 1 is planned, with the rest of a in its range, when it crashes.
  await assert.rejects(run({ maxOffsetsPerTrigger: 1 }, true), /crash/);
  rmSync(join(folder, 'a'));
  rmSync(join(folder, 'c'));
  await assert.rejects(run({}), { code: 'DATA_LOSS', message: /in\/a is missing.*failOnDataLoss false/ });
  await run({ failOnDataLoss: false });
  assert.deepEqual(lines, [0, 2, 3, 6, 7]);
  const view = openCheckpointView({ location: join(dataDir, 'checkpoints', 'lines') });
  const lost = [
    { batchId: 1, partition: 0, start: 1, end: 2 },
    { batchId: 2, partition: 0, start: 4, end: 6 },
  ];
  assert.deepEqual(view.lostRanges(), lost);
  assert.equal(view.accounting().read, 5);
  view.close();
  const told = warnings.map((line) => JSON.parse(line) as { operation: string; lost: unknown });
  assert.deepEqual(
    told.filter(({ operation }) => operation === 'data-loss').map((each) => each.lost),
    lost.map(({ partition, start, end }, at) => [
      { partition, start, end, file: join(folder, at === 0 ? 'a' : 'c') },
    ]),
  );
  // Nothing is left to be lost.
  await run({});
});

test('a topic of the embedded log is read by its name, from the earliest record on, each once', async (t) => {
  const dataDir = folderOf(t);
  const clock = createManualClock(START_MS);
  const log = await openEmbeddedLog({ path: join(dataDir, 'log.db'), clock });
  t.after(() => log.close());
  await log.createTopic('lines', { partitions: 1 });
  const lines: number[] = [];
  const run = async (): Promise<void> => {
    const query = await createSession({ dataDir, clock })
      .readStream.format('embedded')
      .option('subscribe', 'lines')
      .load(LINE)
      .writeStream.queryName('lines')
      .trigger({ availableNow: true })
      .foreachBatch((batch) => {
        for (const { line } of batch) lines.push(line);
      })
      .start();
    await query.awaitTermination();
  };
  for (const line of [1, 2, 3]) {
    await log.append('lines', [{ key: null, value: new TextEncoder().encode(`{"line":${line}}`) }]);
    if (line > 1) await run();
  }
  assert.deepEqual(lines, [1, 2, 3]);
  const stream = createSession({ dataDir, clock }).readStream.format('embedded').load(LINE);
  await assert.rejects(
    stream.writeStream
      .queryName('none')
      .foreachBatch(() => {})
      .start(),
    /needs a topic.*option\('subscribe'/,
  );
});
