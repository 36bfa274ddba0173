import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import type { Log, RecordInput } from '../../src/contracts/log.ts';
import { deliver } from '../../src/producer/deliver.ts';
import type { DeliveryOptions, DeliveryProgress, RetryNotice } from '../../src/producer/delivery.ts';
import { createRandom } from '../../src/producer/random.ts';
import type { RecordSource } from '../../src/producer/source.ts';
import { createTokenBucket, UNPACED } from '../../src/producer/token-bucket.ts';
import { createManualClock, type ManualClock } from '../../src/testing/manual-clock.ts';
import { drive } from './drive.ts';
import { scriptedLog } from './scripted-log.ts';

const START_MS = Date.UTC(2026, 0, 1);

/** Records 0, 1, 2, … as text; ends after `count`, or throws there. */
function counting(
  count = Number.POSITIVE_INFINITY,
  failure?: Error,
): RecordSource & { readonly given: number } {
  let given = 0;
  return {
    get given() {
      return given;
    },
    pull(recordsMax, bytesMax) {
      const records: RecordInput[] = [];
      let bytes = 0;
      while (given < count && records.length < recordsMax && bytes < bytesMax) {
        const value = Buffer.from(String(given));
        records.push({ key: null, value });
        bytes += value.length;
        given += 1;
      }
      return records.length === 0 && failure ? Promise.reject(failure) : Promise.resolve(records);
    },
    close: () => Promise.resolve(),
  };
}

function numbers(count: number): string[] {
  return Array.from({ length: count }, (_, index) => String(index));
}

function setUp(overrides: Partial<DeliveryOptions<RecordInput>> = {}) {
  const clock: ManualClock = createManualClock(START_MS);
  const stop = new AbortController();
  const abort = new AbortController();
  const log = scriptedLog();
  const options: DeliveryOptions<RecordInput> = {
    log,
    topic: 'purchases',
    source: counting(),
    pace: UNPACED,
    clock,
    random: createRandom(1),
    stop: stop.signal,
    abort: abort.signal,
    ...overrides,
  };
  return { clock, stop, abort, log, options };
}

/** The same log, with when each append was called, and with room for several at once. */
function timedLog(log: Log, clock: ManualClock, appendsMax = 1): Log & { readonly appendedMs: number[] } {
  const appendedMs: number[] = [];
  const append: Log['append'] = (topic, records) => {
    appendedMs.push(clock.monotonicMs());
    return log.append(topic, records);
  };
  return { ...log, appendsMax, appendedMs, append };
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await nextTurn();
}

