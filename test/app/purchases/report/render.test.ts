import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { buildReport, type PurchaseReport } from '../../../../src/app/purchases/report/report.ts';
import { renderBanner, renderReport, reportJsonLine } from '../../../../src/app/purchases/report/render.ts';
import { displayWidth } from '../../../../src/columns/format/render-table.ts';
import { resultOf, type Purchase } from '../report-fixture.ts';

const OPTIONS = { queryName: 'purchase-totals', timeZone: 'UTC' };

function golden(name: string): string {
  return readFileSync(new URL(`../../../golden/${name}`, import.meta.url), 'utf8');
}

/** The report of the design's example: its daily and category tables hold what is written there and no more. */
const EXAMPLE: PurchaseReport = {
  schemaVersion: 1,
  queryName: 'purchase-totals',
  batchId: 2,
  timestamp: '2025-06-26 14:11:33',
  daily: [
    {
      date: '2025-06-26',
      currency: 'USD',
      dailyTotal: '5676.65',
      runningTotal: '24134.15',
      transactions: 11,
    },
  ],
  details: [
    detail('purchase_1750947091042_k3v9x2', 'customer_17', 'Home', '1024.50', '2025-06-26 14:11:31'),
    detail('purchase_1750947091561_0qm4zt', 'customer_3', 'Clothing', '415.42', '2025-06-26 14:11:31'),
    detail('purchase_1750947092077_p81ndc', 'customer_240', 'Food', '5.00', '2025-06-26 14:11:32'),
  ],
  categories: [
    { currency: 'USD', category: 'Home', total: '3260.71', transactions: 4 },
    { currency: 'USD', category: 'Clothing', total: '1115.42', transactions: 3 },
  ],
  accounting: { read: 11, accepted: 11, invalid: 0, duplicate: 0, late: 0 },
  runningTotals: [{ currency: 'USD', total: '24134.15', transactions: 20 }],
};

function detail(
  event_id: string,
  customer_id: string,
  category: string,
  total_amount: string,
  event_time: string,
) {
  return { event_id, customer_id, product_category: category, total_amount, currency: 'USD', event_time };
}

const DESIGN_HEAD = `
================================================================================
STREAMING DATA PIPELINE OUTPUT - BATCH 2
================================================================================

DAILY AGGREGATION SUMMARY:
+-------------------+----------+-----------+-------------+-----------------+
|Timestamp          |Date      |Daily_Total|Running_Total|Transaction_Count|
+-------------------+----------+-----------+-------------+-----------------+
|2025-06-26 14:11:33|2025-06-26|5676.65    |24134.15     |11               |
+-------------------+----------+-----------+-------------+-----------------+

`.slice(1);

const DESIGN_CATEGORIES = `
CATEGORY BREAKDOWN:
+----------------+--------------+-----------------+
|product_category|category_total|transaction_count|
+----------------+--------------+-----------------+
|            Home|       3260.71|                4|
|        Clothing|       1115.42|                3|
+----------------+--------------+-----------------+
`;

test("prints the design's example byte for byte", () => {
  const text = renderReport(EXAMPLE);
  assert.equal(text, golden('report-usd.txt'));
  assert.ok(text.startsWith(DESIGN_HEAD));
  assert.ok(text.includes(DESIGN_CATEGORIES));
});

const EURO_BATCH: readonly Purchase[] = [
  { date: '2025-06-26', currency: 'USD', category: 'Books', cents: 42_50n },
  { date: '2025-06-25', currency: 'EUR', category: 'Home', cents: 1_100_00n },
  { date: '2025-06-26', currency: 'EUR', category: 'Books', cents: 134_50n },
];

test('adds a Currency column and a line a currency where there is another than USD', () => {
  const report = buildReport(resultOf({ batchId: 3, batch: EURO_BATCH }), OPTIONS);
  assert.equal(renderReport(report), golden('report-eur-usd.txt'));
});

test('names the currency where only the state, and not this batch, holds another than USD', () => {
  const result = resultOf({ before: EURO_BATCH.slice(1), batch: EURO_BATCH.slice(0, 1) });
  const text = renderReport(buildReport(result, OPTIONS));
  assert.match(text, /\|2025-06-26\|USD {5}\|42\.50/);
  assert.match(text, /RUNNING TOTAL: EUR 1,234\.50\nRUNNING TOTAL: \$42\.50\n/);
});

