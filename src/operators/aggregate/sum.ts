/** Sums and averages as accumulators: exact, and refused if they do not fit. */
import { InvariantError, TallystreamError } from '../../errors.ts';
import type { Column, Scaled } from '../../columns/column-chunk.ts';
import { addExact, formatScaled, parseDecimal } from '../../columns/values/decimal.ts';
import type { Accumulator, Slot } from './accumulator.ts';
import { divideHalfUp } from '../expression/divide.ts';
import { NUMBER_BYTES } from './memory-estimate.ts';
import { overflowIn } from './overflow.ts';
import type { ValueReader } from './value-reader.ts';

/** Null while there was no value. Whole and decimal numbers are exact; doubles are added in order of reading. */
export function sumOf(
  reader: ValueReader,
  label: string,
  check: (sum: Scaled) => Scaled = asItIs,
): Accumulator {
  const { scale, isFloat } = numeric(reader);
  const plus = (sum: Slot, value: Scaled): Scaled => {
    if (sum === null) return value;
    if (isFloat) return (sum as number) + (value as number);
    try {
      return check(addExact(sum as Scaled, value));
    } catch (error) {
      throw overflowIn(error, label);
    }
  };
  return {
    slots: 1,
    bytes: NUMBER_BYTES,
    clear: (target, at) => void (target[at] = null),
    add(target, at, row) {
      const value = reader.at(row);
      if (value !== undefined) target[at] = plus(target[at], value as Scaled);
    },
    merge(target, at, later, laterAt) {
      const value = later[laterAt] as Scaled | null;
      if (value !== null) target[at] = plus(target[at], value);
    },
    result(slots, at) {
      const sum = slots[at] as Scaled | null;
      if (sum === null) return null;
      return isFloat ? (sum as number) : formatScaled(sum, scale);
    },
    load(target, at, [cell]) {
      target[at] = typeof cell === 'string' ? parseDecimal(cell, scale) : (cell as number | null);
    },
  };
}

function asItIs(sum: Scaled): Scaled {
  return sum;
}

/** A sum of whole numbers is a long; an average only passes through one. */
export function boundOf({ kind }: Column): typeof asItIs {
  return kind === 'long' || kind === 'int' ? asLongSum : asItIs;
}

function asLongSum(sum: Scaled): Scaled {
  if (typeof sum === 'number' || BigInt.asIntN(64, sum) === sum) return sum;
  throw new TallystreamError('SUM_OVERFLOW', {
    what: `A sum of whole numbers does not fit 64 bits: ${sum}.`,
    why: 'The sum of ints and longs is a long; totals never wrap or round.',
    hint: "Sum a decimal instead, which has 38 digits: withColumn('wide', ({ n }) => n.cast('decimal(38,0)')), then sum('wide').",
  });
}

/** What an average of decimals has more than its column, as Spark's has (Average.scala). */
const AVERAGE_DECIMALS = 4;

/** Decimals give a decimal with four decimals more, rounded half up; other numbers give a double. */
export function averageOf(reader: ValueReader, label: string): Accumulator {
  const { scale, isFloat } = numeric(reader);
  const sum = sumOf(reader, label);
  const more = reader.kind === 'decimal' ? Math.min(AVERAGE_DECIMALS, 38 - scale) : 0;
  return {
    slots: 2,
    bytes: NUMBER_BYTES,
    clear(target, at) {
      sum.clear(target, at);
      target[at + 1] = 0;
    },
    add(target, at, row) {
      if (reader.at(row) === undefined) return;
      sum.add(target, at, row);
      target[at + 1] = (target[at + 1] as number) + 1;
    },
    merge(target, at, later, laterAt) {
      sum.merge(target, at, later, laterAt);
      target[at + 1] = (target[at + 1] as number) + (later[laterAt + 1] as number);
    },
    result(slots, at) {
      const total = slots[at] as Scaled | null;
      const count = slots[at + 1] as number;
      if (total === null || count === 0) return null;
      if (reader.kind !== 'decimal') return isFloat ? (total as number) / count : Number(total) / count;
      return formatScaled(divideHalfUp(BigInt(total) * 10n ** BigInt(more), BigInt(count)), scale + more);
    },
    save: (slots, at) => [sum.result(slots, at), slots[at + 1] as number],
    load(target, at, cells) {
      sum.load(target, at, cells);
      target[at + 1] = cells[1] as number;
    },
  };
}

function numeric({ kind, scale }: ValueReader): { scale: number; isFloat: boolean } {
  if (kind !== 'decimal' && kind !== 'long' && kind !== 'int' && kind !== 'double') {
    throw new InvariantError(`a sum needs numbers, but this is ${kind}`);
  }
  return { scale, isFloat: kind === 'double' };
}