describe('a delivery', () => {
  test('brings every record of the source into the log, in order, and says so', async () => {
    const { clock, log, options } = setUp({ source: counting(1_234) });
    const summary = await drive(clock, deliver({ ...options, limits: { batchRecordsMax: 100 } }));
    assert.deepEqual(log.values, numbers(1_234));
    assert.ok(log.batches.every((count) => count <= 100));
    assert.equal(summary.acknowledged, 1_234);
    assert.equal(summary.unacknowledged, 0);
    assert.equal(summary.bytes, numbers(1_234).join('').length);
    assert.deepEqual(summary.lastOffsets, [{ partition: 0, offset: 1_233 }]);
    assert.deepEqual([summary.stopped, summary.aborted, summary.retries], [false, false, 0]);
  });

  test('ends after the number of records that was asked for', async () => {
    const { clock, log, options } = setUp({ recordsMax: 777 });
    const summary = await drive(clock, deliver(options));
    assert.equal(summary.acknowledged, 777);
    assert.equal(summary.stopped, false);
    assert.deepEqual(log.values, numbers(777));
  });

  test('asked for nothing, delivers nothing', async () => {
    const { clock, log, options } = setUp({ recordsMax: 0 });
    assert.equal((await drive(clock, deliver(options))).acknowledged, 0);
    assert.equal(log.calls(), 0);
  });

  test('sends a batch that is not full when it has lingered', async () => {
    const { clock, log, options } = setUp();
    const pace = createTokenBucket(1_000, clock);
    await drive(clock, deliver({ ...options, pace, recordsMax: 40, limits: { lingerMs: 10 } }));
    assert.equal(log.values.length, 40);
    assert.ok(log.batches.length >= 4 && log.batches.length <= 6, `${log.batches.length} batches`);
  });

  test('does not linger with a batch that is full, or the last', async () => {
    const { clock, log, options } = setUp();
    const pace = createTokenBucket(1_000, clock);
    const limits = { lingerMs: 60_000, batchRecordsMax: 10 };
    const summary = await drive(clock, deliver({ ...options, pace, recordsMax: 35, limits }));
    assert.deepEqual(log.batches, [10, 10, 10, 5]);
    assert.ok(summary.elapsedMs < 100, `${summary.elapsedMs} ms`);
  });

  test('does not linger at all while the log has nothing else to do, unless it is told to for long', async () => {
    for (const [lingerMs, appendedMs] of [
      [undefined, [0, 100, 200]],
      [5, [0, 100, 200]],
      [6, [6, 106, 200]],
    ] as const) {
      const { clock, log, options } = setUp();
      const pace = createTokenBucket(10, clock);
      const timed = timedLog(log, clock);
      const limits = lingerMs === undefined ? {} : { lingerMs };
      await drive(clock, deliver({ ...options, log: timed, pace, recordsMax: 3, limits }));
      assert.deepEqual(timed.appendedMs, appendedMs, `a linger of ${lingerMs ?? 'the default'}`);
    }
  });

  test('lingers behind appends that are under way', async () => {
    const { clock, stop, options } = setUp();
    const log = scriptedLog(['hang', 'hang', 'hang']);
    const pace = createTokenBucket(1_000, clock);
    const timed = timedLog(log, clock, 3);
    const work = deliver({ ...options, log: timed, pace });
    void drive(clock, work);
    while (log.calls() < 3) await nextTurn();
    stop.abort();
    log.release();
    await work;
    // The second batch begins with the record after the first, and lingers for 5 ms; so does the third.
    assert.deepEqual(timed.appendedMs.slice(0, 3), [0, 6, 11]);
    assert.deepEqual(log.batches.slice(0, 3), [1, 5, 5]);
  });

  test('lingers no longer when the appends before have ended', async () => {
    const { clock, stop, options } = setUp();
    const log = scriptedLog(['hang']);
    const pace = createTokenBucket(1_000, clock);
    const timed = timedLog(log, clock, 3);
    const work = deliver({ ...options, log: timed, pace });
    await turns(10);
    for (let ms = 1; ms <= 3; ms += 1) {
      clock.advance(1);
      await turns(10);
    }
    assert.equal(log.calls(), 1);
    log.release();
    await turns(10);
    // The clock stands still: nothing but the end of the first append has let the second batch go.
    assert.deepEqual(timed.appendedMs, [0, 3]);
    assert.deepEqual(log.batches, [1, 3]);
    stop.abort();
    await drive(clock, work);
  });

  test('keeps the pace', async () => {
    const { clock, options } = setUp();
    const pace = createTokenBucket(500, clock);
    const summary = await drive(clock, deliver({ ...options, pace, recordsMax: 1_000 }));
    assert.ok(Math.abs(summary.elapsedMs - 2_000) <= 20, `${summary.elapsedMs} ms`);
  });

  test('holds at most two batches and one record over while the log makes it wait', async () => {
    const source = counting();
    const log = scriptedLog(['hang']);
    const { clock, stop, options } = setUp({ source, log });
    const work = deliver({ ...options, limits: { batchRecordsMax: 10 } });
    void drive(clock, work);
    await clock.advanceInSteps(1_000);
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(source.given, 20);
    stop.abort();
    log.release();
    assert.equal((await work).acknowledged, 20);
  });

  test('gives a record that is larger than a batch a batch of its own', async () => {
    const { clock, log, options } = setUp({ source: counting(12) });
    await drive(clock, deliver({ ...options, limits: { batchBytesMax: 1 } }));
    assert.deepEqual(
      log.batches,
      Array.from({ length: 12 }, () => 1),
    );
  });

  test('throws what the source throws, after everything before it is in the log', async () => {
    const failure = new Error('line 51 is too long');
    const { clock, log, options } = setUp({ source: counting(50, failure) });
    await assert.rejects(drive(clock, deliver({ ...options, limits: { batchRecordsMax: 7 } })), failure);
    assert.deepEqual(log.values, numbers(50));
  });

  test('tells of every acknowledged batch in order, and waits for the listener', async () => {
    const { clock, options } = setUp({ source: counting(30) });
    const told: string[] = [];
    let inside = 0;
    const onAcknowledged = async (records: readonly RecordInput[]): Promise<void> => {
      assert.equal((inside += 1), 1);
      await clock.sleep(3);
      told.push(...records.map(({ value }) => Buffer.from(value ?? []).toString()));
      inside -= 1;
    };
    await drive(clock, deliver({ ...options, onAcknowledged, limits: { batchRecordsMax: 4 } }));
    assert.deepEqual(told, numbers(30));
  });

  test('reports progress at most once a second', async () => {
    const { clock, options } = setUp();
    const seen: DeliveryProgress[] = [];
    const pace = createTokenBucket(100, clock);
    await drive(
      clock,
      deliver({ ...options, pace, recordsMax: 450, onProgress: (progress) => seen.push(progress) }),
    );
    assert.equal(seen.length, 4);
    for (const [index, progress] of seen.entries()) {
      assert.ok(Math.abs(progress.elapsedMs - 1_000 * (index + 1)) < 100);
      assert.ok(Math.abs(progress.ratePerSecond - 100) <= 3, `${progress.ratePerSecond}/s`);
    }
  });
});

