/** What the property test of typed queries once found, each at its smallest. */
import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import { optional, schema, types } from '../../src/columns/schema/schema.ts';
import type { Sink } from '../../src/contracts/sink.ts';
import type { QueryPlan } from '../../src/plan/query-plan.ts';
import { createHarness, START_MS, testPlan, verdictsOf, type Harness } from './harness.ts';

const SCHEMA = schema([
  optional('id', types.string(), ''),
  optional('at', types.timestamp(), ''),
  optional('kind', types.string(), ''),
]);

async function harnessOf(t: TestContext, over: Partial<QueryPlan>): Promise<Harness> {
  const harness = await createHarness({ plan: testPlan({ schema: SCHEMA, rules: [], ...over }) });
  t.after(() => harness.close());
  return harness;
}

const record = (id: string, minutes: number | null, kind = 'a') => {
  const at = minutes === null ? null : new Date(START_MS + minutes * 60_000).toISOString();
  return { key: null, value: new TextEncoder().encode(JSON.stringify({ id, at, kind })), partition: 0 };
};

it('knows the id of an event without a time, wherever the watermark is', async (t) => {
  const aggregates = [{ name: 'kinds', keys: [], measures: [{ kind: 'count' as const, name: 'events' }] }];
  const harness = await harnessOf(t, { aggregates });
  await harness.append([record('a', null), record('b', 0), record('a', null)]);
  await harness.run({ offsetsMax: 1 });
  assert.deepEqual(harness.view(verdictsOf), ['0:2 DUPLICATE']);
  assert.deepEqual(
    harness.view((view) => [...view.groups('kinds')].map(({ measures }) => measures)),
    [[2]],
  );
});

it('gives a batch again with its groups in the same order', async (t) => {
  const aggregates = [
    {
      name: 'kinds',
      keys: [{ kind: 'column' as const, name: 'kind', column: 'kind' }],
      measures: [{ kind: 'count' as const, name: 'events' }],
    },
  ];
  const harness = await harnessOf(t, { aggregates, outputMode: 'complete' });
  const given: unknown[] = [];
  const sink: Sink = {
    name: 'crashing',
    async write(result, { batchId }) {
      if (batchId === 0) return;
      const [output] = result.outputs();
      given.push(
        Array.from({ length: output?.table.count ?? 0 }, (_, row) => textAt(output?.table.batch, row)),
      );
      if (given.length === 1) throw new Error('crash');
    },
  };
  await harness.append([record('1', 0, 'z'), record('2', 1, 'a'), record('3', 2, 'm')]);
  await harness.run({ sinks: [sink] });
  await harness.append([record('4', 3, 'b')]);
  await assert.rejects(harness.run({ sinks: [sink] }), /crash/);
  await harness.run({ sinks: [sink] });
  assert.deepEqual(given, [
    ['a', 'b', 'm', 'z'],
    ['a', 'b', 'm', 'z'],
  ]);
});

type Batch = ReturnType<Parameters<Sink['write']>[0]['outputs']>[number]['table']['batch'];

function textAt(batch: Batch | undefined, row: number): string {
  const column = batch?.columns[0];
  assert.ok(batch !== undefined && column?.kind === 'string');
  return batch.space.text(column.start[row] as number, column.end[row] as number);
}
