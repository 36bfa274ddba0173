/** `groupBy(…).agg({ … })` over the rows of a frame, by the operators that streams are aggregated with. */
import type { Schema } from '../../columns/schema/schema.ts';
import { ColumnTable } from '../../columns/table.ts';
import { TallystreamError } from '../../errors.ts';
import type { Slot } from '../../operators/aggregate/accumulator.ts';
import { accumulatorOf } from '../../operators/aggregate/accumulators.ts';
import { GroupedAggregate } from '../../operators/aggregate/grouped.ts';
import type { RunningAggregate } from '../../operators/aggregate/aggregate.ts';
import { SessionAggregate } from '../../operators/aggregate/sessions.ts';
import type { GroupCell } from '../../contracts/batch.ts';
import { schemaOfAggregate } from '../../plan/aggregate-schema.ts';
import { nodeOf, type Expression } from '../../plan/expression/node.ts';
import { outputName } from '../../plan/expression/text.ts';
import type { MeasureSpec, MeasureSpecs } from '../../plan/measure.ts';
import type { Aggregate, GroupKey, Measure } from '../../plan/query-plan.ts';
import {
  fieldOfExpression,
  fieldOfPath,
  fieldsOf,
  freeName,
  lastName,
  leafColumn,
  rowAt,
  withFields,
  type FieldColumns,
  type FrameParts,
} from './parts.ts';
import type { GroupingKey } from '../stream-types.ts';

const RELATIVE_ERROR_DEFAULT = 0.05;

/** The frame with the columns that keys needed, and the keys. A window comes first, as in an aggregate. */
export interface Grouping {
  readonly parts: FrameParts;
  readonly keys: readonly GroupKey[];
}

/** @throws TallystreamError `USAGE` for a key that there is not, or two windows */
export function groupingOf(parts: FrameParts, keys: readonly GroupingKey<Schema>[]): Grouping {
  let grouping: Grouping = { parts, keys: [] };
  for (const key of keys) grouping = withKey(grouping, key);
  const windows = grouping.keys.filter(isWindow);
  if (windows.length > 1) {
    throw new TallystreamError('USAGE', {
      what: 'groupBy: a grouping has at most one window.',
      hint: 'Group by each window separately.',
    });
  }
  return { ...grouping, keys: [...windows, ...grouping.keys.filter((key) => !isWindow(key))] };
}

function isWindow({ kind }: GroupKey): boolean {
  return kind === 'window' || kind === 'sessionWindow';
}

function withKey({ parts, keys }: Grouping, key: GroupingKey<Schema>): Grouping {
  if (typeof key === 'string') {
    leafColumn(parts, key, 'groupBy');
    return { parts, keys: [...keys, { kind: 'column', name: lastName(key), column: key }] };
  }
  if ('sessionWindow' in key) {
    const { of, gapMs } = key.sessionWindow;
    const time = withColumnOf(parts, of);
    return {
      parts: time.parts,
      keys: [...keys, { kind: 'sessionWindow', name: key.name, column: time.column, gapMs }],
    };
  }
  const name = outputName(key);
  const expression = nodeOf(key);
  const node = expression.kind === 'alias' ? expression.of : expression;
  const { parts: computed, column } = withColumnOf(parts, node.kind === 'window' ? node.of : node);
  if (node.kind !== 'window') return { parts: computed, keys: [...keys, { kind: 'column', name, column }] };
  const { sizeMs, slideMs, startMs } = node;
  return {
    parts: computed,
    keys: [...keys, { kind: 'window', name, column, sizeMs, slideMs, startMs }],
  };
}

/** The column of an expression: its own, or one that is computed under a name that no other has. */
function withColumnOf(
  parts: FrameParts,
  node: Expression,
): { readonly parts: FrameParts; readonly column: string } {
  if (node.kind === 'column') {
    leafColumn(parts, node.path, 'groupBy');
    return { parts, column: node.path };
  }
  const fields = fieldsOf(parts);
  const column = freeName(`key ${fields.length}`, fields);
  const field: FieldColumns = fieldOfExpression(parts, column, node, 'groupBy');
  return { parts: withFields(parts, [...fields, field], 'groupBy'), column };
}

/**
 * A row a group, its keys and then its measures; groups in the order of their first rows, sessions by key and time. A
 * frame without rows has no groups, but if there are no keys it has one, as in SQL.
 * @throws TallystreamError `USAGE`, `SUM_OVERFLOW`, `STATE_TOO_LARGE`
 */
export function aggregated({ parts, keys }: Grouping, specs: MeasureSpecs): ColumnTable {
  const measures = Object.entries(specs).map(([name, spec]) => measureOf(parts, name, spec));
  const aggregate: Aggregate = { name: 'agg', keys, measures };
  const table = new ColumnTable(resultSchema(parts, aggregate));
  if (keys.length === 0 && parts.count === 0) {
    table.appendCells(measures.map((measure) => resultOfNone(measure, parts)));
    return table;
  }
  const running = operatorOf(aggregate, parts);
  for (let place = 0; place < parts.count; place += 1) running.add(rowAt(parts, place));
  for (const { key, measures: results } of running.change().totals) append(table, [...key, ...results]);
  return table;
}

function operatorOf(aggregate: Aggregate, { batch, context }: FrameParts): RunningAggregate {
  const around = { batch, ...context };
  return aggregate.keys[0]?.kind === 'sessionWindow'
    ? new SessionAggregate(aggregate, around)
    : new GroupedAggregate(aggregate, around);
}

function measureOf(parts: FrameParts, name: string, spec: MeasureSpec): Measure {
  const { kind, column, relativeError = RELATIVE_ERROR_DEFAULT } = spec;
  const where = `agg({ ${name}: ${kind}(…) })`;
  if (column === undefined) {
    if (kind === 'count') return { kind, name };
    throw new TallystreamError('USAGE', {
      what: `${where} needs a column.`,
      hint: "Name one: sum('amount').",
    });
  }
  // A count asks only whether there is something, but of one column: a struct has none.
  leafColumn(parts, column, where);
  return kind === 'approxCountDistinct' ? { kind, name, column, relativeError } : { kind, name, column };
}

function resultSchema(parts: FrameParts, aggregate: Aggregate): Schema {
  try {
    return schemaOfAggregate(aggregate, (column) => fieldOfPath(parts, column, 'agg').field);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new TallystreamError('USAGE', {
      what: `agg: ${error.message}.`,
      hint: 'Give each key and measure a different name.',
    });
  }
}

function resultOfNone(measure: Measure, { batch, context }: FrameParts): GroupCell {
  const accumulator = accumulatorOf(measure, batch, context);
  const slots = new Array<Slot>(accumulator.slots);
  accumulator.clear(slots, 0);
  return accumulator.result(slots, 0);
}

/** The types leave room for more rows than there can be, except for a sum of whole numbers, which is 64 bits wide. */
function append(table: ColumnTable, cells: readonly GroupCell[]): void {
  try {
    table.appendCells(cells);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new TallystreamError('SUM_OVERFLOW', {
      what: `agg: a result does not fit its type (${error.message}).`,
      hint: "Cast the column to a wider type first: quantity.cast('decimal(28,0)').",
    });
  }
}
