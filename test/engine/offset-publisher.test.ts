import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GroupOffset, Log } from '../../src/contracts/log.ts';
import type { Logger } from '../../src/contracts/logger.ts';
import { ShownOffsets } from '../../src/engine/offset-publisher.ts';
import { systemClock } from '../../src/observe/system-clock.ts';
import { silentLogger } from '../../src/observe/silent-logger.ts';

const at = (nextOffset: number): GroupOffset[] => [{ partition: 0, nextOffset }];

function shownOn(
  publishOffsets: Log['publishOffsets'],
  group: string | undefined,
  logger: Logger = silentLogger,
) {
  const log = (publishOffsets === undefined ? {} : { publishOffsets }) as Log;
  return new ShownOffsets({ log, topic: 'events', group, clock: systemClock, logger });
}

test('writes the first and then the newest, with one write under way at a time', async () => {
  const written: unknown[] = [];
  const gates: (() => void)[] = [];
  const shown = shownOn((group, topic, offsets) => {
    written.push([group, topic, offsets[0]?.nextOffset]);
    return new Promise((resolve) => gates.push(resolve));
  }, 'totals');
  for (const offset of [1, 2, 3]) shown.show(at(offset));
  assert.deepEqual(written, [['totals', 'events', 1]]);
  gates.shift()?.();
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(written, [
    ['totals', 'events', 1],
    ['totals', 'events', 3],
  ]);
  const settled = shown.settle();
  gates.shift()?.();
  await settled;
  shown.show(at(4));
  assert.equal(written.length, 3);
  gates.shift()?.();
});

/** A logger that keeps the messages of its warnings. */
function noting(warnings: string[]): Logger {
  return { ...silentLogger, warn: (_fields: unknown, message: string) => void warnings.push(message) };
}

const LAST_UNSHOWN = /^The last offsets of this query could not be written to its consumer group/;

test('a log that refuses is warned of once while the query runs, and costs it nothing', async () => {
  const warnings: string[] = [];
  const shown = shownOn(() => Promise.reject(new Error('no')), 'totals', noting(warnings));
  for (let round = 0; round < 5; round += 1) {
    shown.show(at(round));
    for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  }
  assert.deepEqual(warnings, ['offsets could not be written to the consumer group for lag tools']);
  await shown.settle();
});

test('a query that ends writes the offsets that the log refused before, though no commit followed', async () => {
  const written: number[] = [];
  let refusals = 3;
  const warnings: string[] = [];
  const shown = shownOn(
    async (_group, _topic, offsets) => {
      refusals -= 1;
      if (refusals >= 0) throw new Error('the coordinator has moved');
      written.push(offsets[0]?.nextOffset as number);
    },
    'totals',
    noting(warnings),
  );
  shown.show(at(7));
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  await shown.settle();
  assert.deepEqual(written, [7]);
  assert.deepEqual(warnings, ['offsets could not be written to the consumer group for lag tools']);
});

test('a query that ends tries a bounded number of times, and says that its last offsets are not shown', async () => {
  const warnings: string[] = [];
  let calls = 0;
  const refuse = () => {
    calls += 1;
    return Promise.reject(new Error('no'));
  };
  const shown = shownOn(refuse, 'totals', noting(warnings));
  shown.show(at(7));
  await shown.settle();
  assert.ok(calls >= 5 && calls <= 6, `${calls} tries`);
  assert.equal(warnings.length, 2);
  assert.match(warnings[1] as string, LAST_UNSHOWN);
});

test('does nothing without a group, or on a log that has no such thing', async () => {
  const fail = () => assert.fail('nothing is to be written');
  for (const shown of [shownOn(fail, undefined), shownOn(undefined, 'totals')]) {
    shown.show(at(1));
    await shown.settle();
  }
});

test('pauses between two writes, and writes the last at once when the query ends', async () => {
  const written: unknown[] = [];
  const log = {
    publishOffsets: (_group: string, _topic: string, offsets: readonly GroupOffset[]) => {
      written.push(offsets[0]?.nextOffset);
      return Promise.resolve();
    },
  } as unknown as Log;
  const hourMs = 3_600_000;
  const shown = new ShownOffsets({
    log,
    topic: 'events',
    group: 'totals',
    clock: systemClock,
    logger: silentLogger,
    everyMs: hourMs,
  });
  shown.show(at(1));
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  for (const offset of [2, 3, 4]) shown.show(at(offset));
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(written, [1]);
  await shown.settle();
  assert.deepEqual(written, [1, 4]);
});
