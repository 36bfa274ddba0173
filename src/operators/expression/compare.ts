/** Comparisons. Numbers of different types and scales are compared exactly; text code point by code point. */
import { InvariantError } from '../../errors.ts';
import type { Scaled } from '../../columns/column-chunk.ts';
import { compareScaled } from '../../columns/values/decimal.ts';
import type { ComparisonName } from '../../plan/expression/node.ts';
import { scaledUp } from './decimal.ts';
import type { BooleanEvaluator, Evaluator, Reader, TextEvaluator } from './evaluator.ts';

type Order = -1 | 0 | 1;

/** A pair of arguments, brought to values that one function puts in order. */
interface Pair<T> {
  readonly left: Reader<T>;
  readonly right: Reader<T>;
  readonly order: (a: T, b: T) => Order;
}

/** `rightText` is the right side where it is a text literal. */
export function comparisonEvaluator(
  name: ComparisonName,
  left: Evaluator,
  right: Evaluator,
  rightText?: string,
): BooleanEvaluator {
  if (rightText !== undefined && left.kind === 'string' && (name === 'eq' || name === 'ne')) {
    const equals = textEquals(left, rightText);
    if (name === 'eq') return { kind: 'boolean', at: equals };
    return {
      kind: 'boolean',
      at(row) {
        const same = equals(row);
        return same === undefined ? undefined : !same;
      },
    };
  }
  return { kind: 'boolean', at: compared(name, left, right) };
}

function compared(name: ComparisonName, left: Evaluator, right: Evaluator): Reader<boolean> {
  if (left.kind === 'string' && right.kind === 'string')
    return comparison(name, { left: left.at, right: right.at, order: compareText });
  if (left.kind === 'boolean' && right.kind === 'boolean')
    return comparison(name, { left: left.at, right: right.at, order: (a, b) => compareScaled(+a, +b) });
  if (left.kind === 'double' || right.kind === 'double' || isNumber(left, right))
    return comparison(name, { left: asNumber(left), right: asNumber(right), order: compareScaled });
  return comparison(name, exactPair(left, right));
}

/** Where both are numbers of one kind: ints, instants, or dates. */
function isNumber(left: Evaluator, right: Evaluator): boolean {
  return left.kind === right.kind && left.kind !== 'decimal' && left.kind !== 'long';
}

/** A long beside a double is rounded to one, as Spark rounds it. */
function asNumber(of: Evaluator): Reader<number> {
  switch (of.kind) {
    case 'int':
    case 'double':
    case 'timestamp':
    case 'date':
      return of.at;
    case 'long':
      return (row) => {
        const value = of.at(row);
        return value === undefined ? undefined : Number(value);
      };
    default:
      throw new InvariantError(`${of.kind} is not compared as a number`);
  }
}

/** Numbers without a float in them, both at the larger scale. */
function exactPair(left: Evaluator, right: Evaluator): Pair<Scaled> {
  const scale = Math.max(scaleOf(left), scaleOf(right));
  return { left: atScale(left, scale), right: atScale(right, scale), order: compareScaled };
}

function scaleOf(of: Evaluator): number {
  return of.kind === 'decimal' ? of.scale : 0;
}

function atScale(of: Evaluator, scale: number): Reader<Scaled> {
  if (of.kind !== 'decimal' && of.kind !== 'long' && of.kind !== 'int')
    throw new InvariantError(`${of.kind} is no exact number`);
  const by = scale - scaleOf(of);
  if (by === 0) return of.at;
  return (row) => {
    const value = of.at(row);
    return value === undefined ? undefined : scaledUp(value, by);
  };
}

function comparison<T>(name: ComparisonName, pair: Pair<T>): Reader<boolean> {
  const { left, right, order } = pair;
  if (name === 'eqNullSafe') {
    return (row) => {
      const a = left(row);
      const b = right(row);
      if (a === undefined || b === undefined) return a === undefined && b === undefined;
      return order(a, b) === 0;
    };
  }
  const holds = HOLDS[name];
  return (row) => {
    const a = left(row);
    if (a === undefined) return undefined;
    const b = right(row);
    return b === undefined ? undefined : holds(order(a, b));
  };
}

