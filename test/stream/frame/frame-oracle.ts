/**
 * A second opinion on what a frame does, made of row objects: arrays, `Map`, `sort`, BigInt. It is slow and short, and
 * shares no code with the frame.
 */
import fc from 'fast-check';
import { types, optional, required, schema } from '../../../src/columns/schema/schema.ts';
import type { RowOf } from '../../../src/columns/rows.ts';

export const SALES = schema([
  required('id', types.string(), ''),
  optional('category', types.string({ dictionary: true }), ''),
  optional('amount', types.decimal(28, 2), ''),
  optional('quantity', types.int(), ''),
  optional('big', types.long(), ''),
  optional('ratio', types.double(), ''),
  required('at', types.timestamp(), ''),
  optional('day', types.date(), ''),
  optional('isNew', types.boolean(), ''),
  optional(
    'place',
    types.struct([
      required('country', types.string(), ''),
      optional('city', types.string({ dictionary: true }), ''),
    ]),
    '',
  ),
  optional('tags', types.array(types.string(), { containsNull: true }), ''),
  optional('prices', types.array(types.decimal(28, 2)), ''),
]);

export type Sale = RowOf<typeof SALES>;

/** Code points whose order differs from that of UTF-16 units, and texts that begin alike. */
const text = fc.constantFrom('', 'a', 'ab', 'b', 'Ａ', '😀', 'é', '__proto__', 'a\u0000', '\u001b[31m');
const amount = fc.constantFrom('0.00', '24.15', '-0.05', '90071992547409.93', '123456789012345678901234.56');
const at = fc
  .integer({ min: -3_600_000, max: 200_000_000 })
  .map((milliseconds) => new Date(milliseconds).toISOString());

const orNull = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> =>
  fc.option(arbitrary, { nil: null, freq: 4 });

export const sale: fc.Arbitrary<Sale> = fc.record({
  id: text,
  category: orNull(text),
  amount: orNull(amount),
  quantity: orNull(fc.constantFrom(0, 1, 2, -(2 ** 31), 2 ** 31 - 1)),
  big: orNull(fc.constantFrom(0n, 1n, 9007199254740993n, -9007199254740993n)),
  ratio: orNull(fc.constantFrom(0, 0.1, -1.5, 1e300)),
  at,
  day: orNull(fc.constantFrom('0001-01-01', '1970-01-01', '2024-02-29', '9999-12-31')),
  isNew: orNull(fc.boolean()),
  place: fc.oneof(
    fc.constant({ country: null, city: null }),
    fc.record({ country: text, city: orNull(text) }),
  ),
  tags: orNull(fc.array(orNull(text), { maxLength: 3 })),
  prices: orNull(fc.array(amount, { maxLength: 2 })),
});

export const sales = fc.array(sale, { maxLength: 40, size: 'max' });

export type Plain = Readonly<Record<string, unknown>>;

export function valueAt(row: Plain, path: string): unknown {
  let value: unknown = row;
  for (const name of path.split('.')) value = (value as Plain)[name];
  return value;
}

export interface Order {
  readonly path: string;
  readonly descending: boolean;
  readonly nulls: 'first' | 'last' | undefined;
}

export function inOrder(rows: readonly Plain[], orders: readonly Order[]): Plain[] {
  return rows.toSorted((a, b) => {
    for (const { path, descending, nulls } of orders) {
      const [left, right] = [valueAt(a, path), valueAt(b, path)];
      const nullsFirst = nulls === undefined ? !descending : nulls === 'first';
      if (left === null && right === null) continue;
      if (left === null) return nullsFirst ? -1 : 1;
      if (right === null) return nullsFirst ? 1 : -1;
      const order = compare(left, right, path.endsWith('amount'));
      if (order !== 0) return descending ? -order : order;
    }
    return 0;
  });
}

