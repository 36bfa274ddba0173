import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compareCodePoints } from '../../../../src/app/purchases/report/totals-order.ts';
import {
  buildReport,
  DETAIL_CHARACTERS_MAX,
  parseReport,
} from '../../../../src/app/purchases/report/report.ts';
import type { Json } from '../../../../src/contracts/batch.ts';
import { amount, resultOf, type Purchase } from '../report-fixture.ts';

const OPTIONS = { queryName: 'purchase-totals', timeZone: 'UTC' };

function purchase(date: string, cents: bigint, more: Partial<Purchase> = {}): Purchase {
  return { date, currency: 'USD', category: 'Books', cents, ...more };
}

test('reports what the batch added to each day, and a running total that starts where the state stood', () => {
  const result = resultOf({
    before: [purchase('2025-06-20', 100_00n), purchase('2025-06-26', 1_00n)],
    batch: [purchase('2025-06-26', 20_00n), purchase('2025-06-25', 10_00n), purchase('2025-06-26', 50n)],
  });
  assert.deepEqual(buildReport(result, OPTIONS).daily, [
    { date: '2025-06-25', currency: 'USD', dailyTotal: '10.00', runningTotal: '111.00', transactions: 1 },
    { date: '2025-06-26', currency: 'USD', dailyTotal: '20.50', runningTotal: '131.50', transactions: 2 },
  ]);
});

test('keeps a running total a currency, and names currencies that this batch did not touch', () => {
  const result = resultOf({
    before: [
      purchase('2025-06-20', 5_00n, { currency: 'GBP' }),
      purchase('2025-06-20', 7_00n, { currency: 'EUR' }),
    ],
    batch: [purchase('2025-06-26', 1_00n), purchase('2025-06-26', 2_00n, { currency: 'EUR' })],
  });
  const report = buildReport(result, OPTIONS);
  assert.deepEqual(
    report.daily.map(({ currency, runningTotal }) => [currency, runningTotal]),
    [
      ['EUR', '9.00'],
      ['USD', '1.00'],
    ],
  );
  assert.deepEqual(report.runningTotals, [
    { currency: 'EUR', total: '9.00', transactions: 2 },
    { currency: 'GBP', total: '5.00', transactions: 1 },
    { currency: 'USD', total: '1.00', transactions: 1 },
  ]);
});

test('adds a category up over the dates of the batch, by falling total and ties by code point', () => {
  const result = resultOf({
    batch: [
      purchase('2025-06-25', 6_00n, { category: 'Home' }),
      purchase('2025-06-26', 5_00n, { category: 'Home' }),
      purchase('2025-06-26', 9_00n, { category: '😀' }),
      purchase('2025-06-26', 9_00n, { category: 'Ａ' }),
      purchase('2025-06-26', 9_00n, { category: '__proto__' }),
    ],
  });
  assert.deepEqual(
    buildReport(result, OPTIONS).categories.map(({ category, total, transactions }) => [
      category,
      total,
      transactions,
    ]),
    [
      ['Home', '11.00', 2],
      ['__proto__', '9.00', 1],
      ['Ａ', '9.00', 1],
      ['😀', '9.00', 1],
    ],
  );
});

test('shows times in the zone of the query', () => {
  const result = resultOf({ batch: [purchase('2025-06-26', 1_00n, { time: '23:30:00' })] });
  const report = buildReport(result, { ...OPTIONS, timeZone: 'Europe/Berlin' });
  assert.equal(report.timestamp, '2025-06-26 16:11:33');
  assert.equal(report.details[0]?.event_time, '2025-06-27 01:30:00');
});

test('shows five events and shortens a huge text between code points', () => {
  const batch = Array.from({ length: 8 }, () =>
    purchase('2025-06-26', 1_00n, { customerId: '😀'.repeat(100_000) }),
  );
  const { details } = buildReport(resultOf({ batch }), OPTIONS);
  assert.equal(details.length, 5);
  const shown = details[0]?.customer_id as string;
  assert.equal([...shown].length, DETAIL_CHARACTERS_MAX);
  assert.match(shown, /^(?:😀)+\.\.\.$/u);
});

