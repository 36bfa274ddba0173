/** The report of one batch: a JSON value, built before the commit, stored with it, and printed after it. */
import type { Scaled } from '../../../columns/column-chunk.ts';
import { addExact } from '../../../columns/values/decimal.ts';
import { formatLocalDateTime, TimestampParser } from '../../../columns/values/timestamp.ts';
import { TimeZone } from '../../../columns/values/timezone.ts';
import type { BatchResult, EventRow } from '../../../contracts/batch-result.ts';
import type { AggregateChange, GroupRow } from '../../../contracts/batch.ts';
import { invariant, InvariantError, TallystreamError } from '../../../errors.ts';
import { CATEGORIES, DAYS, RUNNING } from '../aggregate-names.ts';
import { byFallingTotal, byKey, firstInOrder, moneyText, totalsRow, type TotalsRow } from './totals-order.ts';

// Type aliases instead of interfaces, because the compiler accepts only their values as JSON values.

/** A day that the batch added to. Amounts are decimal text with two decimals. */
export type DailyRow = {
  /** `YYYY-MM-DD` in the query's zone. */
  readonly date: string;
  readonly currency: string;
  /** What this batch added to the day. */
  readonly dailyTotal: string;
  /** The currency's total over all dates: the total before the batch plus the rows up to this one. */
  readonly runningTotal: string;
  /** How many purchases this batch added to the day. */
  readonly transactions: number;
};

/** One of the first accepted events, with the event's field names. */
export type DetailRow = {
  readonly event_id: string;
  /** At most {@link DETAIL_CHARACTERS_MAX} characters, like all texts here: details are only for display. */
  readonly customer_id: string;
  readonly product_category: string;
  readonly total_amount: string;
  readonly currency: string;
  /** `YYYY-MM-DD HH:MM:SS` in the query's zone. */
  readonly event_time: string;
};

/** What the batch added to a category, over all its dates. */
export type CategoryRow = {
  readonly currency: string;
  readonly category: string;
  readonly total: string;
  readonly transactions: number;
};

/** The total of a currency, including this batch. */
export type RunningTotal = {
  readonly currency: string;
  readonly total: string;
  readonly transactions: number;
};

/** `read = accepted + invalid + duplicate + late`. */
export type AccountingRow = {
  readonly read: number;
  readonly accepted: number;
  readonly invalid: number;
  readonly duplicate: number;
  readonly late: number;
};

export type PurchaseReport = {
  readonly schemaVersion: 1;
  readonly queryName: string;
  readonly batchId: number;
  /**
   * The runner that committed the batch: its epoch, and an id that is unique to the run. Reports of earlier versions lack it.
   * If an older copy of the checkpoint is restored, a batch id is used again with other contents and another `runId`. The epoch
   * may be the same, since the copy does not contain later epochs.
   */
  readonly epoch?: number;
  readonly runId?: string;
  /** The plan's clock, `YYYY-MM-DD HH:MM:SS` in the query's zone. */
  readonly timestamp: string;
  /** By date, then currency: the last {@link REPORT_ROWS_MAX}. */
  readonly daily: readonly DailyRow[];
  /** At most {@link DETAIL_ROWS_MAX}, in order of partition and offset. */
  readonly details: readonly DetailRow[];
  /** The first {@link REPORT_ROWS_MAX}, by currency, then descending total; ties by code point. Amounts of two currencies have no order. */
  readonly categories: readonly CategoryRow[];
  /** The number of all rows, if not all of them are kept. */
  readonly rowsInAll?: { readonly daily: number; readonly categories: number };
  readonly accounting: AccountingRow;
  /** By currency. */
  readonly runningTotals: readonly RunningTotal[];
};

const DETAIL_ROWS_MAX = 5;
/** The maximum rows of days and of categories in a report, because every commit stores a report. */
export const REPORT_ROWS_MAX = 1000;
/** In code points, including `...`. An event's text may have a megabyte, and every commit stores its report. */
export const DETAIL_CHARACTERS_MAX = 256;

export interface ReportOptions {
  readonly queryName: string;
  /** The query's zone. */
  readonly timeZone: string;
  /** The epoch of the runner. */
  readonly epoch?: number;
  readonly runId?: string;
}

/** @throws RangeError for an unknown time zone */
export function buildReport(result: BatchResult, options: ReportOptions): PurchaseReport {
  const zone = TimeZone.of(options.timeZone);
  const running = result.allGroups(RUNNING).map(totalsRow).sort(byKey);
  const { read, accepted, invalid, duplicate, late } = result.accounting;
  const daily = dailyRows(result, running);
  const categories = categoryRows(addedTo(result, CATEGORIES));
  return {
    schemaVersion: 1,
    queryName: options.queryName,
    batchId: result.plan.batchId,
    ...(options.epoch === undefined ? {} : { epoch: options.epoch }),
    ...(options.runId === undefined ? {} : { runId: options.runId }),
    timestamp: formatLocalDateTime(result.plan.clockMs * 1000, zone),
    daily: daily.slice(-REPORT_ROWS_MAX),
    details: result.sample.slice(0, DETAIL_ROWS_MAX).map((row) => detailRow(row, zone)),
    categories: categories.rows,
    ...(Math.max(daily.length, categories.inAll) > REPORT_ROWS_MAX && {
      rowsInAll: { daily: daily.length, categories: categories.inAll },
    }),
    accounting: { read, accepted, invalid, duplicate, late },
    runningTotals: running.map(({ key: [currency], total, transactions }) => ({
      currency: currency as string,
      total: moneyText(total),
      transactions,
    })),
  };
}

