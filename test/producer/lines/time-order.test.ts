import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTimeOrder, describeTimeOrder, formatSpan } from '../../../src/producer/lines/time-order.ts';
import { createManualClock } from '../../../src/testing/manual-clock.ts';

const PRESENT_MS = Date.UTC(2026, 0, 1);

test('tells once, at the first line that lies back, and keeps count of the others', () => {
  const told: number[] = [];
  const order = createTimeOrder(createManualClock(PRESENT_MS), ({ firstLine }) => told.push(firstLine));
  [100, 200, 200, 150, 300, 50, 250].forEach((time, index) => order.note(index + 1, time));
  assert.deepEqual(told, [4]);
  assert.deepEqual(order.report(), {
    linesBack: 3,
    firstLine: 4,
    firstBackMs: 50,
    farthestLine: 6,
    farthestBackMs: 250,
  });
});

test('says nothing of lines in order, nor of those after one that is ahead of the present', () => {
  const order = createTimeOrder(createManualClock(PRESENT_MS), () => assert.fail());
  [1, 1, 2, PRESENT_MS + 1, 3].forEach((time, index) => order.note(index + 1, time));
  assert.equal(order.report(), undefined);
});

test('is put into a sentence that says where, how far, what follows and what helps', () => {
  const report = {
    linesBack: 1,
    firstLine: 17,
    firstBackMs: 5_400_000,
    farthestLine: 17,
    farthestBackMs: 5_400_000,
  };
  const text = describeTimeOrder('day.ndjson', report);
  assert.match(text, /day\.ndjson.*line 17 is 1\.5 h earlier.*LATE.*Sort.*increase the delay/);
});

test('a span has its largest unit that fits', () => {
  const spans = [350, 12_000, 90_000, 12_600_000, 259_200_000].map(formatSpan);
  assert.deepEqual(spans, ['350 ms', '12.0 s', '1.5 min', '3.5 h', '3.0 days']);
});
