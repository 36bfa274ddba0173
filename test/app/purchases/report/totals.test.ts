import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { NO_ACCOUNTING, type Accounting } from '../../../../src/contracts/batch.ts';
import type { CheckpointView } from '../../../../src/contracts/checkpoint.ts';
import { compareCodePoints } from '../../../../src/app/purchases/report/totals-order.ts';
import { buildTotals, renderTotals } from '../../../../src/app/purchases/report/totals.ts';
import { RUNNING } from '../../../../src/app/purchases/aggregate-names.ts';
import { hasCode } from '../../../checkpoint/support/batches.ts';
import { groupsOf, type Purchase } from '../report-fixture.ts';

/** A view that answers only within one commit. */
function viewOf(
  purchases: readonly Purchase[],
  accounting: Accounting = { ...NO_ACCOUNTING, read: purchases.length, accepted: purchases.length },
): CheckpointView {
  let within = false;
  return {
    queryName: 'purchase-totals',
    topic: 'purchases',
    atOneCommit(read) {
      within = true;
      const value = read();
      within = false;
      return value;
    },
    lastBatchId: () => (purchases.length > 0 ? 12 : null),
    accounting: () => accounting,
    *groups(aggregate) {
      for (const group of groupsOf(aggregate, purchases)) {
        assert.ok(within, 'groups are read at one commit');
        yield group;
      }
    },
    deadLetters: () => [],
    isRedriven: () => false,
    topicId: () => undefined,
    latestClockMs: () => undefined,
    lostRanges: () => [],
    raisedLosses: () => [],
    acceptedLosses: () => [],
    partitions: () => [],
    marks: () => [],
    recentProgress: () => [],
    close: () => undefined,
  };
}

const SHOP: readonly Purchase[] = [
  { date: '2025-06-26', currency: 'USD', category: 'Books', cents: 1_000_00n },
  { date: '2025-06-26', currency: 'USD', category: 'Home', cents: 3_260_71n },
  { date: '2025-06-25', currency: 'USD', category: 'Home', cents: 9_00n },
];

test('has exactly the form that the design documents', () => {
  const accounting = { read: 5, accepted: 3, invalid: 1, duplicate: 1, late: 0 };
  assert.equal(
    JSON.stringify(buildTotals(viewOf(SHOP, accounting))),
    '{"schemaVersion":1,"queryName":"purchase-totals","lastBatchId":12,' +
      '"runningTotals":[{"currency":"USD","total":"4269.71","transactions":3}],' +
      '"days":[{"date":"2025-06-25","currency":"USD","total":"9.00","transactions":1},' +
      '{"date":"2025-06-26","currency":"USD","total":"4260.71","transactions":2}],' +
      '"categories":[{"date":"2025-06-25","currency":"USD","category":"Home","total":"9.00","transactions":1},' +
      '{"date":"2025-06-26","currency":"USD","category":"Home","total":"3260.71","transactions":1},' +
      '{"date":"2025-06-26","currency":"USD","category":"Books","total":"1000.00","transactions":1}],' +
      '"accounting":{"read":5,"accepted":3,"invalid":1,"duplicate":1,"late":0}}',
  );
});

for (const [what, aggregate, left, why] of [
  [
    'a day that is missing',
    'days',
    1,
    /For USD, the running total has 4269\.71 in 3 transactions, but the days have/,
  ],
  ['days that are missing', 'days', 0, /For USD, .* the days have 0\.00 in 0 transactions/],
  [
    'a category that is missing',
    'categories',
    1,
    /For 2025-06-2[56] USD, the day has .* its categories have 0\.00/,
  ],
  ['a currency that is missing', 'totals', 0, /For USD, the running total has 0\.00 in 0 transactions/],
] as const) {
  test(`does not show totals with ${what}, and says which figures differ`, () => {
    const view = viewOf(SHOP);
    const damaged: CheckpointView = {
      ...view,
      groups: (name) => {
        const groups = [...view.groups(name)];
        return name === aggregate || (aggregate === 'totals' && name === RUNNING)
          ? groups.slice(0, left)
          : groups;
      },
    };
    assert.throws(() => buildTotals(damaged), hasCode('CHECKPOINT_CORRUPT', 'purchase-totals', why));
  });
}