test('leaves a text of just the bound alone', () => {
  const customerId = '😀'.repeat(DETAIL_CHARACTERS_MAX);
  const { details } = buildReport(resultOf({ batch: [purchase('2025-06-26', 1n, { customerId })] }), OPTIONS);
  assert.equal(details[0]?.customer_id, customerId);
});

test('reports a batch of which nothing was accepted', () => {
  const report = buildReport(resultOf({ batch: [], rejected: { invalid: 2, late: 1 } }), OPTIONS);
  assert.deepEqual([report.daily, report.details, report.categories, report.runningTotals], [[], [], [], []]);
  assert.deepEqual(report.accounting, { read: 3, accepted: 0, invalid: 2, duplicate: 0, late: 1 });
});

test('is a JSON value that comes back unchanged from the checkpoint', () => {
  const report: Json = buildReport(resultOf({ batch: [purchase('2025-06-26', 1n)] }), OPTIONS);
  assert.deepEqual(parseReport(JSON.parse(JSON.stringify(report))), report);
});

test('refuses a stored report of another form', () => {
  for (const stored of [null, 'text', {}, { schemaVersion: 2 }]) {
    assert.throws(() => parseReport(stored), { code: 'CHECKPOINT_VERSION' });
  }
});

const purchases = fc.array(
  fc.record({
    date: fc.integer({ min: 1, max: 9 }).map((day) => `2025-06-0${day}`),
    currency: fc.constantFrom('USD', 'EUR', 'GBP'),
    category: fc.oneof(
      fc.constantFrom('Books', 'Home', 'constructor'),
      fc.string({ unit: 'binary', maxLength: 3 }),
    ),
    // Beyond 2^53, and beyond 10^17 with a few of them, so that a float anywhere would show.
    cents: fc.oneof(fc.bigInt(0n, 10_000n), fc.bigInt(10n ** 15n, 10n ** 18n - 1n)),
  }),
  { maxLength: 40 },
);

test('sums exactly whatever the amounts, and its last row of each currency is the running total', () => {
  fc.assert(
    fc.property(purchases, purchases, (before, batch) => {
      const report = buildReport(resultOf({ before, batch }), OPTIONS);
      const reached = new Map<string, string>();
      for (const row of report.daily) {
        const upTo = [...before, ...batch.filter(({ date }) => date <= row.date)];
        const cents = upTo
          .filter(({ currency }) => currency === row.currency)
          .reduce((sum, one) => sum + one.cents, 0n);
        assert.equal(row.runningTotal, amount(cents));
        reached.set(row.currency, row.runningTotal);
      }
      for (const { currency, total } of report.runningTotals)
        assert.equal(reached.get(currency) ?? total, total);
      assert.equal(
        report.daily.reduce((sum, row) => sum + row.transactions, 0),
        batch.length,
      );
    }),
    { numRuns: 300 },
  );
});

test('orders days, currencies and categories the same for any order of the events', () => {
  fc.assert(
    fc.property(purchases, (batch) => {
      const report = buildReport(resultOf({ batch }), OPTIONS);
      const reversed = buildReport(resultOf({ batch: batch.toReversed() }), OPTIONS);
      assert.deepEqual({ ...reversed, details: [] }, { ...report, details: [] });
      report.categories.slice(1).forEach((row, index) => {
        const previous = report.categories[index] as typeof row;
        const difference = BigInt(previous.total.replace('.', '')) - BigInt(row.total.replace('.', ''));
        if (previous.currency !== row.currency) assert.ok(previous.currency < row.currency);
        else if (difference === 0n) assert.equal(compareCodePoints(previous.category, row.category), -1);
        else assert.ok(difference > 0n);
      });
    }),
    { numRuns: 300 },
  );
});
