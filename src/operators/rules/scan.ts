/**
 * Rules over many rows at once, a column at a time. Nearly every row breaks none, so this finds those that may; what one
 * breaks, and the words for it, the checks of `rules.ts` say.
 */
import { InvariantError } from '../../errors.ts';
import type { ColumnBatch, DictionaryColumn, Scaled, StringColumn } from '../../columns/column-chunk.ts';
import { parseDecimal } from '../../columns/values/decimal.ts';
import type { Rule } from '../../plan/rule.ts';
import { futureBoundMs, lowestRecordMs } from '../record-time.ts';
import { decimalColumn, dictionaryColumn, numberColumn } from './columns.ts';

/** What bounds a row's time, epoch milliseconds: its log timestamp and the plan's clock, as record-time.ts has it. */
export interface RowBounds {
  readonly timestampsMs: Float64Array;
  readonly clockMs: number;
}

/**
 * Sets `suspects[row]` to 1 for each of the rows `[from, to)` that may break a rule, and leaves the others as they are: a
 * row that is not marked breaks none.
 */
export type RuleScan = (from: number, to: number, bounds: RowBounds, suspects: Uint8Array) => void;

const SAFE_MAX = Number.MAX_SAFE_INTEGER;
/** UTF-8 takes up to this many bytes a character. */
const CHARACTER_BYTES_MAX = 4;

export function scanRules(rules: readonly Rule[], batch: ColumnBatch): RuleScan {
  const scans = rules.map((rule) => scanRule(rule, batch));
  return (from, to, bounds, suspects) => {
    for (const scan of scans) scan(from, to, bounds, suspects);
  };
}

function scanRule(rule: Rule, batch: ColumnBatch): RuleScan {
  switch (rule.kind) {
    case 'characters':
      return scanCharacters(rule, batch);
    case 'oneOf': {
      const values = new Set(rule.values);
      const column = dictionaryColumn(batch, rule.field);
      return scanEntries(column, (code) => values.has(column.dictionary.text(code)));
    }
    case 'between':
      return scanBetween(rule, batch);
    case 'amount':
      return scanAmount(rule, batch);
    case 'notAhead':
      return scanNotAhead(rule, batch);
  }
}

type RuleOf<Kind extends Rule['kind']> = Extract<Rule, { kind: Kind }>;

function scanCharacters({ field, min, max }: RuleOf<'characters'>, batch: ColumnBatch): RuleScan {
  const column = batch.columns[batch.indexOf(field)];
  // So many bytes are neither too many characters nor too few, whichever they are.
  const bytesMin = CHARACTER_BYTES_MAX * (min - 1) + 1;
  const bytesMax = max;
  if (column?.kind === 'string') return scanLengths(column, bytesMin, bytesMax);
  if (column?.kind !== 'dictionary') throw new InvariantError(`a rule needs text in ${field}`);
  const { dictionary } = column;
  return scanEntries(column, (code) => {
    const length = dictionary.endOf(code) - dictionary.startOf(code);
    return length >= bytesMin && length <= bytesMax;
  });
}

function scanLengths(column: StringColumn, bytesMin: number, bytesMax: number): RuleScan {
  return (from, to, _bounds, suspects) => {
    const { start: starts, end: ends } = column;
    for (let row = from; row < to; row += 1) {
      const start = starts[row] as number;
      const length = (ends[row] as number) - start;
      if (start >= 0 && (length < bytesMin || length > bytesMax)) suspects[row] = 1;
    }
  };
}

/** Asks `holds` once for each distinct text. */
function scanEntries(column: DictionaryColumn, holds: (code: number) => boolean): RuleScan {
  const { dictionary } = column;
  /** By code: 1 where the text is suspect. */
  let verdicts = new Uint8Array(256);
  let judged = 0;
  let { generation } = dictionary;
  return (from, to, _bounds, suspects) => {
    if (generation !== dictionary.generation) {
      generation = dictionary.generation;
      judged = 0;
    }
    if (dictionary.size > verdicts.length) {
      const grown = new Uint8Array(Math.max(dictionary.size, verdicts.length * 2));
      grown.set(verdicts);
      verdicts = grown;
    }
    for (; judged < dictionary.size; judged += 1) verdicts[judged] = holds(judged) ? 0 : 1;
    const { codes } = column;
    for (let row = from; row < to; row += 1) {
      const code = codes[row] as number;
      if (code >= 0 && verdicts[code] === 1) suspects[row] = 1;
    }
  };
}

function scanBetween(rule: RuleOf<'between'>, batch: ColumnBatch): RuleScan {
  const column = batch.columns[batch.indexOf(rule.field)];
  if (column?.kind !== 'decimal' && column?.kind !== 'int') {
    throw new InvariantError(`rule 'between' needs a number in ${rule.field}`);
  }
  const scale = column.kind === 'decimal' ? column.scale : 0;
  const low = rule.min === null ? -SAFE_MAX : narrowBound(parseDecimal(rule.min, scale));
  const high = rule.max === null ? SAFE_MAX : narrowBound(parseDecimal(rule.max, scale));
  return (from, to, _bounds, suspects) => {
    const { values } = column;
    for (let row = from; row < to; row += 1) {
      const value = values[row] as number;
      // A wide value is Infinity here, whatever its sign; null is NaN, and is neither below nor above.
      if (value < low || value > high || value === Infinity) suspects[row] = 1;
    }
  };
}

/** A bound that no safe integer reaches is an infinity. */
function narrowBound(bound: Scaled): number {
  if (typeof bound === 'number') return bound;
  return bound < 0n ? -Infinity : Infinity;
}

/** As `amountCheck` in `rules.ts`, if all products are safe integers; the rest is suspect. */
function scanAmount(rule: RuleOf<'amount'>, batch: ColumnBatch): RuleScan {
  const total = decimalColumn(batch, rule.total);
  const price = decimalColumn(batch, rule.price);
  const discount = decimalColumn(batch, rule.discount);
  const quantity = numberColumn(batch, rule.quantity);
  const whole = 10 ** (discount.scale + 2);
  const tolerance = Number(parseDecimal(rule.tolerance, total.scale)) * whole;
  return (from, to, _bounds, suspects) => {
    const totals = total.values;
    const prices = price.values;
    const discounts = discount.values;
    const quantities = quantity.values;
    for (let row = from; row < to; row += 1) {
      const off = discounts[row] as number;
      const share = Number.isNaN(off) ? whole : whole - off;
      const left = (totals[row] as number) * whole;
      const each = prices[row] as number;
      const count = quantities[row] as number;
      const right = each * count * share;
      if (Math.abs(left) <= SAFE_MAX && Math.abs(right) <= SAFE_MAX && Math.abs(left - right) <= tolerance)
        continue;
      // Null is NaN, and breaks no rule.
      if (Number.isNaN(left) || Number.isNaN(each) || Number.isNaN(count)) continue;
      suspects[row] = 1;
    }
  };
}

function scanNotAhead(rule: RuleOf<'notAhead'>, batch: ColumnBatch): RuleScan {
  const column = numberColumn(batch, rule.field);
  return (from, to, { timestampsMs, clockMs }, suspects) => {
    const { values } = column;
    const lowestMs = lowestRecordMs(clockMs);
    for (let row = from; row < to; row += 1) {
      const boundMs = futureBoundMs(timestampsMs[row] as number, clockMs, lowestMs);
      if ((values[row] as number) > (boundMs + rule.toleranceMs) * 1000) suspects[row] = 1;
    }
  };
}