test('does not show totals whose transactions are not the events that were accepted', () => {
  const accounting = { read: 3, accepted: 2, invalid: 1, duplicate: 0, late: 0 };
  const isFound = hasCode('CHECKPOINT_CORRUPT', 'count 3 transactions, but 2 events were accepted');
  assert.throws(() => buildTotals(viewOf(SHOP, accounting)), isFound);
});

test('has empty lists and no batch before the first commit', () => {
  const totals = buildTotals(viewOf([]));
  assert.deepEqual(
    [totals.lastBatchId, totals.runningTotals, totals.days, totals.categories],
    [null, [], [], []],
  );
  assert.match(renderTotals(totals), /NO BATCH YET/);
});

test('prints tables for people', () => {
  const accounting = { read: 5, accepted: 3, invalid: 1, duplicate: 1, late: 0 };
  const expected = readFileSync(new URL('../../../golden/totals.txt', import.meta.url), 'utf8');
  assert.equal(renderTotals(buildTotals(viewOf(SHOP, accounting))), expected);
});

test('names currencies where there is another than USD, and escapes what events bring', () => {
  const purchases = [...SHOP, { date: '2025-06-26', currency: 'EUR', category: '\u001b[2J\n', cents: 1n }];
  const text = renderTotals(buildTotals(viewOf(purchases)));
  assert.match(text, /\|Date {6}\|Currency\|Daily_Total\|/);
  assert.match(text, /RUNNING TOTAL: EUR 0\.01\nRUNNING TOTAL: \$4,269\.71\n/);
  assert.doesNotMatch(text, /[^\n\P{Cc}]/u);
});

const purchases = fc.array(
  fc.record({
    date: fc.constantFrom('2025-01-01', '2025-12-31', '2024-02-29'),
    currency: fc.constantFrom('USD', 'EUR'),
    category: fc.oneof(
      fc.constantFrom('a', 'Ａ', '😀', '__proto__'),
      fc.string({ unit: 'binary', maxLength: 2 }),
    ),
    cents: fc.oneof(fc.constantFrom(0n, 5n), fc.bigInt(10n ** 16n, 10n ** 17n)),
  }),
  { maxLength: 40 },
);

test('orders days by date and currency, categories by falling exact total within them, ties by code point', () => {
  fc.assert(
    fc.property(purchases, (all) => {
      const { days, categories } = buildTotals(viewOf(all));
      const dayKeys = days.map(({ date, currency }) => `${date} ${currency}`);
      assert.deepEqual(dayKeys, [...new Set(all.map(({ date, currency }) => `${date} ${currency}`))].sort());
      const expected = [...categories].sort(
        (a, b) =>
          compareCodePoints(a.date, b.date) ||
          compareCodePoints(a.currency, b.currency) ||
          Number(BigInt(b.total.replace('.', '')) - BigInt(a.total.replace('.', ''))) ||
          Buffer.compare(Buffer.from(a.category), Buffer.from(b.category)),
      );
      assert.deepEqual(categories, expected);
    }),
    { numRuns: 300 },
  );
});

test('tells totals apart by a cent that a float would lose', () => {
  const all = [0n, 1n, 2n].map((more) => ({
    date: '2025-06-26',
    currency: 'USD',
    category: `${more}`,
    cents: 10n ** 17n + more,
  }));
  const { categories } = buildTotals(viewOf(all));
  assert.deepEqual(
    categories.map(({ category }) => category),
    ['2', '1', '0'],
  );
});

test('loses no cent of sums beyond 10^17 cents', () => {
  const all = Array.from({ length: 50 }, (_, index) => ({
    date: '2025-06-26',
    currency: 'USD',
    category: 'Books',
    cents: 10n ** 17n + BigInt(index),
  }));
  assert.equal(buildTotals(viewOf(all)).runningTotals[0]?.total, '50000000000000012.25');
});
