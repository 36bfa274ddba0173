/** Measures that take many rows in at once: counts, and sums of numbers that doubles hold exactly. */
import type { ColumnBatch, DecimalColumn, NumberColumn } from '../../columns/column-chunk.ts';
import type { GroupCell } from '../../contracts/batch.ts';
import type { Measure } from '../../plan/query-plan.ts';
import type { Accumulator, Slot } from './accumulator.ts';
import { groupText, overflowIn } from './overflow.ts';

/** Where the slots of a group's batch in hand are. */
export interface AddingGroup {
  readonly added: Slot[];
  /** For the message of a sum that does not fit. */
  readonly key: readonly GroupCell[];
}

/** Takes the rows `rows[0, count)` in, in their order: each into the group of `groups` that `places` names. */
export type RowsAdder = (
  groups: readonly AddingGroup[],
  places: Int32Array,
  rows: Int32Array,
  count: number,
) => void;

/** The adder of a measure with its slot at `at`; undefined for one that takes row by row. It gives what `one` gives. */
export function rowsAdderOf(
  measure: Measure,
  batch: ColumnBatch,
  one: Accumulator,
  at: number,
): RowsAdder | undefined {
  if (measure.kind === 'count' && measure.column === undefined) return countingRows(at);
  if (measure.kind !== 'sum') return undefined;
  const column = batch.columns[batch.indexOf(measure.column)];
  if (column?.kind === 'decimal' || column?.kind === 'long' || column?.kind === 'int')
    return summingRows(column, one, at);
  return undefined;
}

function countingRows(at: number): RowsAdder {
  let counts = new Int32Array(0);
  return (groups, places, _rows, count) => {
    if (counts.length < groups.length) counts = new Int32Array(groups.length * 2);
    counts.fill(0, 0, groups.length);
    for (let index = 0; index < count; index += 1) {
      const place = places[index] as number;
      counts[place] = (counts[place] as number) + 1;
    }
    groups.forEach(({ added }, place) => {
      added[at] = (added[at] as number) + (counts[place] as number);
    });
  };
}

/** NaN while a sum has no value yet, and Infinity if it is not a safe integer and so is in its slot alone. */
function summingRows(column: DecimalColumn | NumberColumn, one: Accumulator, at: number): RowsAdder {
  let sums = new Float64Array(0);
  return (groups, places, rows, count) => {
    if (sums.length < groups.length) sums = new Float64Array(groups.length * 2);
    const { values } = column;
    groups.forEach(({ added }, place) => (sums[place] = narrowOf(added[at])));
    for (let index = 0; index < count; index += 1) {
      const row = rows[index] as number;
      const place = places[index] as number;
      const value = values[row] as number;
      const before = sums[place] as number;
      // Null is NaN, and no sum with it is one.
      if (Number.isNaN(value)) continue;
      const sum = Number.isNaN(before) ? value : before + value;
      if (sum <= Number.MAX_SAFE_INTEGER && sum >= -Number.MAX_SAFE_INTEGER) {
        sums[place] = sum;
        continue;
      }
      const { added, key } = groups[place] as AddingGroup;
      store(added, at, before);
      try {
        one.add(added, at, row);
      } catch (error) {
        throw overflowIn(error, groupText(key));
      }
      sums[place] = narrowOf(added[at]);
    }
    groups.forEach(({ added }, place) => store(added, at, sums[place] as number));
  };
}

function narrowOf(slot: Slot): number {
  if (slot === null) return NaN;
  return typeof slot === 'number' ? slot : Infinity;
}

function store(slots: Slot[], at: number, sum: number): void {
  if (!Number.isNaN(sum) && sum !== Infinity) slots[at] = sum;
}
