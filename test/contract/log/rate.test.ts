import type { Clock } from '../../../src/contracts/clock.ts';
import { createRateLog } from '../../../src/log/rate/log.ts';
import { systemClock } from '../../../src/observe/system-clock.ts';
import { logContract } from './log-contract.ts';

const START_MS = Date.UTC(2025, 5, 26, 12);

/** Waits as the machine does, and has the time of day that the test gives it, so that rows come when they are asked for. */
function steppedClock(): Clock & { step(ms: number): void } {
  let nowMs = START_MS;
  return {
    nowMs: () => nowMs,
    monotonicMs: () => systemClock.monotonicMs(),
    sleep: (durationMs, signal) => systemClock.sleep(durationMs, signal),
    step: (ms) => {
      nowMs += ms;
    },
  };
}

logContract('rate', {
  create: async () => {
    const clock = steppedClock();
    const open = async () =>
      createRateLog({ clock, startMs: START_MS, rowsPerSecond: 7, numPartitions: 2, rampUpMs: 2_000 });
    const log = await open();
    return {
      log,
      clock,
      source: { topic: 'rate', more: async () => clock.step(2_500) },
      second: open,
      reopen: open,
      close: () => log.close(),
    };
  },
  features: {
    appends: false,
    atomicAppend: false,
    contiguousOffsets: true,
    largestValue: false,
    retentionByAge: false,
    transactions: false,
    shapedTopics: false,
    retentionBySize: false,
    persistent: true,
    manyProcesses: true,
  },
});
