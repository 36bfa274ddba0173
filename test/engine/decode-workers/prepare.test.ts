/** Rows that other threads prepare: the same verdicts, groups and rows as on one thread. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { rowOf } from '../../../src/columns/rows.ts';
import { optional, required, schema, types } from '../../../src/columns/schema/schema.ts';
import type { RecordChunk, RecordInput } from '../../../src/contracts/log.ts';
import type { Sink } from '../../../src/contracts/sink.ts';
import { PreparationPool } from '../../../src/engine/decode-workers/pool.ts';
import { RowPreparer } from '../../../src/engine/decode-workers/row-preparer.ts';
import type { Workers } from '../../../src/engine/decode-workers/workers.ts';
import { upper } from '../../../src/plan/expression/functions.ts';
import { sum } from '../../../src/plan/measure.ts';
import type { QueryPlan } from '../../../src/plan/query-plan.ts';
import { describeStream } from '../../../src/stream/describe-stream.ts';
import { createHarness, recordOf, START_MS, testPlan, TOPIC } from '../harness.ts';

const RUNS = Number(process.env['PROPERTY_RUNS'] ?? 12);
const PARTITIONS = 3;
const MINUTE = 60_000;

const SCHEMA = schema([
  required('id', types.string(), ''),
  required('at', types.timestamp(), ''),
  required('kind', types.string({ dictionary: true }), ''),
  required('amount', types.decimal(38, 2), ''),
  optional('note', types.string(), ''),
  optional('flag', types.boolean(), ''),
]);

const GROUPED = testPlan({
  schema: SCHEMA,
  rules: [
    { kind: 'notAhead', field: 'at', toleranceMs: MINUTE },
    { kind: 'between', field: 'amount', min: '0', max: null },
  ],
  aggregates: [
    {
      name: 'kinds',
      keys: [
        { kind: 'date', name: 'date', column: 'at' },
        { kind: 'column', name: 'kind', column: 'kind' },
      ],
      measures: [
        { kind: 'sum', name: 'total', column: 'amount' },
        { kind: 'max', name: 'largest', column: 'amount' },
        { kind: 'min', name: 'note', column: 'note' },
        { kind: 'last', name: 'flag', column: 'flag' },
        { kind: 'approxCountDistinct', name: 'notes', column: 'note', relativeError: 0.05 },
      ],
    },
    {
      name: 'notes',
      keys: [{ kind: 'column', name: 'note', column: 'note' }],
      measures: [{ kind: 'count', name: 'events' }],
    },
  ],
});

const ROWS: QueryPlan = {
  ...GROUPED,
  aggregates: [],
  outputMode: 'append',
  rows: ['id', 'at', 'kind', 'amount', 'note', 'flag'].map((name) => ({ name, column: name })),
};

const text = fc.oneof(
  fc.constantFrom('a', 'b', '__proto__', 'ünï', 'with "escapes"\n', '', '💶'),
  fc.string({ maxLength: 12 }),
);
const amount = fc.oneof(
  fc.nat(100_000).map((cents) => (cents / 100).toFixed(2)),
  fc.constantFrom(
    '90071992547409.93',
    '123456789012345678901234567890123456.78',
    '-1.00',
    '"1"',
    '1e2',
    '0.001',
  ),
);
const event = fc.record({
  id: fc.nat(60),
  minutes: fc.integer({ min: -90, max: 5 }),
  kind: text,
  amount,
  note: fc.option(text),
  flag: fc.option(fc.boolean()),
  cut: fc.option(fc.nat(40), { freq: 12 }),
});
type Event = typeof event extends fc.Arbitrary<infer Value> ? Value : never;

function recordFrom({ id, minutes, kind, amount, note, flag, cut }: Event): RecordInput {
  const partition = id % PARTITIONS;
  const at = new Date(START_MS + minutes * MINUTE).toISOString();
  const words = `{"id":"e${id}","at":"${at}","kind":${JSON.stringify(kind)},"amount":${amount},"note":${JSON.stringify(note)},"flag":${JSON.stringify(flag)}}`;
  const value = new TextEncoder().encode(words);
  return { key: null, value: cut === null ? value : value.subarray(0, cut), partition };
}

/** Everything that a query over these appends comes to. */
async function outcomeOf(plan: QueryPlan, appends: readonly (readonly RecordInput[])[], workers: Workers) {
  const harness = await createHarness({ plan, partitions: PARTITIONS, segmentEntries: 1024 });
  const given: unknown[] = [];
  const sink: Sink = {
    name: 'given',
    write: (result) => {
      const tables = result
        .outputs()
        .map(({ table }) => Array.from({ length: table.count }, (_, row) => rowOf(table.batch, row)));
      given.push(result.accounting, result.sample, tables);
      return Promise.resolve();
    },
  };
  try {
    for (const records of appends) await harness.append(records);
    await harness.run({ workers, sinks: [sink], offsetsMax: 500 });
    const kept = harness.view((view) => ({
      letters: [...view.deadLetters({}), ...view.deadLetters({ reason: 'DUPLICATE' })],
      // Without the state of what is counted approximately, which rests on each checkpoint's own secret.
      groups: plan.aggregates.map(({ name }) =>
        [...view.groups(name)].map(({ key, measures }) => ({ key, measures })),
      ),
    }));
    return { given, ...kept };
  } finally {
    await harness.close();
  }
}