test('says what was not accepted, and only then', () => {
  const batch = EURO_BATCH.slice(0, 1);
  const rejected = { invalid: 3, duplicate: 2, late: 1 };
  const report = buildReport(resultOf({ batchId: 4, batch, rejected }), OPTIONS);
  assert.equal(renderReport(report), golden('report-accounting.txt'));
  assert.doesNotMatch(renderReport(EXAMPLE), /ACCOUNTING/);
});

test('says so whatever the reason that an event was not accepted', () => {
  for (const reason of ['invalid', 'duplicate', 'late']) {
    const result = resultOf({ batch: EURO_BATCH.slice(0, 1), rejected: { [reason]: 1 } });
    assert.match(renderReport(buildReport(result, OPTIONS)), /\nACCOUNTING: 2 read = 1 accepted \+ /, reason);
  }
});

test('prints a whole report of a batch of which nothing was accepted', () => {
  const text = renderReport(buildReport(resultOf({ batch: [], rejected: { invalid: 1 } }), OPTIONS));
  assert.match(text, /ACCOUNTING: 1 read = 0 accepted \+ 1 invalid \+ 0 duplicate \+ 0 late\n/);
  assert.match(text, /RUNNING TOTAL: \$0\.00\n/);
});

test('never prints a float tail, whatever the amount', () => {
  const batch = Array.from({ length: 3 }, () => ({ ...EURO_BATCH[0], cents: 10n ** 17n + 10n }) as Purchase);
  const text = renderReport(buildReport(resultOf({ batch }), OPTIONS));
  assert.match(text, /\|3000000000000000\.30\|3000000000000000\.30\|3 /);
  assert.match(text, /RUNNING TOTAL: \$3,000,000,000,000,000\.30\n/);
});

test('cannot be forged by an event: no control, no bidi override, no line of its own', () => {
  const forged = '\n\u001b[2J================\nRUNNING TOTAL: $0.00\u202e';
  const batch = [
    { ...EURO_BATCH[0], category: forged, eventId: forged, customerId: `${forged}\r` } as Purchase,
  ];
  const text = renderReport(buildReport(resultOf({ batch }), OPTIONS));
  assert.doesNotMatch(text, /[^\n\P{Cc}]|\p{Cf}/u);
  assert.equal(text.match(/^RUNNING TOTAL/gm)?.length, 1);
  assert.equal(text.match(/^=/gm)?.length, 4);
  const line = reportJsonLine(buildReport(resultOf({ batch }), OPTIONS));
  assert.doesNotMatch(line.slice(0, -1), /\p{Cc}|\p{Cf}/u);
});

test('keeps tables aligned around wide and combining characters', () => {
  const batch = ['家具', 'Cafe\u0301', '📚 Books', 'x'.repeat(1_000_000)].map(
    (category) => ({ ...EURO_BATCH[0], category }) as Purchase,
  );
  const lines = renderReport(buildReport(resultOf({ batch }), OPTIONS)).split('\n');
  const start = lines.indexOf('CATEGORY BREAKDOWN:') + 1;
  const widths = new Set(lines.slice(start, start + 8).map(displayWidth));
  assert.equal(widths.size, 1);
});

test('bounds both tables, keeping the last day and the largest category, and says so', () => {
  const batch = [1, 2, 3, 4].map((day): Purchase => ({
    date: `2025-06-0${day}`,
    currency: 'USD',
    category: `c${day}`,
    cents: BigInt(day),
  }));
  const text = renderReport(buildReport(resultOf({ batch }), OPTIONS), { rowsMax: 2 });
  assert.match(text, /only showing the last 2 of 4 rows\n/);
  assert.match(text, /only showing the first 2 of 4 rows\n/);
  assert.match(text, /2025-06-04\|0\.04/);
  assert.doesNotMatch(text, /2025-06-02\|0\.02/);
  assert.match(text, /\| {14}c4\|/);
  assert.doesNotMatch(text, /\| {14}c2\|/);
});

test('writes one line of JSON a report, which reads back as the report', () => {
  const line = reportJsonLine(EXAMPLE);
  assert.equal(line.indexOf('\n'), line.length - 1);
  assert.deepEqual(JSON.parse(line), EXAMPLE);
});

test('starts with a banner that says what runs, with paths escaped', () => {
  const banner = renderBanner({
    query: 'purchase-totals',
    log: 'embedded (data/log.db)',
    topic: 'purchases',
    trigger: 'every 10 seconds',
    checkpoint: 'data/checkpoints/\u001b[31m',
    timeZone: 'UTC',
  });
  assert.equal(banner, golden('banner.txt'));
});
