/**
 * The measures of a group as accumulators over slots: what a batch adds is gathered apart from what is committed, and
 * the two are merged, so every measure is a state that merges.
 */
import { InvariantError } from '../../errors.ts';
import type { Column, ColumnBatch, Scaled } from '../../columns/column-chunk.ts';
import { compareScaled } from '../../columns/values/decimal.ts';
import type { GroupCell } from '../../contracts/batch.ts';
import type { Measure } from '../../plan/query-plan.ts';
import type { Accumulator, Slot } from './accumulator.ts';
import { distinctAccumulator } from './distinct.ts';
import { NUMBER_BYTES, textBytes } from './memory-estimate.ts';
import { averageOf, boundOf, sumOf } from './sum.ts';
import { valueReader, type ValueReader } from './value-reader.ts';

/** Seeds the hash of distinct counts: the checkpoint's own key, so that no one can prepare collisions. */
export interface AccumulatorOptions {
  readonly hashKey: Uint8Array;
  /** Numbers rows in order of reading, for all accumulators of an aggregate; it continues behind what was loaded. */
  readonly order?: RowOrder;
}

export interface RowOrder {
  next: number;
}

export function accumulatorOf(
  measure: Measure,
  batch: ColumnBatch,
  { hashKey, order = { next: 0 } }: AccumulatorOptions,
): Accumulator {
  if (measure.kind === 'count' && measure.column === undefined) return countAll();
  const path = measure.column;
  if (path === undefined) throw new InvariantError(`measure ${measure.name} needs a column`);
  const column = batch.columns[batch.indexOf(path)] as Column;
  const reader = valueReader(column, batch.space);
  switch (measure.kind) {
    case 'count':
      return countOf(reader);
    case 'sum':
      return sumOf(reader, `${measure.name}, the sum of ${path}`, boundOf(column));
    case 'avg':
      return averageOf(reader, `${measure.name}, the average of ${path}`);
    case 'min':
      return extremeOf(reader, -1);
    case 'max':
      return extremeOf(reader, 1);
    case 'first':
      return firstOf(reader, order);
    case 'last':
      return lastOf(reader);
    case 'approxCountDistinct':
      return distinctAccumulator(reader, measure.relativeError, hashKey);
  }
}

function countAll(): Accumulator {
  return { ...counting, add: (target, at) => void (target[at] = (target[at] as number) + 1) };
}

function countOf(reader: ValueReader): Accumulator {
  return {
    ...counting,
    add(target, at, row) {
      if (reader.at(row) !== undefined) target[at] = (target[at] as number) + 1;
    },
  };
}

const counting: Omit<Accumulator, 'add'> = {
  slots: 1,
  bytes: 0,
  clear: (target, at) => void (target[at] = 0),
  merge: (target, at, later, laterAt) =>
    void (target[at] = (target[at] as number) + (later[laterAt] as number)),
  result: (slots, at) => slots[at] as number,
  load: (target, at, cells) => void (target[at] = cells[0] as number),
};

/** The least (-1) or greatest (1) value; texts by code point, false before true. */
function extremeOf(reader: ValueReader, sign: -1 | 1): Accumulator {
  const offer = (target: Slot[], at: number, value: Slot): void => {
    const best = target[at];
    if (best === undefined || compareValues(value, best) * sign > 0) target[at] = value;
  };
  return {
    ...oneValue(reader),
    add(target, at, row) {
      const value = reader.at(row);
      if (value !== undefined) offer(target, at, value);
    },
    merge(target, at, later, laterAt) {
      if (later[laterAt] !== undefined) offer(target, at, later[laterAt]);
    },
  };
}

/**
 * The value of the first row in order of batch, partition and offset, even if it is null. Sessions that become one
 * come in no order, so the row that a value came from is kept with it.
 */
function firstOf(reader: ValueReader, order: RowOrder): Accumulator {
  return {
    ...oneValue(reader),
    slots: 2,
    clear: (target, at) => void (target[at] = target[at + 1] = undefined),
    add(target, at, row) {
      if (target[at] !== undefined) return;
      target[at] = reader.at(row) ?? null;
      target[at + 1] = order.next;
      order.next += 1;
    },
    merge(target, at, later, laterAt) {
      const isLater =
        target[at] !== undefined && !((later[laterAt + 1] as number) < (target[at + 1] as number));
      if (later[laterAt] === undefined || isLater) return;
      target[at] = later[laterAt];
      target[at + 1] = later[laterAt + 1];
    },
    save: (slots, at) => [...savedEnd(reader, slots[at]), (slots[at + 1] as number | undefined) ?? null],
    load(target, at, cells) {
      target[at] = loadedEnd(reader, cells);
      target[at + 1] = (cells[2] as number | null | undefined) ?? 0;
      order.next = Math.max(order.next, (target[at + 1] as number) + 1);
    },
  };
}

/** The value of the last row in that order: the row that makes one session of several comes after all of theirs. */
function lastOf(reader: ValueReader): Accumulator {
  return {
    ...oneValue(reader),
    add: (target, at, row) => void (target[at] = reader.at(row) ?? null),
    merge(target, at, later, laterAt) {
      if (later[laterAt] !== undefined) target[at] = later[laterAt];
    },
    save: (slots, at) => savedEnd(reader, slots[at]),
    load: (target, at, cells) => void (target[at] = loadedEnd(reader, cells)),
  };
}

/** Whether there was a row, and its value. */
function savedEnd(reader: ValueReader, slot: Slot): GroupCell[] {
  return [slot !== undefined, reader.cell(slot as Scaled)];
}

function loadedEnd(reader: ValueReader, [isSeen, cell]: readonly GroupCell[]): Slot {
  if (isSeen !== true) return undefined;
  return cell === null ? null : (reader.parse(cell as GroupCell) ?? null);
}

/** One value, undefined while there was none. */
function oneValue(
  reader: ValueReader,
): Pick<Accumulator, 'slots' | 'bytes' | 'textBytes' | 'clear' | 'result' | 'load'> {
  const isText = reader.kind === 'string' || reader.kind === 'dictionary';
  return {
    slots: 1,
    bytes: isText || reader.kind === 'boolean' ? 0 : NUMBER_BYTES,
    ...(isText
      ? { textBytes: (slots, at) => (typeof slots[at] === 'string' ? textBytes(slots[at]) : 0) }
      : {}),
    clear: (target, at) => void (target[at] = undefined),
    result: (slots, at) => reader.cell(slots[at] as Scaled | null | undefined),
    load: (target, at, [cell]) =>
      void (target[at] = cell === null ? undefined : reader.parse(cell as GroupCell)),
  };
}

/** Both of one kind. */
function compareValues(a: Slot, b: Slot): number {
  if (typeof a === 'string') return compareTexts(a, b as string);
  if (typeof a === 'boolean') return Number(a) - Number(b);
  return compareScaled(a as Scaled, b as Scaled);
}

/** By code point: JavaScript's own order is that of UTF-16 units, which puts U+1F600 before U+FF21. */
function compareTexts(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at += 1) {
    const left = a.charCodeAt(at);
    const right = b.charCodeAt(at);
    if (left === right) continue;
    return isSurrogate(left) === isSurrogate(right) ? left - right : isSurrogate(left) ? 1 : -1;
  }
  return a.length - b.length;
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff;
}