describe('where the log refuses', () => {
  test('tries again with growing pauses, and keeps the order', async () => {
    const notices: RetryNotice[] = [];
    const log = scriptedLog(['ok', 'LOG_UNAVAILABLE', 'STORAGE_FULL', 'LOG_UNAVAILABLE', 'ok']);
    const { clock, options } = setUp({ log, source: counting(30) });
    const summary = await drive(
      clock,
      deliver({ ...options, limits: { batchRecordsMax: 10 }, onRetry: (notice) => notices.push(notice) }),
    );
    assert.deepEqual(log.values, numbers(30));
    assert.equal(summary.retries, 3);
    assert.deepEqual(
      notices.map(({ attempt }) => attempt),
      [1, 2, 3],
    );
    for (const { attempt, pauseMs } of notices) {
      const wholeMs = 100 * 2 ** (attempt - 1);
      assert.ok(pauseMs > wholeMs / 2 && pauseMs <= wholeMs, `${pauseMs} ms after attempt ${attempt}`);
    }
  });

  test('delivers every record once and in order whatever sequence of errors ends in success', async () => {
    const scripts = fc.array(fc.constantFrom('ok', 'LOG_UNAVAILABLE', 'STORAGE_FULL'), { maxLength: 12 });
    const run = fc.asyncProperty(
      scripts,
      fc.integer({ min: 1, max: 40 }),
      async (script, batchRecordsMax) => {
        const log = scriptedLog(script);
        const { clock, options } = setUp({ log, source: counting(60) });
        const limits = { batchRecordsMax, backoffMsMax: 200 };
        await drive(clock, deliver({ ...options, limits }), 20);
        assert.deepEqual(log.values, numbers(60));
      },
    );
    await fc.assert(run, { numRuns: 30 });
  });

  test('gives up in the end and names what is in the log, what is not, and what was not taken', async () => {
    const log = scriptedLog(['ok', ...Array.from({ length: 100 }, () => 'LOG_UNAVAILABLE' as const)]);
    const { clock, options } = setUp({ log, recordsMax: 1_000 });
    const limits = { batchRecordsMax: 10, attemptsMax: 4, backoffMs: 10 };
    await assert.rejects(drive(clock, deliver({ ...options, limits })), {
      code: 'DELIVERY_FAILED',
      message:
        /after 4 attempts.*10 records were acknowledged, 20 were sent and not acknowledged, 970 were not sent yet.*scripted log is away/s,
    });
    assert.equal(log.calls(), 5);
  });

  test('gives up when the time for one batch is over', async () => {
    const log = scriptedLog(Array.from({ length: 1_000 }, () => 'LOG_UNAVAILABLE' as const));
    const { clock, options } = setUp({ log });
    const limits = { deliveryTimeoutMs: 30_000, attemptsMax: 1_000 };
    await assert.rejects(drive(clock, deliver({ ...options, limits }), 50), { code: 'DELIVERY_FAILED' });
    assert.ok(clock.monotonicMs() <= 31_000);
  });

  test('tries once and no more where no retry is allowed', async () => {
    const log = scriptedLog(['LOG_UNAVAILABLE']);
    const { clock, options } = setUp({ log });
    const limits = { attemptsMax: 1 };
    await assert.rejects(drive(clock, deliver({ ...options, limits })), {
      code: 'DELIVERY_FAILED',
      message: /after 1 attempts? .*producer\.retries/s,
    });
    assert.equal(log.calls(), 1);
  });

  test('uses the time for one batch up where their number has no bound', async () => {
    const log = scriptedLog(Array.from({ length: 1_000 }, () => 'LOG_UNAVAILABLE' as const));
    const { clock, options } = setUp({ log });
    const limits = { deliveryTimeoutMs: 600_000, backoffMsMax: 5_000 };
    await assert.rejects(drive(clock, deliver({ ...options, limits }), 500), { code: 'DELIVERY_FAILED' });
    assert.ok(log.calls() > 50, `${log.calls()} attempts`);
    assert.ok(clock.monotonicMs() > 590_000, `${clock.monotonicMs()} ms`);
  });

  test('does not try again where no retry helps', async () => {
    const log = scriptedLog(['TOPIC_NOT_FOUND']);
    const { clock, options } = setUp({ log });
    await assert.rejects(drive(clock, deliver(options)), { code: 'TOPIC_NOT_FOUND' });
    assert.equal(log.calls(), 1);
  });
});

