/** What a batch emits, by the query's output mode. */
import { type Leaf, schema, type Schema } from '../columns/schema/schema.ts';
import { ColumnTable } from '../columns/table.ts';
import type { AggregateChange, GroupCell, GroupRow } from '../contracts/batch.ts';
import type { ResultTable } from '../contracts/batch-result.ts';
import { invariant, TallystreamError } from '../errors.ts';
import { groupText } from '../operators/aggregate/overflow.ts';
import { schemaOfAggregate } from '../plan/aggregate-schema.ts';
import type { Aggregate, QueryPlan } from '../plan/query-plan.ts';

export interface OutputsOptions {
  readonly query: QueryPlan;
  /** The columns of the events, computed ones too. */
  readonly leaves: readonly Leaf[];
  readonly changes: readonly AggregateChange[];
  readonly allGroups: (aggregate: string) => readonly GroupRow[];
  readonly rows: ColumnTable | undefined;
  /** Every group in update, too. */
  readonly whole: boolean;
}

export function outputsOf(options: OutputsOptions): readonly ResultTable[] {
  const { query, rows } = options;
  if (rows !== undefined) return [{ name: query.name, table: rows }];
  return query.aggregates.map((aggregate) => {
    const table = new ColumnTable(schemaIn(aggregate, options.leaves));
    for (const { key, measures } of emitted(aggregate, options)) {
      append(table, [...key, ...measures], `Aggregate ${aggregate.name}: ${groupText(key)}`);
    }
    return { name: aggregate.name, table };
  });
}

/** An earlier version let a sum of longs grow beyond its type, and a checkpoint may hold one. */
function append(table: ColumnTable, cells: readonly GroupCell[], place: string): void {
  try {
    table.appendCells(cells.map((cell, at) => typed(cell, table, at)));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new TallystreamError('SUM_OVERFLOW', {
      what: `${place}: a result does not fit its type (${error.message}).`,
      hint: 'Sum decimals, which have 38 digits, and start from the beginning under another query.name.',
    });
  }
}

function emitted({ name }: Aggregate, options: OutputsOptions): readonly GroupRow[] {
  const { query, changes, allGroups, whole } = options;
  const { outputMode } = query;
  if (outputMode === 'complete' || (outputMode === 'update' && whole)) return inKeyOrder(allGroups(name));
  const change = changes.find(({ aggregate }) => aggregate === name);
  invariant(change !== undefined, `a batch has a change of ${name}`);
  return outputMode === 'append' ? inKeyOrder(change.closed) : change.totals;
}

/** Groups are in memory in another order after a restart, and a batch that is given again has the same rows in the same order. */
function inKeyOrder(rows: readonly GroupRow[]): readonly GroupRow[] {
  return rows
    .map((row) => ({ row, key: JSON.stringify(row.key) }))
    .toSorted((a, b) => (a.key < b.key ? -1 : 1))
    .map(({ row }) => row);
}

/** Counts come as numbers, and a column of longs takes no number. */
function typed(cell: GroupCell, { batch }: ColumnTable, at: number): GroupCell | bigint {
  return batch.leaves[at]?.type.kind === 'long' && cell !== null ? BigInt(cell) : cell;
}

function schemaIn(aggregate: Aggregate, leaves: readonly Leaf[]): Schema {
  const found = schemaOfAggregate(aggregate, (column) => {
    const leaf = leaves.find(({ path }) => path === column);
    invariant(leaf !== undefined, `no column ${column} in the events`);
    return leaf;
  });
  return schema(found.fields);
}
