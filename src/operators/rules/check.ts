/** Compiles a plan's rules to checks over one row of columns. Pure: the clock comes in with the plan. */
import { InvariantError } from '../../errors.ts';
import type { ColumnBatch, DecimalColumn, NumberColumn, Scaled } from '../../columns/column-chunk.ts';
import { compareScaled, formatScaled, parseDecimal } from '../../columns/values/decimal.ts';
import { ACTUAL_CHARACTERS_MAX, type Problem } from '../../columns/decode/problem.ts';
import { formatTimestamp } from '../../columns/values/timestamp.ts';
import { REASON_OF_RULE, type Rule } from '../../plan/rule.ts';
import { decimalColumn, dictionaryColumn, numberColumn } from './columns.ts';

/**
 * A rule bound to the columns it reads. `boundMs` is the row's bound of record-time.ts, and `clockMs` the plan's clock: if
 * they differ, the bound is the log timestamp of the record, and a message says so.
 */
export type RowCheck = (row: number, boundMs: number, clockMs?: number) => Problem | undefined;

/** One check that runs all rules in order and gives the first problem. A null field breaks no rule. */
export function compileRules(rules: readonly Rule[], batch: ColumnBatch): RowCheck {
  const checks = rules.map((rule) => compileRule(rule, batch));
  return (row, boundMs, clockMs) => {
    for (const check of checks) {
      const problem = check(row, boundMs, clockMs);
      if (problem !== undefined) return problem;
    }
    return undefined;
  };
}

function compileRule(rule: Rule, batch: ColumnBatch): RowCheck {
  switch (rule.kind) {
    case 'characters':
      return charactersCheck(rule, batch);
    case 'oneOf':
      return oneOfCheck(rule, batch);
    case 'between':
      return betweenCheck(rule, batch);
    case 'amount':
      return amountCheck(rule, batch);
    case 'notAhead':
      return notAheadCheck(rule, batch);
  }
}

type RuleOf<Kind extends Rule['kind']> = Extract<Rule, { kind: Kind }>;

function problem(rule: Rule, field: string, expected: string, actual: string): Problem {
  // By code points, so that no character is cut in two.
  const shortened = Array.from(actual.slice(0, ACTUAL_CHARACTERS_MAX * 2))
    .slice(0, ACTUAL_CHARACTERS_MAX)
    .join('');
  return { reason: REASON_OF_RULE[rule.kind], field, expected, actual: shortened };
}

function charactersCheck(rule: RuleOf<'characters'>, batch: ColumnBatch): RowCheck {
  const bytesAt = textBytes(batch, rule.field);
  return (row) => {
    const bytes = bytesAt(row);
    if (bytes === undefined) return undefined;
    const count = countCharacters(bytes);
    if (count >= rule.min && count <= rule.max) return undefined;
    return problem(rule, rule.field, `${rule.min} to ${rule.max} characters`, `${count} characters`);
  };
}

/** The UTF-8 of a text column's row; undefined is null. */
function textBytes(batch: ColumnBatch, field: string): (row: number) => Uint8Array | undefined {
  const column = batch.columns[batch.indexOf(field)];
  if (column?.kind === 'string') {
    return (row) => {
      const start = column.start[row] as number;
      return start < 0 ? undefined : batch.space.slice(start, column.end[row] as number);
    };
  }
  if (column?.kind !== 'dictionary') throw new InvariantError(`a rule needs text in ${field}`);
  const { dictionary } = column;
  return (row) => {
    const code = column.codes[row] as number;
    return code < 0 ? undefined : dictionary.bytes.subarray(dictionary.startOf(code), dictionary.endOf(code));
  };
}

/** Code points of valid UTF-8: every byte that is not a continuation byte begins one. */
function countCharacters(bytes: Uint8Array): number {
  let count = 0;
  for (let at = 0; at < bytes.length; at += 1) if (((bytes[at] as number) & 0xc0) !== 0x80) count += 1;
  return count;
}

function oneOfCheck(rule: RuleOf<'oneOf'>, batch: ColumnBatch): RowCheck {
  const column = dictionaryColumn(batch, rule.field);
  const values = new Set(rule.values);
  // A verdict a code, found once for each distinct value: 1 allowed, 2 refused, 0 not yet looked up.
  let verdicts = new Uint8Array(256);
  return (row) => {
    const code = column.codes[row] as number;
    if (code < 0) return undefined;
    if (code >= verdicts.length) {
      const grown = new Uint8Array(Math.max(code + 1, verdicts.length * 2));
      grown.set(verdicts);
      verdicts = grown;
    }
    if (verdicts[code] === 0) verdicts[code] = values.has(column.dictionary.text(code)) ? 1 : 2;
    if (verdicts[code] === 1) return undefined;
    const text = column.dictionary.text(code);
    const refusal = Object.hasOwn(rule.refused, text) ? rule.refused[text] : undefined;
    return problem(rule, rule.field, refusal ?? rule.expected, text);
  };
}

