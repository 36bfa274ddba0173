import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  compareCodePoints,
  firstInOrder,
  totalsRow,
} from '../../../../src/app/purchases/report/totals-order.ts';

test('compares as UTF-32 does, for any text', () => {
  const text = fc.string({
    unit: fc.oneof(
      fc.constantFrom('\ud7ff', '\ue000', '\uffff', '😀', '\u{10ffff}'),
      fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
    ),
  });
  fc.assert(
    fc.property(text, text, (a, b) => {
      const order = Buffer.compare(Buffer.from(a), Buffer.from(b)); // UTF-8 keeps the order of code points.
      assert.equal(compareCodePoints(a, b), order);
    }),
    { numRuns: 300 },
  );
});

test('refuses a group that the purchase query does not have', () => {
  assert.throws(() => totalsRow({ key: ['USD'], measures: [1, 1] }), { name: 'InvariantError' });
});

test('gives the first rows as sorting all of them would', () => {
  const order = (a: number, b: number): number => a - b;
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: -50, max: 50 })),
      fc.integer({ min: 1, max: 8 }),
      (rows, count) => {
        assert.deepEqual(firstInOrder(rows, order, count), rows.toSorted(order).slice(0, count));
      },
    ),
    { numRuns: 300 },
  );
});
