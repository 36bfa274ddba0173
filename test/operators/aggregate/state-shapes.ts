/** Groups of several shapes; as a program, the bytes that one of them takes in this process. Run with --expose-gc. */
import { optional, schema, types } from '../../../src/columns/schema/schema.ts';
import { ColumnTable } from '../../../src/columns/table.ts';
import { TimeZone } from '../../../src/columns/values/timezone.ts';
import { GroupedAggregate } from '../../../src/operators/aggregate/grouped.ts';
import type { AggregateOptions, RunningAggregate } from '../../../src/operators/aggregate/aggregate.ts';
import { SessionAggregate } from '../../../src/operators/aggregate/sessions.ts';
import type { Aggregate, GroupKey, Measure } from '../../../src/plan/query-plan.ts';

const SCHEMA = schema([
  optional('at', types.timestamp(), ''),
  optional('name', types.string(), ''),
  optional('amount', types.decimal(18, 2), ''),
  optional('code', types.long(), ''),
]);
const GROUPS = 40_000;
const BATCH_ROWS = 5000;
const SECOND_MS = 1000;

const NAME: GroupKey = { kind: 'column', name: 'name', column: 'name' };
const CODE: GroupKey = { kind: 'column', name: 'code', column: 'code' };
const MINUTE: GroupKey = {
  kind: 'window',
  name: 'w',
  column: 'at',
  sizeMs: 60_000,
  slideMs: 60_000,
  startMs: 0,
};
const SESSION: GroupKey = { kind: 'sessionWindow', name: 'w', column: 'at', gapMs: SECOND_MS };
const COUNT: Measure = { kind: 'count', name: 'n' };
const SUM: Measure = { kind: 'sum', name: 's', column: 'amount' };
const LAST: Measure = { kind: 'last', name: 'l', column: 'name' };

/** By name: keys, measures, and how many groups have the same name. */
export const SHAPES: Readonly<
  Record<string, { keys: GroupKey[]; measures: Measure[]; groupsOfName?: number }>
> = {
  'groups of one key': { keys: [NAME], measures: [COUNT, SUM] },
  'groups of a window and two keys': { keys: [MINUTE, NAME, CODE], measures: [COUNT] },
  'groups with a text': { keys: [NAME], measures: [LAST] },
  'groups with a distinct count': {
    keys: [NAME],
    measures: [{ kind: 'approxCountDistinct', name: 'd', column: 'code', relativeError: 0.1 }],
  },
  'keys with five sessions': { keys: [SESSION, NAME], measures: [COUNT, SUM], groupsOfName: 5 },
};

if (import.meta.main) console.log(JSON.stringify(await measure(process.argv[2] as string)));

async function measure(shape: string): Promise<{ measured: number; estimated: number }> {
  const { keys, measures, groupsOfName = 1 } = SHAPES[shape] as (typeof SHAPES)[string];
  const table = new ColumnTable(SCHEMA);
  const aggregate: Aggregate = { name: 'a', keys, measures };
  const around = { batch: table.batch, zone: TimeZone.of('UTC'), hashKey: new Uint8Array(16) };
  const operator = operatorOf(aggregate, around);
  // The columns and the code have grown before anything is measured.
  add(table, operatorOf(aggregate, around), 0, groupsOfName);
  const before = await usedBytes();
  for (let from = 0; from < GROUPS; from += BATCH_ROWS) add(table, operator, from, groupsOfName);
  const bytes = (await usedBytes()) - before;
  const { groups, bytes: estimate } = operator.held();
  return { measured: Math.round(bytes / groups), estimated: Math.round(estimate / groups) };
}

function operatorOf(aggregate: Aggregate, around: AggregateOptions): RunningAggregate {
  return aggregate.keys.some(({ kind }) => kind === 'sessionWindow')
    ? new SessionAggregate(aggregate, around)
    : new GroupedAggregate(aggregate, around);
}

function add(table: ColumnTable, operator: RunningAggregate, from: number, groupsOfName: number): void {
  table.clear();
  for (let group = from; group < from + BATCH_ROWS; group += 1) {
    const at = new Date(Date.UTC(2025, 5, 26) + group * SECOND_MS * 2).toISOString();
    const name = `customer number ${group % (GROUPS / groupsOfName)}`;
    table.appendCells([at, name, `${group}.25`, String(group)]);
  }
  operator.addRows(
    Int32Array.from({ length: BATCH_ROWS }, (_, row) => row),
    BATCH_ROWS,
  );
  operator.change();
  operator.committed();
}

async function usedBytes(): Promise<number> {
  for (let round = 0; round < 4; round += 1) {
    globalThis.gc?.();
    // What arrays of bytes have outside the heap is given back a little later.
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
