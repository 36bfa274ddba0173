/** Log timestamps that no producer should write: every event is judged, the cause is named, and nothing of them is lost. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Log } from '../../../src/contracts/log.ts';
import { createHarness, recordOf, START_MS, verdictsOf, type Harness } from '../harness.ts';
import { recordingLogger } from '../recording-logger.ts';

const INT64_MAX = 2n ** 63n - 1n;

async function withHarness(run: (harness: Harness) => Promise<void>, over = {}): Promise<void> {
  const harness = await createHarness(over);
  try {
    await run(harness);
  } finally {
    await harness.close();
  }
}

const stamped = (id: string, timestampMs: number, atMs = START_MS) => ({
  ...recordOf({ id, atMs }),
  timestampMs,
});

describe('a log timestamp that is no time in milliseconds', () => {
  const kinds = [
    ['none', -1],
    ['none', 0],
    ['seconds', START_MS / 1000],
    ['microseconds', START_MS * 1e3],
    ['nanoseconds', START_MS * 1e6],
    ['nanoseconds', 2 ** 63],
    ['none', -(2 ** 63)],
  ] as const;
  for (const [kind, timestampMs] of kinds) {
    it(`lets events be judged by the clock alone and names the unit: ${timestampMs}, ${kind}`, () =>
      withHarness(async (harness) => {
        const { logger, warnings } = recordingLogger();
        await harness.append([
          stamped('a', timestampMs),
          stamped('b', timestampMs, START_MS + 60_001),
          { ...stamped('c', timestampMs), value: new Uint8Array(0) },
        ]);
        await harness.run({ logger });
        await harness.run({ logger });
        assert.deepEqual(harness.view(verdictsOf), ['0:1 FUTURE_TIMESTAMP', '0:2 EMPTY']);
        assert.equal(warnings.length, 1);
        const [{ fields, message }] = warnings as [(typeof warnings)[0]];
        assert.deepEqual(
          [fields['topic'], fields['partition'], fields['offset'], fields['records'], fields['looksLike']],
          ['events', 0, 0, 3, kind],
        );
        assert.match(message, /message\.timestamp\.type=LogAppendTime/);
        const letters = harness.view((view) => [...view.deadLetters({})]);
        assert.match(letters[0]?.expected ?? '', /the query's clock/);
        const kept = timestampMs === 2 ** 63 ? INT64_MAX : BigInt(timestampMs);
        for (const letter of letters) assert.equal(BigInt(letter.timestampMs ?? 1), kept);
      }));
  }

  it('names the log timestamp of the record if it is what bounds the future', () =>
    withHarness(async (harness) => {
      harness.clock.advance(3_600_000);
      await harness.append([stamped('a', START_MS, START_MS + 60_001)]);
      await harness.run();
      const [letter] = harness.view((view) => [...view.deadLetters({})]);
      assert.equal(
        letter?.expected,
        'not after 2025-06-26T12:01:00.000Z (the log timestamp of its record, 2025-06-26T12:00:00.000Z, and the tolerance)',
      );
    }));

  it('is kept to the last of its 64 bits', async () => {
    const exact = [INT64_MAX, -INT64_MAX - 1n, 1_785_000_000_123_456_789n, 9_007_199_254_740_993n];
    await withHarness(
      async (harness) => {
        await harness.append(exact.map(() => ({ key: null, value: null, timestampMs: 5e18 })));
        await harness.run();
        const letters = harness.view((view) => [...view.deadLetters({})]);
        assert.deepEqual(
          letters.map(({ timestampMs }) => timestampMs),
          exact,
        );
      },
      { wrapLog: (log: Log) => withExact(log, exact) },
    );
  });

  it('does not count as a delay', () =>
    withHarness(async (harness) => {
      await harness.append([1, 2].map((number) => stamped(String(number), START_MS / 1000)));
      await harness.run({ offsetsMax: 1 });
      const [progress] = harness.view((view) => [...view.recentProgress()]) as unknown as [{ lag: unknown }];
      assert.deepEqual(progress.lag, [{ partition: 0, events: 1, seconds: 0 }]);
    }));
});

/** The same log, with timestamps as a log of 64 bits gives them. */
function withExact(log: Log, exact: readonly bigint[]): Log {
  return new Proxy(log, {
    get(target, name) {
      if (name === 'read') {
        return async function* (...range: Parameters<Log['read']>) {
          for await (const chunk of target.read(...range)) {
            const exactTimestamps = new Map(exact.map((value, row) => [row, value]));
            yield { ...chunk, exactTimestamps, timestampsMs: Float64Array.from(exact, Number) };
          }
        };
      }
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
