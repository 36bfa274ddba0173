/** The current totals of the checkpoint: as JSON for programs, as tables for people. */
import { escapeForTerminal } from '../../../columns/format/escape.ts';
import type { GroupRow } from '../../../contracts/batch.ts';
import type { CheckpointView, LostRange } from '../../../contracts/checkpoint.ts';
import { CATEGORIES, DAYS, RUNNING } from '../aggregate-names.ts';
import { checkTotals } from '../check-totals.ts';
import { accountingLine, betweenRules, isForeign, runningTotalFooter } from './render-parts.ts';
import { renderTable } from '../../../columns/format/render-table.ts';
import type { LostRecords, Totals } from './totals-types.ts';
import { byFallingTotal, byKey, moneyText, totalsRow, type TotalsRow } from './totals-order.ts';

/**
 * Everything belongs to one commit, even while the query runs.
 * @throws CHECKPOINT_CORRUPT, also if the figures do not agree with each other
 */
export function buildTotals(view: CheckpointView): Totals {
  const totals = view.atOneCommit(() => totalsOf(view));
  checkTotals(totals);
  return totals;
}

function totalsOf(view: CheckpointView): Totals {
  const { read, accepted, invalid, duplicate, late } = view.accounting();
  return {
    schemaVersion: 1,
    queryName: view.queryName,
    lastBatchId: view.lastBatchId(),
    runningTotals: sorted(view.groups(RUNNING), byKey).map(({ key, ...row }) => ({
      currency: key[0] as string,
      ...measuresOf(row),
    })),
    days: sorted(view.groups(DAYS), byKey).map(({ key, ...row }) => ({
      date: key[0] as string,
      currency: key[1] as string,
      ...measuresOf(row),
    })),
    categories: sorted(view.groups(CATEGORIES), byFallingTotal).map(({ key, ...row }) => ({
      date: key[0] as string,
      currency: key[1] as string,
      category: key[2] as string,
      ...measuresOf(row),
    })),
    accounting: { read, accepted, invalid, duplicate, late },
    ...lostOf(view),
  };
}

function lostOf(view: CheckpointView): { lost?: LostRecords; gone?: LostRecords } {
  const ranges = view.lostRanges();
  const lost = recordsOf(ranges.filter(({ wasCounted = false }) => !wasCounted));
  const gone = recordsOf(ranges.filter(({ wasCounted = false }) => wasCounted));
  return { ...(lost !== undefined && { lost }), ...(gone !== undefined && { gone }) };
}

function recordsOf(lost: readonly LostRange[]): LostRecords | undefined {
  if (lost.length === 0) return undefined;
  const ranges = lost.map(({ batchId, partition, start, end }) => ({ batchId, partition, start, end }));
  return { records: ranges.reduce((sum, { start, end }) => sum + end - start, 0), ranges };
}

/** Always shown: the totals are right for what was read, but these records were not read or are no longer in the log. */
function lostLines({ lost, gone }: Totals): readonly string[] {
  const lines: string[] = [];
  const rangesText = ({ ranges }: LostRecords, what: string): string =>
    ranges
      .map(
        ({ batchId, partition, start, end }) =>
          `  partition ${partition}, offsets ${start} to ${end - 1} (${end - start}), ${what} batch ${batchId}\n`,
      )
      .join('');
  if (lost !== undefined) {
    const ranges = rangesText(lost, 'found missing by');
    lines.push(`NOT READ: ${lost.records} records were removed before the query read them:\n${ranges}`);
  }
  if (gone !== undefined) {
    const ranges = rangesText(gone, 'accepted as lost after');
    lines.push(
      `NOT IN THE LOG: ${gone.records} records are in these totals but no longer in the log:\n${ranges}`,
    );
  }
  return lines;
}

/** Shows every row, unlike a batch's report. */
export function renderTotals(totals: Totals): string {
  const currencies = totals.runningTotals.some(isForeign);
  const state = totals.lastBatchId === null ? 'NO BATCH YET' : `AFTER BATCH ${totals.lastBatchId}`;
  return [
    betweenRules([`TOTALS OF ${escapeForTerminal(totals.queryName)} - ${state}`]),
    `DAILY TOTALS:\n${daysTable(totals, currencies)}`,
    `CATEGORY TOTALS:\n${categoriesTable(totals, currencies)}`,
    accountingLine(totals.accounting),
    ...lostLines(totals),
    runningTotalFooter(totals.runningTotals),
  ].join('\n');
}

function daysTable({ days }: Totals, currencies: boolean): string {
  return renderTable({
    columns: ['Date', ...(currencies ? ['Currency'] : []), 'Daily_Total', 'Transaction_Count'],
    rows: days.map(({ date, currency, total, transactions }) => [
      date,
      ...(currencies ? [currency] : []),
      total,
      `${transactions}`,
    ]),
    align: 'left',
  });
}

function categoriesTable({ categories }: Totals, currencies: boolean): string {
  return renderTable({
    columns: [
      'date',
      ...(currencies ? ['currency'] : []),
      'product_category',
      'category_total',
      'transaction_count',
    ],
    rows: categories.map(({ date, currency, category, total, transactions }) => [
      date,
      ...(currencies ? [currency] : []),
      category,
      total,
      `${transactions}`,
    ]),
    align: 'right',
  });
}

function sorted(groups: Iterable<GroupRow>, order: (a: TotalsRow, b: TotalsRow) => number): TotalsRow[] {
  return Array.from(groups, totalsRow).sort(order);
}

function measuresOf({ total, transactions }: Omit<TotalsRow, 'key'>): {
  total: string;
  transactions: number;
} {
  return { total: moneyText(total), transactions };
}
