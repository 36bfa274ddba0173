import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { DeliveryProgress, DeliverySummary } from '../../src/producer/delivery.ts';
import {
  createProgressLine,
  formatBytes,
  formatCount,
  formatProgress,
  formatSummary,
} from '../../src/producer/progress.ts';

const progress = (elapsedMs: number, more: Partial<DeliveryProgress> = {}): DeliveryProgress => ({
  elapsedMs,
  sent: 12_500,
  acknowledged: 12_500,
  bytes: 6_187_500,
  ratePerSecond: 1_000.4,
  retries: 0,
  ...more,
});

const summary = (more: Partial<DeliverySummary> = {}): DeliverySummary => ({
  elapsedMs: 12_500,
  acknowledged: 12_500,
  unacknowledged: 0,
  bytes: 6_187_500,
  ratePerSecond: 1_000,
  retries: 0,
  stopped: false,
  aborted: false,
  lastOffsets: [],
  ...more,
});

function recorded(isTerminal: boolean, columns = 80) {
  const written: string[] = [];
  const stream = { write: (text: string) => written.push(text) };
  return { written, line: createProgressLine({ stream, isTerminal, columns: () => columns }) };
}

describe('on a terminal', () => {
  test('the figures stand in one line that is written anew and never wider than the window', () => {
    const { written, line } = recorded(true, 20);
    line.update(progress(1_000));
    line.update(progress(2_000));
    assert.deepEqual(
      written,
      Array.from({ length: 2 }, () => '\r\u001b[K12,500 events ackno'),
    );
  });

  test('a message and the summary take the place of the live line', () => {
    const { written, line } = recorded(true);
    line.update(progress(1_000));
    line.note('something happened');
    line.finish(summary());
    assert.deepEqual(written.slice(1), [
      '\r\u001b[K',
      'something happened\n',
      '12,500 events delivered in 12.5 s, 1,000/s, 5.9 MiB\n',
    ]);
  });
});

test('what a message quotes does not act on the terminal', () => {
  const { written, line } = recorded(true);
  line.note('x\u001b[31m\u202e.ndjson is not in order of time');
  assert.deepEqual(written, ['x\\u{1b}[31m\\u{202e}.ndjson is not in order of time\n']);
});

describe('elsewhere', () => {
  test('there is a plain line every five seconds and no control character', () => {
    const { written, line } = recorded(false);
    for (let second = 1; second <= 12; second += 1) line.update(progress(second * 1_000));
    line.finish(summary());
    assert.deepEqual(written, [
      '12,500 events acknowledged, 1,000/s, 5.9 MiB\n',
      '12,500 events acknowledged, 1,000/s, 5.9 MiB\n',
      '12,500 events delivered in 12.5 s, 1,000/s, 5.9 MiB\n',
    ]);
  });
});

describe('the texts', () => {
  test('name what is in flight and what was retried, where there is any', () => {
    assert.equal(
      formatProgress(progress(1_000, { sent: 12_600, retries: 1, ratePerSecond: 0.52 })),
      '12,500 events acknowledged, 0.5/s, 5.9 MiB, 100 in flight, 1 retry',
    );
  });

  test('of the end say how it came and what is not in the log', () => {
    assert.match(formatSummary(summary({ stopped: true })), /^Stopped: 12,500 events delivered/);
    assert.equal(
      formatSummary(
        summary({ aborted: true, stopped: true, acknowledged: 1, unacknowledged: 20, retries: 3 }),
      ),
      'Aborted: 1 event delivered in 12.5 s, 1,000/s, 5.9 MiB, 3 retries, 20 events sent and not acknowledged (some may be in the log)',
    );
  });

  test('group thousands and choose units', () => {
    assert.deepEqual([0, 999, 1_000, 1_234_567].map(formatCount), ['0', '999', '1,000', '1,234,567']);
    assert.deepEqual([0, 1_023, 1_024, 1_048_575, 5e12].map(formatBytes), [
      '0 B',
      '1023 B',
      '1.0 KiB',
      '1.0 MiB',
      '4.5 TiB',
    ]);
  });
});
