/** The text of a report for people, the banner that comes before the first, and the line of JSON for programs. */
import { escapeJsonLineForTerminal } from '../../../columns/format/escape.ts';
import { accountingLine, betweenRules, isForeign, labelled, runningTotalFooter } from './render-parts.ts';
import { renderTable } from '../../../columns/format/render-table.ts';
import { REPORT_ROWS_MAX, type PurchaseReport } from './report.ts';

/** What runs, in words for a person. */
export interface BannerParts {
  readonly query: string;
  readonly log: string;
  readonly topic: string;
  readonly trigger: string;
  readonly checkpoint: string;
  readonly timeZone: string;
}

/** Printed once, when the query starts; ends with an empty line. */
export function renderBanner(parts: BannerParts): string {
  const lines = labelled([
    ['Query', parts.query],
    ['Log', parts.log],
    ['Topic', parts.topic],
    ['Trigger', parts.trigger],
    ['Checkpoint', parts.checkpoint],
    ['Time zone', parts.timeZone],
  ]);
  return `${betweenRules(['STREAMING DATA PIPELINE - STARTED'], lines)}\n`;
}

export interface RenderOptions {
  /** Shows only this many rows: the last of the daily table and the first of the categories. A line says so. */
  readonly rowsMax?: number;
}

/** Ends with an empty line, to separate it from the next report. Shows currencies if any is not USD. */
export function renderReport(report: PurchaseReport, options: RenderOptions = {}): string {
  const rowsMax = options.rowsMax ?? REPORT_ROWS_MAX;
  const { accounting } = report;
  const currencies = [report.daily, report.details, report.categories, report.runningTotals].some(
    (rows: readonly { currency: string }[]) => rows.some(isForeign),
  );
  return [
    betweenRules([`STREAMING DATA PIPELINE OUTPUT - BATCH ${report.batchId}`]),
    dailySection(report, currencies, rowsMax),
    detailsSection(report, currencies),
    categorySection(report, currencies, rowsMax),
    ...(accounting.read === accounting.accepted ? [] : [accountingLine(accounting)]),
    runningTotalFooter(report.runningTotals),
    '',
  ].join('\n');
}

/** The report as one line of JSON, ended by a line feed; control characters are JSON escapes. */
export function reportJsonLine(report: PurchaseReport): string {
  return `${escapeJsonLineForTerminal(JSON.stringify(report))}\n`;
}

/** Keeps the last rows, because their running total is the one in the footer. */
function dailySection(
  { daily, timestamp, rowsInAll }: PurchaseReport,
  currencies: boolean,
  rowsMax: number,
): string {
  const shown = daily.slice(-rowsMax);
  const table = renderTable({
    columns: [
      'Timestamp',
      'Date',
      ...only(currencies, 'Currency'),
      'Daily_Total',
      'Running_Total',
      'Transaction_Count',
    ],
    rows: shown.map((row) => [
      timestamp,
      row.date,
      ...only(currencies, row.currency),
      row.dailyTotal,
      row.runningTotal,
      `${row.transactions}`,
    ]),
    align: 'left',
  });
  return `DAILY AGGREGATION SUMMARY:\n${table}${omission('last', shown.length, rowsInAll?.daily ?? daily.length)}`;
}

function detailsSection({ details }: PurchaseReport, currencies: boolean): string {
  const table = renderTable({
    columns: [
      'event_id',
      'customer_id',
      'product_category',
      'total_amount',
      ...only(currencies, 'currency'),
      'event_time',
    ],
    rows: details.map((row) => [
      row.event_id,
      row.customer_id,
      row.product_category,
      row.total_amount,
      ...only(currencies, row.currency),
      row.event_time,
    ]),
    align: 'left',
  });
  return `BATCH DETAILS:\n${table}`;
}

function categorySection(
  { categories, rowsInAll }: PurchaseReport,
  currencies: boolean,
  rowsMax: number,
): string {
  const shown = categories.slice(0, rowsMax);
  const table = renderTable({
    columns: [...only(currencies, 'currency'), 'product_category', 'category_total', 'transaction_count'],
    rows: shown.map((row) => [
      ...only(currencies, row.currency),
      row.category,
      row.total,
      `${row.transactions}`,
    ]),
    align: 'right',
  });
  return `CATEGORY BREAKDOWN:\n${table}${omission('first', shown.length, rowsInAll?.categories ?? categories.length)}`;
}

function only(condition: boolean, cell: string): readonly string[] {
  return condition ? [cell] : [];
}

function omission(which: 'first' | 'last', shown: number, all: number): string {
  return shown === all ? '' : `only showing the ${which} ${shown} of ${all} rows\n`;
}