/**
 * The report that a checkpoint stored. @throws CHECKPOINT_VERSION if another version of this program wrote it in an unknown
 * form
 */
export function parseReport(stored: unknown): PurchaseReport {
  if (
    typeof stored === 'object' &&
    stored !== null &&
    'schemaVersion' in stored &&
    stored.schemaVersion === 1
  ) {
    return stored as PurchaseReport;
  }
  throw new TallystreamError('CHECKPOINT_VERSION', {
    what: 'The checkpoint contains a report in a form that this version cannot print.',
    hint: 'Run the version of Tallystream that wrote it.',
  });
}

/** Rows by date and currency; each currency's running total starts at its value before the batch. */
function dailyRows(result: BatchResult, running: readonly TotalsRow[]): DailyRow[] {
  const totals = new Map<string, Scaled>();
  for (const { key, total } of running) totals.set(key[0] as string, total);
  const reached = new Map(totals);
  for (const { key, total } of addedTo(result, RUNNING).map(totalsRow)) {
    reached.set(key[0] as string, addExact(totals.get(key[0] as string) ?? 0, -total));
  }
  const rows = addedTo(result, DAYS)
    .map(totalsRow)
    .sort(byKey)
    .map((day) => {
      const [date, currency] = day.key as [string, string];
      const runningTotal = addExact(reached.get(currency) ?? 0, day.total);
      reached.set(currency, runningTotal);
      return {
        date,
        currency,
        dailyTotal: moneyText(day.total),
        runningTotal: moneyText(runningTotal),
        transactions: day.transactions,
      };
    });
  for (const [currency, total] of totals) {
    invariant(reached.get(currency) === total, `the days of a batch add up to what it added to ${currency}`);
  }
  return rows;
}

/** A category of a currency, while it is being summed. */
type CategorySum = { -readonly [Name in keyof TotalsRow]: TotalsRow[Name] };

/** The kept rows, and the number of all rows. */
function categoryRows(added: readonly GroupRow[]): { readonly rows: CategoryRow[]; readonly inAll: number } {
  const sums = new Map<string, Map<string, CategorySum>>();
  let inAll = 0;
  for (const group of added) {
    const { key, total, transactions } = totalsRow(group);
    const [, currency, category] = key as [string, string, string];
    const ofCurrency = sums.get(currency) ?? new Map<string, CategorySum>();
    if (ofCurrency.size === 0) sums.set(currency, ofCurrency);
    const sum = ofCurrency.get(category);
    if (sum === undefined) {
      ofCurrency.set(category, { key: [currency, category], total, transactions });
      inAll += 1;
    } else {
      sum.total = addExact(sum.total, total);
      sum.transactions += transactions;
    }
  }
  const all = [...sums.values()].flatMap((ofCurrency) => [...ofCurrency.values()]);
  const rows = firstInOrder(all, byFallingTotal, REPORT_ROWS_MAX).map(({ key, total, transactions }) => ({
    currency: key[0] as string,
    category: key[1] as string,
    total: moneyText(total),
    transactions,
  }));
  return { rows, inAll };
}

function addedTo(result: BatchResult, name: string): readonly GroupRow[] {
  const change: AggregateChange | undefined = result.aggregates.find((entry) => entry.aggregate === name);
  if (change === undefined) throw new InvariantError(`the purchase query has an aggregate ${name}`);
  return change.added;
}

function detailRow(row: EventRow, zone: TimeZone): DetailRow {
  return {
    event_id: textOf(row, 'event_id'),
    customer_id: textOf(row, 'customer_id'),
    product_category: textOf(row, 'product_category'),
    total_amount: textOf(row, 'total_amount'),
    currency: textOf(row, 'currency'),
    event_time: localTime(textOf(row, 'timestamp'), zone),
  };
}

function textOf(row: EventRow, field: string): string {
  const value = row[field];
  if (typeof value !== 'string') throw new InvariantError(`an accepted purchase has text in ${field}`);
  if (value.length <= DETAIL_CHARACTERS_MAX) return value;
  // Twice as many units contain at least that many code points, and never end within a kept surrogate pair.
  const characters = Array.from(value.slice(0, DETAIL_CHARACTERS_MAX * 2));
  if (characters.length <= DETAIL_CHARACTERS_MAX && value.length <= DETAIL_CHARACTERS_MAX * 2) return value;
  return `${characters.slice(0, DETAIL_CHARACTERS_MAX - 3).join('')}...`;
}

function localTime(instant: string, zone: TimeZone): string {
  const parser = new TimestampParser();
  const bytes = Buffer.from(instant);
  invariant(
    parser.parse(bytes, 0, bytes.length) === 'ok',
    'an accepted purchase has an instant in timestamp',
  );
  return formatLocalDateTime(parser.micros, zone);
}
