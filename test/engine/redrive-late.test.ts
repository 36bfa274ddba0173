/** Events that are redriven though late, when the windows that they belong to have closed. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { GroupCell } from '../../src/contracts/batch.ts';
import type { Sink } from '../../src/contracts/sink.ts';
import { redriveHeaders } from '../../src/engine/dead-letters/redrive.ts';
import { valueReader } from '../../src/operators/aggregate/value-reader.ts';
import type { GroupKey, Measure, OutputMode } from '../../src/plan/query-plan.ts';
import { createHarness, recordOf, START_MS, testPlan, TOPIC, verdictsOf, type Harness } from './harness.ts';

const HOUR = 3_600_000;
const MINUTE = 60_000;
/** Nine in the morning; the clock says noon. */
const NINE = START_MS - 3 * HOUR;

const MEASURES: readonly Measure[] = [
  { kind: 'sum', name: 'total', column: 'amount' },
  { kind: 'count', name: 'events' },
  { kind: 'avg', name: 'mean', column: 'amount' },
  { kind: 'last', name: 'newest', column: 'id' },
];
const HOURS: GroupKey = {
  kind: 'window',
  name: 'window',
  column: 'at',
  sizeMs: HOUR,
  slideMs: HOUR,
  startMs: 0,
};

interface Script {
  readonly harness: Harness;
  /** What the sink was given, a line a row, without the window's end. */
  readonly given: string[];
  readonly append: (id: string, minutes: number, amountCents?: number) => Promise<void>;
  /** Redrives what is at this offset, though late. */
  readonly redrive: (offset: number) => Promise<void>;
  readonly run: () => Promise<void>;
  readonly stored: () => readonly string[];
}

async function scriptOf(t: TestContext, outputMode: OutputMode, key: GroupKey = HOURS): Promise<Script> {
  const plan = testPlan({
    outputMode,
    aggregates: [{ name: 'hours', keys: [key], measures: MEASURES }],
    watermark: { column: 'at', delayMs: 10 * MINUTE, idleTimeoutMs: 1e9 },
  });
  const harness = await createHarness({ plan });
  t.after(() => harness.close());
  const topicId = (await harness.log.describeTopic(TOPIC))?.id ?? '';
  const given: string[] = [];
  const records: ReturnType<typeof recordOf>[] = [];
  const append = async (record: ReturnType<typeof recordOf>): Promise<void> => {
    records.push(record);
    await harness.append([record]);
  };
  const sink: Sink = {
    name: 'lines',
    async write(result) {
      for (const { table } of result.outputs()) {
        const readers = table.batch.columns.map((column) => valueReader(column, table.batch.space));
        for (let row = 0; row < table.count; row += 1) {
          given.push(lineOf(readers.map((reader) => reader.cell(reader.at(row)))));
        }
      }
    },
  };
  return {
    harness,
    given,
    append: (id, minutes, amountCents) =>
      append(
        recordOf({
          id,
          atMs: NINE + minutes * MINUTE,
          ...(amountCents === undefined ? {} : { amountCents }),
        }),
      ),
    redrive: (offset) => {
      const headers = redriveHeaders({ identity: { topicId, partition: 0, offset }, acceptLate: true });
      return append({ ...(records[offset] as ReturnType<typeof recordOf>), headers });
    },
    run: () => harness.run({ sinks: [sink] }),
    stored: () =>
      harness.view((view) =>
        [...view.groups('hours')].map(({ key: cells, measures }) => lineOf([...cells, ...measures])),
      ),
  };
}

function lineOf([start, _end, ...cells]: readonly GroupCell[]): string {
  return [String(start).slice(11, 16), ...cells].join(' ');
}

test('in append mode stay late where their window was emitted, and say so; an open window takes them', async (t) => {
  const { harness, append, redrive, run, given, stored } = await scriptOf(t, 'append');
  await append('a', 30);
  await append('b', 85);
  await append('late', 40);
  await append('late too', 70);
  await run();
  // The watermark is 10:15: the window of nine is over, and that of ten is not.
  assert.deepEqual(given, ['09:00 1.00 1 1.000000 a']);
  assert.deepEqual(harness.view(verdictsOf), ['0:2 LATE', '0:3 LATE']);
  await redrive(2);
  await redrive(3);
  await run();
  assert.deepEqual(harness.view(verdictsOf), ['0:2 LATE', '0:3 LATE', '0:4 LATE']);
  const letters = harness.view((view) => [...view.deadLetters({ offset: 4 })]);
  assert.deepEqual(
    letters.map(({ field, expected, actual }) => ({ field, expected, actual })),
    [
      {
        field: 'at',
        expected: 'a window that is still open: append mode emits each once',
        actual: '2025-06-26T09:40:00.000Z, in a closed window of hours',
      },
    ],
  );
  await append('c', 150);
  await run();
  assert.deepEqual(given.slice(1), ['10:00 2.00 2 1.000000 late too']);
  assert.deepEqual(stored(), [given[0], given[1], '11:00 1.00 1 1.000000 c']);
});

test('in append mode stay late where a session that is emitted could have held them', async (t) => {
  const session: GroupKey = { kind: 'sessionWindow', name: 'session', column: 'at', gapMs: 30 * MINUTE };
  const { harness, append, redrive, run, given } = await scriptOf(t, 'append', session);
  await append('a', 0);
  await append('b', 60);
  await append('late', 45);
  await append('late too', 20);
  await run();
  assert.deepEqual(given, ['09:00 1.00 1 1.000000 a']);
  await redrive(2);
  await redrive(3);
  await run();
  // The watermark is 9:50, so that a session may have ended behind either.
  assert.deepEqual(harness.view(verdictsOf), ['0:2 LATE', '0:3 LATE', '0:4 LATE', '0:5 LATE']);
  await append('c', 150);
  await run();
  assert.deepEqual(given.slice(1), ['10:00 1.00 1 1.000000 b']);
});

for (const mode of ['update', 'complete'] as const) {
  test(`in ${mode} mode are counted with what their window came to, over restarts`, async (t) => {
    const { harness, append, redrive, run, given, stored } = await scriptOf(t, mode);
    await append('a', 30, 500);
    await append('b', 85);
    await run();
    await append('late', 40, 100);
    await append('late too', 50, 50);
    await append('of a window that nothing was in', -50);
    // The window of nine is closed by this batch, and the next run knows of open ones only.
    await run();
    assert.deepEqual(harness.view(verdictsOf), ['0:2 LATE', '0:3 LATE', '0:4 LATE']);
    given.length = 0;
    await redrive(2);
    await run();
    assert.ok(given.includes('09:00 6.00 2 3.000000 late'), given.join());
    given.length = 0;
    await redrive(3);
    await redrive(4);
    await run();
    assert.ok(given.includes('09:00 6.50 3 2.166667 late too'), given.join());
    assert.ok(given.includes('08:00 1.00 1 1.000000 of a window that nothing was in'), given.join());
    await append('c', 150);
    await run();
    assert.deepEqual(stored(), [
      '08:00 1.00 1 1.000000 of a window that nothing was in',
      '09:00 6.50 3 2.166667 late too',
      '10:00 1.00 1 1.000000 b',
      '11:00 1.00 1 1.000000 c',
    ]);
  });
}