const HOLDS: Readonly<Record<Exclude<ComparisonName, 'eqNullSafe'>, (order: Order) => boolean>> = {
  eq: (order) => order === 0,
  ne: (order) => order !== 0,
  lt: (order) => order < 0,
  le: (order) => order <= 0,
  gt: (order) => order > 0,
  ge: (order) => order >= 0,
};

/** The order of code points, which is the order of UTF-8 bytes: JavaScript's own order of text is another one. */
function compareText(a: string, b: string): Order {
  const end = Math.min(a.length, b.length);
  for (let at = 0; at < end; at += 1) {
    const x = a.charCodeAt(at);
    const y = b.charCodeAt(at);
    if (x === y) continue;
    // A surrogate stands for a code point above all those that need none.
    if (isSurrogate(x) !== isSurrogate(y)) return isSurrogate(x) ? 1 : -1;
    return x < y ? -1 : 1;
  }
  return compareScaled(a.length, b.length);
}

function isSurrogate(unit: number): boolean {
  return (unit & 0xf800) === 0xd800;
}

const ENCODER = new TextEncoder();

/** Whether text equals a literal: byte by byte where it stands as bytes, so that no text is made for a row. */
function textEquals(of: TextEvaluator, text: string): Reader<boolean> {
  if (of.bytes === undefined) {
    return (row) => {
      const value = of.at(row);
      return value === undefined ? undefined : value === text;
    };
  }
  const { column, space } = of.bytes;
  const wanted = ENCODER.encode(text);
  return (row) => {
    const start = column.start[row] as number;
    if (start < 0) return undefined;
    if ((column.end[row] as number) - start !== wanted.length) return false;
    const inChunk = start < space.chunk.length;
    const bytes = inChunk ? space.chunk : space.arena;
    const first = inChunk ? start : start - space.chunk.length;
    for (let at = 0; at < wanted.length; at += 1) if (bytes[first + at] !== wanted[at]) return false;
    return true;
  };
}

/**
 * Whether the first argument is among the others: true if one is equal, else null if one of them or itself is
 * null, else false. `texts` are the others where all are text literals.
 */
export function isInEvaluator(
  args: readonly Evaluator[],
  texts: readonly string[] | undefined,
): BooleanEvaluator {
  const [first, ...others] = args as [Evaluator, ...Evaluator[]];
  if (texts !== undefined && first.kind === 'string') {
    const known = new Set(texts);
    return {
      kind: 'boolean',
      at(row) {
        const value = first.at(row);
        return value === undefined ? undefined : known.has(value);
      },
    };
  }
  const equals = others.map((other) => compared('eq', first, other));
  return { kind: 'boolean', at: (row) => anyTrue(equals, row) };
}

/** `OR` over all. */
function anyTrue(conditions: readonly Reader<boolean>[], row: number): boolean | undefined {
  let unknown = false;
  for (const condition of conditions) {
    const value = condition(row);
    if (value === true) return true;
    if (value === undefined) unknown = true;
  }
  return unknown ? undefined : false;
}

/** Whether an array has an element that equals the value; null if either is null, or none equals and one is null. */
export function arrayContainsEvaluator(array: Evaluator, value: Evaluator): BooleanEvaluator {
  if (array.kind !== 'array') throw new InvariantError(`no array but ${array.kind}`);
  // The value is read at the row and the elements at their own places, so the row's value is held here in between.
  const { hold, held } = holder(value);
  const equals = compared('eq', array.items, held);
  return {
    kind: 'boolean',
    at(row) {
      const range = array.at(row);
      if (range === undefined || !hold(row)) return undefined;
      let unknown = false;
      for (let item = range.start; item < range.end; item += 1) {
        const same = equals(item);
        if (same === true) return true;
        if (same === undefined) unknown = true;
      }
      return unknown ? undefined : false;
    },
  };
}

/** An evaluator that gives, whatever the row, what `of` gave for the row last held; `hold` says whether that is a value. */
function holder(of: Evaluator): { readonly hold: (row: number) => boolean; readonly held: Evaluator } {
  let value: unknown;
  const at = (): never => value as never;
  return {
    hold(row) {
      value = of.at(row);
      return value !== undefined;
    },
    held: { ...of, at, ...(of.kind === 'string' ? { bytes: undefined } : {}) } as Evaluator,
  };
}