function compare(a: unknown, b: unknown, isDecimal: boolean): number {
  if (isDecimal) return compare(scaled(a), scaled(b), false);
  if (typeof a !== 'string') return (a as number) < (b as number) ? -1 : a === b ? 0 : 1;
  const [left, right] = [Array.from(a), Array.from(b as string)];
  for (let index = 0; index < Math.min(left.length, right.length); index += 1) {
    const difference = left[index]!.codePointAt(0)! - right[index]!.codePointAt(0)!;
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

export function scaled(value: unknown): bigint {
  return BigInt(String(value).replace('.', ''));
}

export function unscaled(value: bigint, scale: number): string {
  const digits = (value < 0n ? -value : value).toString().padStart(scale + 1, '0');
  return `${value < 0n ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/** JSON with the differences between `1`, `1n` and `'1'` in it. */
export function identityOf(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? `${part}n` : part));
}

export function firstOfEach(rows: readonly Plain[], paths: readonly string[]): Plain[] {
  const seen = new Set<string>();
  return rows.filter((row) => {
    const key = identityOf(paths.map((path) => valueAt(row, path)));
    return seen.has(key) ? false : (seen.add(key), true);
  });
}

export function grouped(
  rows: readonly Plain[],
  keyOf: (row: Plain) => readonly unknown[][],
): Map<string, { key: unknown[]; rows: Plain[] }> {
  const groups = new Map<string, { key: unknown[]; rows: Plain[] }>();
  for (const row of rows) {
    for (const key of keyOf(row)) {
      const group = groups.get(identityOf(key)) ?? { key, rows: [] };
      groups.set(identityOf(key), group);
      group.rows.push(row);
    }
  }
  return groups;
}

/** The windows of `sizeMs`, a new one every `slideMs` from 1970 on, that hold an instant; earliest first. */
export function windowsAt(at: unknown, sizeMs: number, slideMs: number): { start: string; end: string }[] {
  const milliseconds = Date.parse(at as string);
  const windows: { start: string; end: string }[] = [];
  const first = Math.floor((milliseconds - sizeMs) / slideMs) * slideMs;
  for (let start = first; start <= milliseconds; start += slideMs) {
    if (milliseconds >= start + sizeMs) continue;
    windows.push({ start: new Date(start).toISOString(), end: new Date(start + sizeMs).toISOString() });
  }
  return windows;
}

/** What a group's measures must be: of `amount`, `quantity`, `big`, `ratio` and `category`. */
export function measuresOf(rows: readonly Plain[]): Plain {
  const there = (path: string): unknown[] => rows.map((row) => row[path]).filter((value) => value !== null);
  const amounts = there('amount').map(scaled);
  const total = amounts.reduce((sum, value) => sum + value, 0n);
  const wholes = there('quantity') as number[];
  const texts = inOrder(rows.filter((row) => row['category'] !== null), [{ path: 'category', descending: false, nulls: undefined }]); // prettier-ignore
  const ratios = there('ratio') as number[];
  return {
    rows: BigInt(rows.length),
    amounts: BigInt(amounts.length),
    total: amounts.length === 0 ? null : unscaled(total, 2),
    average: amounts.length === 0 ? null : unscaled(halfUp(total * 10_000n, BigInt(amounts.length)), 6),
    quantities: wholes.length === 0 ? null : wholes.reduce((sum, value) => sum + BigInt(value), 0n),
    meanQuantity: wholes.length === 0 ? null : wholes.reduce((sum, value) => sum + value, 0) / wholes.length,
    ratios: ratios.length === 0 ? null : ratios.reduce((sum, value) => sum + value),
    least: texts[0]?.['category'] ?? null,
    most: texts.at(-1)?.['category'] ?? null,
    firstBig: rows[0]?.['big'] ?? null,
    lastBig: rows.at(-1)?.['big'] ?? null,
  };
}

function halfUp(value: bigint, by: bigint): bigint {
  const size = value < 0n ? -value : value;
  const quotient = (size * 2n + by) / (by * 2n);
  return value < 0n ? -quotient : quotient;
}
