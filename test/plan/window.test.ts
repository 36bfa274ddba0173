import assert from 'node:assert/strict';
import { test } from 'node:test';
import { col } from '../../src/plan/expression/functions.ts';
import { durationMs, window, type DurationText } from '../../src/plan/window.ts';

test('reads durations as Spark writes them', () => {
  assert.equal(durationMs('10 minutes'), 600_000);
  assert.equal(durationMs(' 1 HOUR  30 minute '), 5_400_000);
  assert.equal(durationMs('1 week'), 604_800_000);
  assert.equal(durationMs('-5 seconds'), -5000);
  assert.equal(durationMs('250 milliseconds'), 250);
  assert.equal(durationMs('1.5 hours'), 5_400_000);
  assert.equal(durationMs('10minutes'), 600_000);
  assert.equal(durationMs('5s'), 5000);
  for (const text of [
    '',
    '10',
    'minutes',
    '1 month',
    '1 year',
    '1.0001 s',
    '1 hour 3',
    '9999999999999999 days',
    10,
  ])
    assert.throws(() => durationMs(text), /is no duration.*'10 minutes'/, String(text));
});

test('refuses a duration whose milliseconds a number does not hold', () => {
  assert.throws(() => durationMs('999999999999999 days'), /is too long/);
});

test('a window is tumbling unless it slides', () => {
  assert.deepEqual(window(col('t'), '1 hour').node, {
    kind: 'window',
    of: { kind: 'column', path: 't' },
    sizeMs: 3_600_000,
    slideMs: 3_600_000,
    startMs: 0,
  });
  const { node } = window(col('t'), '1 hour', '15 minutes', '5 minutes');
  assert.ok(node.kind === 'window' && node.slideMs === 900_000 && node.startMs === 300_000);
});

test('refuses windows that would leave events out, or have no length', () => {
  const refused: [DurationText, DurationText, DurationText, RegExp][] = [
    ['1 hour', '2 hours', '0 seconds', /slide of 2 hours is longer/],
    ['0 hours', '0 hours', '0 seconds', /no length/],
    ['1 hour', '-1 hours', '0 seconds', /no length/],
    ['1 hour', '30 minutes', '30 minutes', /start of 30 minutes is not shorter/],
    ['1 hour', '30 minutes', '-30 minutes', /start of -30 minutes is not shorter/],
  ];
  for (const [size, slide, start, message] of refused)
    assert.throws(() => window(col('t'), size, slide, start), message);
});
