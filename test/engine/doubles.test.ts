/** Sums of doubles that are infinite, or no number: state goes on from them, whether a restart comes between or not. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { optional, schema, types } from '../../src/columns/schema/schema.ts';
import type { GroupCell } from '../../src/contracts/batch.ts';
import type { Sink } from '../../src/contracts/sink.ts';
import type { Measure, QueryPlan } from '../../src/plan/query-plan.ts';
import { createHarness, START_MS, testPlan } from './harness.ts';

const BIG = 1.7e308;
const KINDS = ['sum', 'avg', 'min', 'max', 'first', 'last'] as const;

const MEASURES: readonly Measure[] = KINDS.map((kind) => ({ kind, name: kind, column: 'ratio' }));

const PLAN: Partial<QueryPlan> = {
  schema: schema([optional('at', types.timestamp(), ''), optional('ratio', types.double(), '')]),
  rules: [],
  dedupe: null,
  aggregates: [
    { name: 'all', keys: [], measures: MEASURES },
    // Here the columns of the table tell all but what SQLite has no number for.
    { name: 'sums', keys: [], measures: [{ kind: 'sum', name: 'sum', column: 'ratio' }] },
  ],
};

interface Came {
  readonly groups: readonly (readonly GroupCell[])[];
  readonly batches: readonly string[];
}

/** A batch a value; with restarts, each batch crashes before its commit and is carried out by another process again. */
async function cameTo(t: TestContext, values: readonly number[], restarts: boolean): Promise<Came> {
  const harness = await createHarness({ plan: testPlan(PLAN) });
  t.after(() => harness.close());
  const batches: string[] = [];
  let crashes = false;
  const sink: Sink = {
    name: 'crashing',
    async write(result, { batchId }) {
      batches[batchId] = result
        .outputs()
        .map(({ table }) => textOf(table.batch.columns))
        .join(' | ');
      if (crashes) throw new Error('crash');
    },
  };
  const records = values.map((ratio) => {
    const text = `{"at":"${new Date(START_MS).toISOString()}","ratio":${ratio}}`;
    return { key: null, value: new TextEncoder().encode(text), partition: 0 };
  });
  if (restarts) {
    for (const record of records) {
      await harness.append([record]);
      crashes = true;
      await assert.rejects(harness.run({ sinks: [sink] }), /crash/);
      crashes = false;
      await harness.run({ sinks: [sink] });
    }
  } else {
    await harness.append(records);
    await harness.run({ sinks: [sink], offsetsMax: 1 });
  }
  const groups = harness.view((view) =>
    ['all', 'sums'].flatMap((name) => [...view.groups(name)].map(({ measures }) => measures)),
  );
  return { groups, batches };
}

function textOf(columns: readonly unknown[]): string {
  return columns.map((column) => String((column as { values: Float64Array }).values[0])).join(' ');
}

for (const values of [
  [BIG, BIG, 1, -BIG, -BIG],
  [-BIG, -BIG, 1],
  // Infinity and -Infinity come to no number, and stay none.
  [BIG, BIG, -BIG, -BIG, -BIG, 1, 2],
]) {
  test(`of ${values.join(', ')} the state is the same with a restart after each`, async (t) => {
    const expected = await cameTo(t, values, false);
    assert.deepEqual(await cameTo(t, values, true), expected);
    assert.equal(expected.batches.length, values.length);
    const [all = [], [sum] = []] = expected.groups;
    assert.equal(Number.isFinite(sum), false);
    assert.deepEqual(all.slice(0, 2), [sum, sum]);
  });
}
