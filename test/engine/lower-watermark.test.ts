/** The way back after a clock was ahead: times go back once, by a commit that says so, and what is counted stays counted. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readSummary } from '../../src/checkpoint/summary.ts';
import { lowerWatermark } from '../../src/checkpoint/lower-watermark.ts';
import { verifyCheckpoint } from '../../src/checkpoint/verify/verify.ts';
import { TallystreamError } from '../../src/errors.ts';
import type { GroupKey } from '../../src/plan/query-plan.ts';
import {
  createHarness,
  groupsOf,
  recordOf,
  START_MS,
  testPlan,
  verdictsOf,
  type Harness,
} from './harness.ts';

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

const event = (id: string, atMs: number) => recordOf({ id, atMs });

/** A query that has accepted an event of a clock that is four years ahead, and evicted state by it; the clock is right now. */
async function poison(harness: Harness): Promise<void> {
  const { clock } = harness;
  await harness.append([event('a', START_MS), event('b', START_MS + 1)]);
  await harness.run();
  clock.jumpWallClock(YEARS);
  await harness.append([event('ahead', START_MS + YEARS)]);
  await harness.run();
  await harness.append([event('ahead too', START_MS + YEARS)]);
  await harness.run();
  clock.jumpWallClock(-YEARS);
}

const run = (harness: Harness) => harness.run({ clockSkewMaxMs: null });

function lower(harness: Harness, over: { dryRun?: boolean; toMs?: number } = {}) {
  const { location, clock } = harness;
  const { dryRun = false, toMs = clock.nowMs() } = over;
  return lowerWatermark({ location, clock, toMicros: toMs * 1000, dryRun });
}

function assertSound({ location }: Harness): void {
  assert.deepEqual(verifyCheckpoint({ location }).findings, []);
}

describe('lowering the watermark', () => {
  it('lets events of the present be accepted again, once more than a dry run does', () =>
    withHarness(async (harness) => {
      await poison(harness);
      await harness.append([event('c', START_MS)]);
      await run(harness);
      assert.deepEqual(harness.view(verdictsOf), ['0:4 LATE']);

      const planned = await lower(harness, { dryRun: true });
      assert.deepEqual(planned.watermarkMicros, {
        before: (START_MS + YEARS - HOUR) * 1000,
        after: (START_MS - HOUR) * 1000,
      });
      await harness.append([event('d', START_MS)]);
      await run(harness);
      assert.deepEqual(harness.view(verdictsOf), ['0:4 LATE', '0:5 LATE']);

      const { partitions } = await lower(harness);
      assert.deepEqual(partitions, [
        { partition: 0, beforeMicros: (START_MS + YEARS) * 1000, afterMicros: START_MS * 1000 },
      ]);
      assertSound(harness);
      await harness.append([
        event('e', START_MS - HOUR),
        event('f', START_MS),
        event('g', START_MS - HOUR - 1),
      ]);
      await run(harness);
      assert.deepEqual(harness.view(verdictsOf), ['0:4 LATE', '0:5 LATE', '0:8 LATE']);
      assert.equal((await lower(harness)).batchId, undefined, 'there is nothing more to lower');
      assertSound(harness);
    }));

  it('is written into its own batch and carried on by every later plan', () =>
    withHarness(async (harness) => {
      await poison(harness);
      const printed = harness.printed.length;
      await lower(harness);
      const lowered = {
        batchId: 3,
        toMicros: START_MS * 1000,
        fromMicros: (START_MS + YEARS - HOUR) * 1000,
      };
      assert.deepEqual(readSummary(harness).lowered, lowered);
      await harness.append([event('c', START_MS)]);
      await run(harness);
      assert.deepEqual(readSummary(harness).lowered, lowered);
      assert.equal(readSummary(harness).lastPlan?.batchId, 4);
      assert.deepEqual(harness.printed.slice(printed), [{ batchId: 4, accepted: 1 }]);
      assertSound(harness);
    }));

  it('forgets no id that is remembered, and knows none that was forgotten', () =>
    withHarness(
      async (harness) => {
        await poison(harness);
        await lower(harness);
        const repeats = [event('a', START_MS), event('b', START_MS + 1), event('ahead', START_MS + YEARS)];
        await harness.append(repeats.slice(0, 2));
        await run(harness);
        harness.clock.jumpWallClock(YEARS);
        await harness.append(repeats.slice(2));
        await run(harness);
        const total = Object.values(harness.view(groupsOf)).map(([, events]) => events);
        assert.deepEqual([harness.view(verdictsOf), total], [['0:6 DUPLICATE'], [4, 2]]);
      },
      { segmentEntries: 2 },
    ));

  it('prints a report that was committed and not printed, all the same', () =>
    withHarness(async (harness) => {
      await poison(harness);
      await harness.append([event('c', START_MS)]);
      await assert.rejects(harness.run({ printerFails: true, clockSkewMaxMs: null }), /printer crashed/);
      await lower(harness);
      const printed = harness.printed.length;
      await run(harness);
      assert.deepEqual(harness.printed.slice(printed), [{ batchId: 3, accepted: 0 }]);
    }));

  it('waits for a batch that is planned and not committed', () =>
    withHarness(async (harness) => {
      await poison(harness);
      await harness.append([event('c', START_MS)]);
      const sink = { name: 'broken', write: () => Promise.reject(new Error('the sink is broken')) };
      await assert.rejects(harness.run({ sinks: [sink], clockSkewMaxMs: null }), /broken/);
      await assert.rejects(lower(harness), isUsage(/Batch 3 is planned but not committed/));
      await run(harness);
      assert.equal((await lower(harness)).batchId, 4);
    }));
});

const windows = (kind: 'window' | 'sessionWindow', outputMode: 'update' | 'append') => {
  const window: GroupKey =
    kind === 'window'
      ? { kind, name: 'hour', column: 'at', sizeMs: HOUR, slideMs: HOUR, startMs: 0 }
      : { kind, name: 'hour', column: 'at', gapMs: HOUR };
  const measures = [{ kind: 'count' as const, name: 'events' }];
  return testPlan({ outputMode, aggregates: [{ name: 'kinds', keys: [window], measures }] });
};

describe('lowering the watermark of a query with windows', () => {
  it('goes on from what the windows came to that the old watermark had closed', () =>
    withHarness(
      async (harness) => {
        await poison(harness);
        const key = '2025-06-26T12:00:00.000Z 2025-06-26T13:00:00.000Z';
        assert.deepEqual(harness.view(groupsOf)[key], [2]);
        await lower(harness);
        for (const id of ['c', 'd']) {
          await harness.append([event(id, START_MS)]);
          await run(harness);
        }
        assert.deepEqual(harness.view(groupsOf)[key], [4]);
        assertSound(harness);
      },
      { plan: windows('window', 'update') },
    ));

  for (const [kind, mode, words] of [
    ['window', 'append', /windows in append mode cannot be lowered/],
    ['sessionWindow', 'update', /with sessions cannot be lowered/],
  ] as const) {
    it(`is refused where rows are final: ${kind} in ${mode} mode`, () =>
      withHarness(
        async (harness) => {
          await poison(harness);
          await assert.rejects(lower(harness), isUsage(words));
          await assert.rejects(lower(harness, { dryRun: true }), isUsage(words));
        },
        { plan: windows(kind, mode) },
      ));
  }
});

function isUsage(words: RegExp) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof TallystreamError);
    assert.deepEqual([error.code, words.test(error.message)], ['USAGE', true], error.message);
    return true;
  };
}