describe('on signals', () => {
  test('at full speed hears them, though nothing in it ever waits', async () => {
    const { stop, options } = setUp();
    setImmediate(() => stop.abort());
    const summary = await deliver({ ...options, recordsMax: 100_000, limits: { batchRecordsMax: 10 } });
    assert.equal(summary.stopped, true);
  });

  test('the first stops taking and finishes what is in flight', async () => {
    const source = counting();
    const log = scriptedLog(['ok', 'hang']);
    const { clock, stop, options } = setUp({ source, log });
    const work = drive(clock, deliver({ ...options, limits: { batchRecordsMax: 10 } }));
    while (log.calls() < 2) await new Promise((resolve) => setImmediate(resolve));
    stop.abort();
    log.release();
    const summary = await work;
    assert.deepEqual([summary.stopped, summary.aborted, summary.unacknowledged], [true, false, 0]);
    assert.deepEqual(log.values, numbers(source.given));
  });

  test('the first goes on retrying what is in flight', async () => {
    const log = scriptedLog(['LOG_UNAVAILABLE', 'LOG_UNAVAILABLE']);
    const { clock, stop, options } = setUp({ log });
    const onRetry = (): void => stop.abort();
    const summary = await drive(clock, deliver({ ...options, onRetry, limits: { batchRecordsMax: 10 } }));
    assert.equal(summary.unacknowledged, 0);
    assert.ok(summary.acknowledged > 0);
    assert.equal(summary.stopped, true);
  });

  test('the first ends a wait for the pace and for the source', async () => {
    const { clock, stop, log, options } = setUp();
    const waiting: RecordSource = {
      pull: (_records, _bytes, signal) =>
        new Promise((resolve) => signal.addEventListener('abort', () => resolve([]))),
      close: () => Promise.resolve(),
    };
    const slow = deliver({ ...options, pace: createTokenBucket(0.001, clock), limits: { lingerMs: 0 } });
    const dry = deliver({ ...options, source: waiting });
    while (log.calls() < 1) await new Promise((resolve) => setImmediate(resolve));
    stop.abort();
    assert.equal((await slow).acknowledged, 1);
    assert.equal((await dry).acknowledged, 0);
  });

  test('where nobody wants to wait, tries no more and says what the log did not take', async () => {
    const log = scriptedLog(['ok', ...Array.from({ length: 99 }, () => 'LOG_UNAVAILABLE' as const)]);
    const { clock, stop, options } = setUp({ log });
    const giveUp = new AbortController();
    const onRetry = (): void => {
      stop.abort();
      setImmediate(() => giveUp.abort());
    };
    const limits = { batchRecordsMax: 10 };
    const summary = await drive(clock, deliver({ ...options, onRetry, giveUp: giveUp.signal, limits }));
    assert.deepEqual([summary.stopped, summary.aborted], [true, false]);
    assert.match(summary.gaveUp?.message ?? '', /scripted log is away/);
    assert.deepEqual([summary.acknowledged, summary.unacknowledged, log.calls()], [10, 20, 2]);
  });

  test('where nobody wants to wait, still finishes with a log that takes it', async () => {
    const log = scriptedLog(['hang']);
    const { clock, stop, options } = setUp({ log });
    const giveUp = new AbortController();
    const work = drive(
      clock,
      deliver({ ...options, giveUp: giveUp.signal, limits: { batchRecordsMax: 10 } }),
    );
    while (log.calls() < 1) await new Promise((resolve) => setImmediate(resolve));
    stop.abort();
    giveUp.abort();
    log.release();
    const summary = await work;
    assert.deepEqual([summary.gaveUp, summary.acknowledged, summary.unacknowledged], [undefined, 20, 0]);
  });

  test('the second gives up what is in flight and says how much that is', async () => {
    const log = scriptedLog(['ok', 'hang']);
    const { clock, stop, abort, options } = setUp({ log });
    const work = drive(clock, deliver({ ...options, limits: { batchRecordsMax: 10 } }));
    while (log.calls() < 2) await new Promise((resolve) => setImmediate(resolve));
    stop.abort();
    abort.abort();
    const summary = await work;
    assert.equal(summary.aborted, true);
    assert.equal(summary.acknowledged, 10);
    assert.ok(summary.unacknowledged >= 10);
  });

  test('the second ends a pause between two attempts', async () => {
    const log = scriptedLog(Array.from({ length: 9 }, () => 'LOG_UNAVAILABLE' as const));
    const { clock, abort, options } = setUp({ log });
    const summary = await drive(
      clock,
      deliver({ ...options, onRetry: () => setImmediate(() => abort.abort()) }),
    );
    assert.deepEqual([summary.aborted, summary.acknowledged, log.calls()], [true, 0, 1]);
  });
});

describe('retention', () => {
  const removal = { topic: 'purchases', partition: 0, start: 0, end: 9, bytes: 100, reason: 'age' } as const;

  test('is applied after the first batch and then once a minute, and what it removed is told', async () => {
    const log = scriptedLog([], [removal]);
    const { clock, options } = setUp({ log });
    const removed: number[] = [];
    const pace = createTokenBucket(1, clock);
    await drive(
      clock,
      deliver({
        ...options,
        pace,
        recordsMax: 200,
        onRetention: (removals) => removed.push(removals.length),
      }),
      100,
    );
    assert.equal(log.retentionCalls(), 4);
    assert.deepEqual(removed, [1, 1, 1, 1]);
  });
});
