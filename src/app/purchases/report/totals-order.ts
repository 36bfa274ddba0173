/** Totals as exact values, and the one order in which reports and listings show them. */
import type { Scaled } from '../../../columns/column-chunk.ts';
import { compareScaled, formatScaled, parseDecimal } from '../../../columns/values/decimal.ts';
import type { GroupRow } from '../../../contracts/batch.ts';
import { InvariantError } from '../../../errors.ts';
import { MONEY_DECIMALS } from '../currencies.ts';

/** A group of the purchase query: `total` in units of the last decimal (cents). */
export interface TotalsRow {
  readonly key: readonly string[];
  readonly total: Scaled;
  readonly transactions: number;
}

/** Reads a group whose measures are total and transactions, as the purchase query has them. */
export function totalsRow(group: GroupRow): TotalsRow {
  const [total, transactions] = group.measures;
  if (typeof total !== 'string' || typeof transactions !== 'number') {
    throw new InvariantError('a group of the purchase query has a total and a count');
  }
  // Keys of the purchase query are texts, and required.
  return { key: group.key as readonly string[], total: parseDecimal(total, MONEY_DECIMALS), transactions };
}

export function moneyText(amount: Scaled): string {
  return formatScaled(amount, MONEY_DECIMALS);
}

/** Keys ascend, part by part. */
export function byKey(a: TotalsRow, b: TotalsRow): number {
  for (let part = 0; part < a.key.length; part += 1) {
    const order = compareCodePoints(a.key[part] as string, b.key[part] as string);
    if (order !== 0) return order;
  }
  return 0;
}

/** All parts of the key except the last ascend; then totals descend, and equal totals are ordered by the last part. */
export function byFallingTotal(a: TotalsRow, b: TotalsRow): number {
  const within = a.key.length - 1;
  for (let part = 0; part < within; part += 1) {
    const order = compareCodePoints(a.key[part] as string, b.key[part] as string);
    if (order !== 0) return order;
  }
  return (
    compareScaled(b.total, a.total) || compareCodePoints(a.key[within] as string, b.key[within] as string)
  );
}

/** The first `count` of `rows` in that order: sorting a large number of rows would cost more than the rest of a report. */
export function firstInOrder<T>(rows: readonly T[], order: (a: T, b: T) => number, count: number): T[] {
  let first: T[] = [];
  let last: T | undefined;
  for (const row of rows) {
    if (last !== undefined && order(last, row) <= 0) continue;
    first.push(row);
    if (first.length < count * 2) continue;
    first = first.sort(order).slice(0, count);
    last = first.at(-1);
  }
  return first.sort(order).slice(0, count);
}

/** Compares by code point. JavaScript's `<` compares UTF-16 units, which puts U+1F600 before U+FF21. */
export function compareCodePoints(a: string, b: string): -1 | 0 | 1 {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at += 1) {
    const left = a.charCodeAt(at);
    const right = b.charCodeAt(at);
    if (left !== right) return rankOf(left) < rankOf(right) ? -1 : 1;
  }
  if (a.length === b.length) return 0;
  return a.length < b.length ? -1 : 1;
}

/** Moves surrogates above all other units, as for the code points that they encode. */
function rankOf(unit: number): number {
  if (unit >= 0xe000) return unit - 0x800;
  return unit >= 0xd800 ? unit + 0x2000 : unit;
}