const HERE: Workers = { threads: 0, recordsMin: 0 };
const BESIDE: Workers = { threads: 2, recordsMin: 0 };

describe('rows that other threads prepare', { timeout: 300_000 }, () => {
  for (const [name, plan] of Object.entries({ grouped: GROUPED, 'as they are': ROWS })) {
    test(`come to the same, ${name} (${RUNS} cases)`, async () => {
      const appends = fc.array(fc.array(event, { minLength: 1, maxLength: 120 }), {
        minLength: 1,
        maxLength: 8,
      });
      await fc.assert(
        fc.asyncProperty(appends, async (drawn) => {
          const records = drawn.map((events) => events.map(recordFrom));
          const [here, beside] = [
            await outcomeOf(plan, records, HERE),
            await outcomeOf(plan, records, BESIDE),
          ];
          assert.deepEqual(beside, here);
        }),
        { numRuns: RUNS },
      );
    });
  }

  test('are counted by steps too: computed columns, and a filter', async () => {
    const events = describeStream(SCHEMA)
      .filter(({ amount }) => amount.gt('1.00'))
      .withColumn('loud', ({ note }) => upper(note))
      .aggregateEach((event) => ({ loud: event.groupBy('loud').agg({ total: sum('amount') }) }));
    const plan = events.plan({
      ...GROUPED,
      outputMode: 'update',
      assumeTimeZone: null,
      idleTimeoutMs: MINUTE,
    });
    const records = Array.from({ length: 600 }, (_, id) =>
      recordFrom({
        id,
        minutes: 0,
        kind: `k${id % 7}`,
        amount: `${id % 5}.00`,
        note: `n${id % 3}`,
        flag: null,
        cut: null,
      }),
    );
    assert.deepEqual(await outcomeOf(plan, [records], BESIDE), await outcomeOf(plan, [records], HERE));
  });

  test('keep their groups apart when dictionaries are emptied', async () => {
    const filler = 'x'.repeat(400_000);
    const records = Array.from({ length: 100 }, (_, index) =>
      recordOf(
        { id: `e${index}`, atMs: START_MS, kind: `${index % 90}${filler}`, amountCents: index },
        index % 2,
      ),
    );
    const plan = testPlan();
    const appends = Array.from({ length: 10 }, (_, at) => records.slice(at * 10, at * 10 + 10));
    const beside = await outcomeOf(plan, appends, BESIDE);
    assert.equal(beside.groups[0]?.length, 90);
    assert.deepEqual(beside.groups, (await outcomeOf(plan, appends, HERE)).groups);
  });

  test('leave nothing behind where the batch is given up, and come again', async () => {
    const harness = await createHarness({ partitions: 1 });
    try {
      const bad = { key: null, value: new TextEncoder().encode('{'), partition: 0 };
      for (let at = 0; at < 40; at += 1) {
        const good = Array.from({ length: 50 }, (_, index) =>
          recordOf({ id: `${at}-${index}`, atMs: START_MS }),
        );
        await harness.append([...good, bad]);
      }
      const full = { workers: BESIDE, deadLetterBytesMax: 5 };
      await assert.rejects(harness.run(full), { code: 'DEAD_LETTERS_FULL' });
      await assert.rejects(harness.run(full), { code: 'DEAD_LETTERS_FULL' });
      await harness.run({ workers: BESIDE });
      assert.equal(
        harness.view((view) => [...view.deadLetters({})].length),
        40,
      );
      assert.deepEqual(
        harness.view((view) => [...view.groups('kinds')].map(({ measures }) => measures)),
        [['2000.00', 2000]],
      );
    } finally {
      await harness.close();
    }
  });

  test('are asked for again by an error where a thread ends', async () => {
    const good = testPlan();
    const hashKey = new Uint8Array(16);
    const beside = new RowPreparer(good, hashKey);
    // The plan is good here, and no plan at all where the thread reads it.
    const bad = { ...good, schema: null } as unknown as QueryPlan;
    const pool = new PreparationPool(bad, hashKey, 1, new RowPreparer(good, hashKey).batch, beside);
    pool.hold();
    try {
      const chunk = await chunkOf([recordOf({ id: 'a', atMs: START_MS })]);
      await assert.rejects(async () => {
        for (;;) {
          pool.give(0, chunk, START_MS);
          pool.release(await pool.take());
          await new Promise((resolve) => setImmediate(resolve));
        }
      }, /a decode worker thread failed: .*null/);
    } finally {
      await pool.close();
    }
  });
});

async function chunkOf(records: readonly RecordInput[]): Promise<RecordChunk> {
  const harness = await createHarness();
  try {
    await harness.append(records);
    for await (const chunk of harness.log.read({ topic: TOPIC, partition: 0, start: 0, end: records.length }))
      return { ...chunk, bytes: chunk.bytes.slice() };
    throw new Error('the log gave no chunk');
  } finally {
    await harness.close();
  }
}
