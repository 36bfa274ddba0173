/** A wall clock that jumps, against monotonic time: idleness goes by the time that passed, whatever the wall clock says. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { BatchPlan } from '../../../src/contracts/batch.ts';
import { createRandom } from '../../../src/producer/random.ts';
import type { StreamingQuery } from '../../../src/stream/query.ts';
import { createHarness, recordOf, START_MS, testPlan, verdictsOf, type Harness } from '../harness.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const YEARS = 4 * 365 * 24 * HOUR;

/** The plans of a run, seen by a sink, since only a sink makes them durable. */
function planRecorder() {
  const plans: BatchPlan[] = [];
  return {
    plans,
    sinks: [{ name: 'plans', write: async ({ plan }: { plan: BatchPlan }) => void plans.push(plan) }],
  };
}

async function withHarness(
  run: (harness: Harness) => Promise<void>,
  { partitions = 2, plan = testPlan() } = {},
): Promise<void> {
  const harness = await createHarness({ partitions, plan });
  try {
    await run(harness);
  } finally {
    await harness.close();
  }
}

let ids = 0;
const eventAt = (atMs: number, partition = 0) => recordOf({ id: `e${(ids += 1)}`, atMs }, partition);

describe('a wall clock that jumps', () => {
  it('goes on to find idle partitions after a jump ahead that was taken back', () =>
    withHarness(async (harness) => {
      const { clock } = harness;
      const { plans, sinks } = planRecorder();
      await harness.run({
        sinks,
        during: async (query) => {
          await step(harness, query, eventAt(START_MS));
          clock.jumpWallClock(YEARS);
          await step(harness, query, eventAt(START_MS + 1));
          clock.jumpWallClock(-YEARS);
          clock.advance(1);
          await step(harness, query, eventAt(START_MS + 2));
          assert.deepEqual(plans.at(-1)?.idlePartitions, [], 'not before the timeout');
          clock.advance(MINUTE);
          await step(harness, query, eventAt(START_MS + 3));
        },
      });
      assert.deepEqual(plans.at(-1)?.idlePartitions, [1]);
      assert.equal(plans.at(-1)?.clockMs, START_MS + MINUTE + 1, 'the clock of a plan comes back');
      assert.deepEqual(harness.view(verdictsOf), []);
    }));

  it('goes on to find idle partitions after a start with a clock that was ahead', () =>
    withHarness(async (harness) => {
      const { clock } = harness;
      const { plans, sinks } = planRecorder();
      clock.jumpWallClock(YEARS);
      await harness.append([eventAt(START_MS)]);
      await harness.run({ sinks });
      clock.jumpWallClock(-YEARS);
      await harness.run({
        sinks,
        clockSkewMaxMs: null,
        during: async (query) => {
          await step(harness, query, eventAt(START_MS));
          clock.advance(MINUTE);
          await step(harness, query, eventAt(START_MS));
        },
      });
      assert.deepEqual(
        plans.map(({ idlePartitions }) => idlePartitions),
        [[], [], [1]],
      );
    }));

  it('makes no partition idle by a jump ahead', () =>
    withHarness(async (harness) => {
      const { plans, sinks } = planRecorder();
      await harness.run({
        sinks,
        during: async (query) => {
          await step(harness, query, eventAt(START_MS));
          harness.clock.jumpWallClock(2 * HOUR);
          await step(harness, query, eventAt(START_MS + 1));
        },
      });
      assert.deepEqual(plans.at(-1)?.idlePartitions, []);
      assert.equal(plans.at(-1)?.clockShiftMs, 2 * HOUR);
    }));

  it('counts the time between two runs, since nothing came in it either', () =>
    withHarness(async (harness) => {
      const { plans, sinks } = planRecorder();
      for (const atMs of [0, 1]) {
        await harness.append([eventAt(START_MS + atMs)]);
        await harness.run({ sinks });
        harness.clock.advance(MINUTE);
      }
      assert.deepEqual(plans.at(-1)?.idlePartitions, [1]);
    }));

  const rounds = Number(process.env['CLOCK_ROUNDS'] ?? 10);
  it(`keeps idleness and verdicts what they are without jumps, in ${rounds} random runs`, async () => {
    const first = Number(process.env['CLOCK_SEED'] ?? 1);
    for (let seed = first; seed < first + rounds; seed += 1) {
      const steady = await randomRun(seed, false);
      const jumping = await randomRun(seed, true);
      assert.deepEqual(jumping, steady, `CLOCK_SEED=${seed} CLOCK_ROUNDS=1 repeats it`);
    }
  });
});

/** Appends a record, and lets the query read it. */
async function step(harness: Harness, query: StreamingQuery, ...records: ReturnType<typeof eventAt>[]) {
  await harness.append(records);
  await query.processAllAvailable();
}

/**
 * Some runs of some steps on three partitions, without a rule about the future. The draws are the same with and without
 * jumps.
 */
async function randomRun(seed: number, jumps: boolean) {
  const random = createRandom(seed);
  const whole = (below: number) => Math.floor(random.unit() * below);
  const results: unknown[] = [];
  ids = 0;
  await withHarness(
    async (harness) => {
      const { clock } = harness;
      const { plans, sinks } = planRecorder();
      let eventMs = START_MS;
      let jumpedMs = 0;
      for (let run = 0; run < 3; run += 1) {
        await harness.run({
          sinks,
          clockSkewMaxMs: null,
          during: async (query) => {
            for (let at = 0; at < 8; at += 1) {
              clock.advance(whole(2 * MINUTE));
              const byMs = (whole(2) === 0 ? -1 : 1) * (5 * MINUTE + whole(YEARS));
              if (whole(2) === 0 && jumps) {
                clock.jumpWallClock(byMs);
                jumpedMs += byMs;
              }
              eventMs += whole(3 * HOUR) - HOUR;
              await step(harness, query, eventAt(eventMs, whole(3)));
            }
          },
        });
        // The time between two runs is known by the wall clock alone, so it must be right when the next one starts.
        clock.jumpWallClock(-jumpedMs);
        const last = plans.at(-1) as BatchPlan;
        if (jumps) clock.jumpWallClock(last.clockMs - clock.nowMs());
        jumpedMs = clock.nowMs() - START_MS - clock.monotonicMs();
      }
      const idle = plans.map(({ idlePartitions, watermarkMicros }) => [idlePartitions, watermarkMicros]);
      results.push(idle, harness.view(verdictsOf));
    },
    { partitions: 3, plan: testPlan({ rules: [] }) },
  );
  return results;
}
