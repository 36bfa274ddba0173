/** The sinks under a real query: whatever dies between a batch's sinks and its commit, they hold one copy. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { OutputMode, QueryPlan } from '../../src/plan/query-plan.ts';
import type { Sink } from '../../src/contracts/sink.ts';
import { createFileSink } from '../../src/sinks/file.ts';
import { createTableSink } from '../../src/sinks/table.ts';
import { createHarness, recordOf, START_MS, testPlan } from '../engine/harness.ts';

/** Ends the process, as it were, behind the sinks before it: at its first call of every run, or not at all. */
function crashing(crashes: boolean): Sink {
  return {
    name: 'crash',
    write: () => (crashes ? Promise.reject(new Error('crashed')) : Promise.resolve()),
  };
}

const kinds = ['a', 'b', 'a', 'b', 'a', 'a'];
const events = kinds.map((kind, at) => recordOf({ id: `e${at}`, atMs: START_MS, kind, amountCents: 150 }));
const GROUPS = [['a', '6.00', '4'], ['b', '3.00', '2']]; // prettier-ignore
const IDS = kinds.map((_, at) => [`e${at}`]);

interface Case {
  readonly outputMode: OutputMode;
  readonly output: string;
  readonly plan: Partial<QueryPlan>;
  /** What the table holds after all batches, and what the files hold one after another. */
  readonly table: readonly (readonly string[])[];
  readonly lines: readonly string[];
}

const CASES: readonly Case[] = [
  {
    outputMode: 'append',
    output: 'test-query',
    plan: { aggregates: [], rows: [{ name: 'id', column: 'id' }] },
    table: IDS,
    lines: IDS.map(([id]) => id as string),
  },
  { outputMode: 'update', output: 'kinds', plan: {}, table: GROUPS, lines: ['a1', 'b1', 'a2', 'b2', 'a4'] },
  {
    outputMode: 'complete',
    output: 'kinds',
    plan: {},
    table: GROUPS,
    lines: ['a1', 'b1', 'a2', 'b2', 'a4', 'b2'],
  },
];

for (const { outputMode, output, plan, table, lines } of CASES) {
  test(`in ${outputMode} mode each batch is in the table and in the files once, though its commit is cut off`, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'tallystream-sinks-'));
    const harness = await createHarness({ plan: testPlan({ outputMode, ...plan }) });
    t.after(async () => {
      await harness.close();
      rmSync(folder, { recursive: true, force: true });
    });
    await harness.append(events);
    const [path, files] = [join(folder, 'out.db'), join(folder, 'files')];
    for (const crashes of [true, true, false]) {
      const sinks = [
        createTableSink({ path, outputMode, keyColumns: { kinds: ['date', 'kind'] } }),
        createFileSink({ path: files, format: 'ndjson' }),
        crashing(crashes),
      ];
      const run = harness.run({ sinks, offsetsMax: 2 });
      if (crashes) await assert.rejects(run, /crashed/);
      else await run;
    }
    const database = new DatabaseSync(path, { returnArrays: true, readOnly: true });
    t.after(() => database.close());
    const columns = output === 'kinds' ? 'kind, total, CAST(events AS TEXT)' : 'id';
    assert.deepEqual(database.prepare(`SELECT ${columns} FROM "${output}" ORDER BY 1`).all(), table);
    const read = readdirSync(join(files, output)).flatMap((name) =>
      readFileSync(join(files, output, name), 'utf8')
        .split('\n')
        .slice(0, -1),
    );
    const shown = read.map((line) => JSON.parse(line) as { id?: string; kind: string; events: number });
    assert.deepEqual(
      shown.map(({ id, kind, events }) => id ?? `${kind}${events}`),
      lines,
    );
  });
}
