/** A clock that cannot be right is named: before the first batch, when it jumps, and when it has made events late. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TallystreamError } from '../../../src/errors.ts';
import { createHarness, recordOf, START_MS, testPlan, verdictsOf, type Harness } from '../harness.ts';
import { recordingLogger, type Warning } from '../recording-logger.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const YEARS = 4 * 365 * 24 * HOUR;

async function withHarness(run: (harness: Harness) => Promise<void>, over = {}): Promise<void> {
  const harness = await createHarness(over);
  try {
    await run(harness);
  } finally {
    await harness.close();
  }
}

const event = (id: string, atMs = START_MS, timestampMs = atMs) => ({
  ...recordOf({ id, atMs }),
  timestampMs,
});
const operationsOf = (warnings: readonly Warning[]) => warnings.map(({ fields }) => fields.operation);

describe('a clock that is behind the newest records', () => {
  it('is refused by name before any batch, and starts when it is set', () =>
    withHarness(async (harness) => {
      const records = ['a', 'b'].map((id) => event(id, START_MS + 11 * MINUTE));
      await harness.append(records);
      await assert.rejects(harness.run(), (error: unknown) => {
        assert.ok(error instanceof TallystreamError);
        assert.equal(error.code, 'CLOCK_SKEW');
        assert.match(
          error.message,
          /clock of this machine says 2025-06-26T12:00:00\.000Z, 660 seconds behind/,
        );
        assert.match(error.message, /partition 0, offset [01]: 2025-06-26T12:11:00\.000Z/);
        assert.match(error.message, /query\.clock_skew_max \(600 seconds\)/);
        return true;
      });
      assert.equal(
        harness.view((view) => view.lastBatchId()),
        null,
      );
      harness.clock.jumpWallClock(11 * MINUTE);
      await harness.run();
      assert.deepEqual(harness.view(verdictsOf), []);
    }));

  it('is no reason not to start within the bound, with a wider bound, or without one', async () => {
    for (const [aheadMs, clockSkewMaxMs] of [
      [10 * MINUTE, undefined],
      [HOUR, HOUR],
      [YEARS, null],
    ] as const) {
      await withHarness(async (harness) => {
        await harness.append([event('a', START_MS + aheadMs)]);
        await harness.run({ ...(clockSkewMaxMs !== undefined && { clockSkewMaxMs }) });
        assert.deepEqual(harness.view(verdictsOf), ['0:0 FUTURE_TIMESTAMP']);
      });
    }
  });

  it('warns and starts if only some of the newest records are ahead, which is a clock of a producer', () =>
    withHarness(async (harness) => {
      const { logger, warnings } = recordingLogger();
      await harness.append([event('a'), event('b', START_MS + YEARS), event('c')]);
      await harness.run({ logger });
      assert.deepEqual(harness.view(verdictsOf), ['0:1 FUTURE_TIMESTAMP']);
      assert.deepEqual(
        operationsOf(warnings),
        ['clock', 'record-time', 'lateness'].slice(0, warnings.length),
      );
      assert.equal(warnings[0]?.fields['offset'], 1);
      assert.equal(warnings[1]?.fields['looksLike'], 'ahead');
    }));

  it('is not seen in records whose timestamps are in another unit', () =>
    withHarness(async (harness) => {
      for (const timestampMs of [START_MS * 1e3, START_MS * 1e6, 2 ** 63]) {
        await harness.append([event(String(timestampMs), START_MS, timestampMs)]);
      }
      await harness.run();
      assert.deepEqual(harness.view(verdictsOf), []);
    }));
});

describe('a clock that jumps while the query runs', () => {
  for (const [name, byMs] of [
    ['ahead', YEARS],
    ['back', -HOUR],
  ] as const) {
    it(`is warned of once, by name: ${name}`, () =>
      withHarness(async (harness) => {
        const { logger, warnings } = recordingLogger();
        await harness.run({
          logger,
          during: async (query) => {
            for (const id of ['a', 'b', 'c']) {
              await harness.append([event(id, START_MS)]);
              await query.processAllAvailable();
              if (id === 'a') harness.clock.jumpWallClock(byMs);
            }
          },
        });
        const jumps = warnings.filter(({ fields }) => fields.operation === 'clock');
        assert.deepEqual(
          jumps.map(({ fields }) => fields['jumpMs']),
          [byMs],
        );
        assert.match(jumps[0]?.message ?? '', new RegExp(`^The clock of this machine jumped ${name}`));
      }));
  }

  it('is warned of if it was set back between two runs', () =>
    withHarness(async (harness) => {
      const { logger, warnings } = recordingLogger();
      await harness.append([event('a')]);
      await harness.run({ logger });
      harness.clock.jumpWallClock(-HOUR);
      await harness
        .run({ logger, clockSkewMaxMs: 50 * MINUTE, during: async (query) => query.processAllAvailable() })
        .catch((error: unknown) =>
          assert.ok(error instanceof TallystreamError && error.code === 'CLOCK_SKEW'),
        );
      await harness.append([event('b', START_MS - HOUR), event('c', START_MS - HOUR)]);
      await harness.run({ logger });
      assert.deepEqual(
        warnings.filter(({ fields }) => fields.operation === 'clock').map(({ fields }) => fields['jumpMs']),
        [undefined, -HOUR],
      );
    }));

  it('is named as the cause of late events, and not the input', () =>
    withHarness(
      async (harness) => {
        const { logger, warnings } = recordingLogger();
        harness.clock.jumpWallClock(YEARS);
        await harness.append([event('a', START_MS + YEARS)]);
        await harness.run({ logger });
        harness.clock.jumpWallClock(-YEARS);
        await harness.append([event('b'), event('c'), event('d')]);
        await harness.run({ logger });
        const [late] = warnings.filter(({ fields }) => fields.operation === 'lateness');
        assert.match(
          late?.message ?? '',
          /^100 % of this batch is late, because an event was accepted that is ahead/,
        );
        assert.match(late?.message ?? '', /checkpoint lower-watermark/);
        assert.equal(late?.fields['newest'], '2029-06-25T12:00:00.000Z');
      },
      { plan: testPlan() },
    ));
});