function betweenCheck(rule: RuleOf<'between'>, batch: ColumnBatch): RowCheck {
  const column = batch.columns[batch.indexOf(rule.field)];
  if (column?.kind !== 'decimal' && column?.kind !== 'int') {
    throw new InvariantError(`rule 'between' needs a number in ${rule.field}`);
  }
  const scale = column.kind === 'decimal' ? column.scale : 0;
  const min = rule.min === null ? undefined : parseDecimal(rule.min, scale);
  const max = rule.max === null ? undefined : parseDecimal(rule.max, scale);
  const expected = expectedRange(rule);
  return (row) => {
    const value = numberAt(column, row);
    if (value === undefined) return undefined;
    const low = min !== undefined && compareScaled(value, min) < 0;
    const high = max !== undefined && compareScaled(value, max) > 0;
    if (!low && !high) return undefined;
    return problem(rule, rule.field, expected, formatScaled(value, scale));
  };
}

function expectedRange(rule: RuleOf<'between'>): string {
  if (rule.max === null) return `at least ${rule.min ?? ''}`;
  if (rule.min === null) return `at most ${rule.max}`;
  return `${rule.min} to ${rule.max}`;
}

function numberAt(column: DecimalColumn | NumberColumn, row: number): Scaled | undefined {
  if (column.kind === 'decimal') return column.get(row);
  const value = column.values[row] as number;
  return Number.isNaN(value) ? undefined : value;
}

/**
 * |total − price × quantity × (1 − discount/100)| ≤ tolerance without a fraction anywhere: with scale s for amounts
 * and t for the discount, both sides are multiplied by 10^s × 10^(t+2), that is 100 % in units of the discount.
 */
function amountCheck(rule: RuleOf<'amount'>, batch: ColumnBatch): RowCheck {
  const total = decimalColumn(batch, rule.total);
  const price = decimalColumn(batch, rule.price);
  const discount = decimalColumn(batch, rule.discount);
  const quantity = numberColumn(batch, rule.quantity);
  if (price.scale !== total.scale)
    throw new InvariantError('rule amount needs one scale for price and total');
  const whole = 10 ** (discount.scale + 2);
  const tolerance = Number(parseDecimal(rule.tolerance, total.scale)) * whole;
  return (row) => {
    const totalValue = total.get(row);
    const priceValue = price.get(row);
    const count = quantity.values[row] as number;
    if (totalValue === undefined || priceValue === undefined || Number.isNaN(count)) return undefined;
    const share = whole - Number(discount.get(row) ?? 0);
    if (withinTolerance(totalValue, priceValue, count, share, whole, tolerance)) return undefined;
    const expected = expectedAmount(
      BigInt(priceValue) * BigInt(count) * BigInt(share),
      BigInt(whole),
      total.scale,
    );
    return problem(
      rule,
      rule.total,
      `${expected} within ${rule.tolerance}`,
      formatScaled(totalValue, total.scale),
    );
  };
}

function withinTolerance(
  total: Scaled,
  price: Scaled,
  count: number,
  share: number,
  whole: number,
  tolerance: number,
): boolean {
  if (typeof total === 'number' && typeof price === 'number') {
    const left = total * whole;
    const right = price * count * share;
    // Products of whole numbers are exact in doubles as long as they stay safe integers.
    if (Math.abs(left) <= Number.MAX_SAFE_INTEGER && Math.abs(right) <= Number.MAX_SAFE_INTEGER) {
      return Math.abs(left - right) <= tolerance;
    }
  }
  const difference = BigInt(total) * BigInt(whole) - BigInt(price) * BigInt(count) * BigInt(share);
  return (difference < 0n ? -difference : difference) <= BigInt(tolerance);
}

/** The right total rounded half up to the amount's scale, for the message only. */
function expectedAmount(product: bigint, whole: bigint, scale: number): string {
  const rounded = (product * 2n + whole) / (whole * 2n);
  return formatScaled(rounded, scale);
}

function notAheadCheck(rule: RuleOf<'notAhead'>, batch: ColumnBatch): RowCheck {
  const column = numberColumn(batch, rule.field);
  return (row, boundMs, clockMs = boundMs) => {
    const micros = column.values[row] as number;
    const latest = (boundMs + rule.toleranceMs) * 1000;
    if (Number.isNaN(micros) || micros <= latest) return undefined;
    const whose = boundMs === clockMs ? "the query's clock" : 'the log timestamp of its record';
    const bound = `${whose}, ${formatTimestamp(boundMs * 1000)}, and the tolerance`;
    const expected = `not after ${formatTimestamp(latest)} (${bound})`;
    return problem(rule, rule.field, expected, formatTimestamp(micros));
  };
}
