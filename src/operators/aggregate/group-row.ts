/** Groups as the cells that are stored and shown, and how many of them there may be. */
import { TallystreamError } from '../../errors.ts';
import type { GroupCell, GroupRow } from '../../contracts/batch.ts';
import type { Accumulator, Slot } from './accumulator.ts';

/** Groups of one aggregate: all that are open are kept in memory. */
export const GROUPS_MAX = 2_000_000;

/** A group as cells: what people see of it, and its state where that says more. */
export function groupRow(
  measures: readonly Accumulator[],
  key: readonly GroupCell[],
  slots: readonly Slot[],
): GroupRow {
  let at = 0;
  const results: GroupCell[] = [];
  const state: (readonly GroupCell[] | null)[] = [];
  for (const measure of measures) {
    results.push(measure.result(slots, at));
    state.push(measure.save?.(slots, at) ?? null);
    at += measure.slots;
  }
  return state.every((cells) => cells === null)
    ? { key, measures: results }
    : { key, measures: results, state };
}

/** Takes a group's state back from its cells. */
export function loadSlots(measures: readonly Accumulator[], slots: Slot[], row: GroupRow): void {
  let at = 0;
  measures.forEach((measure, index) => {
    measure.load(slots, at, row.state?.[index] ?? [row.measures[index] as GroupCell]);
    at += measure.slots;
  });
}

export function tooManyGroups(name: string, key: readonly GroupCell[]): TallystreamError {
  return new TallystreamError('STATE_TOO_LARGE', {
    what: `The aggregate ${name} has ${GROUPS_MAX} groups, which is the limit.`,
    why: `The next one would be ${JSON.stringify(key)}; nothing of this batch was committed.`,
    hint: 'Check whether the producer writes a new value with every event. Group by fewer values, and start from the beginning under another query.name.',
  });
}
