/** The time of one fsync in the data folder: every append and every commit waits for one. */
import { open, rm } from 'node:fs/promises';
import type { Clock } from '../../../contracts/clock.ts';
import { pass, type Check, type Verdict } from './check.ts';
import { momentaryFile, type FolderFacts } from './folder.ts';

/** Odd, so that the median is one of them; few, because users with slow disks wait for them. */
const WRITES = 9;
const WRITE_BYTES = 4096;
const WARN_ABOVE_MS = 20;

export function diskFlushCheck(inspect: () => Promise<FolderFacts>, clock: Clock): Check {
  return {
    name: 'disk flush',
    run: async (signal) => {
      const { nearest, problem } = await inspect();
      return judgeFlush(problem === null ? await measureFlushes(nearest, clock, signal) : []);
    },
  };
}

/** @param durationsMs of each write with its fsync; empty if nothing could be written */
export function judgeFlush(durationsMs: readonly number[]): Verdict {
  const medianMs = durationsMs.toSorted((a, b) => a - b)[durationsMs.length >> 1];
  if (medianMs === undefined) {
    return {
      status: 'warn',
      found: 'Not measured, because the data folder is not writable.',
      hint: 'Fix the data folder first.',
    };
  }
  const found = `${medianMs.toFixed(2)} ms for one fsync (median of ${durationsMs.length})`;
  if (medianMs <= WARN_ABOVE_MS) return pass(found);
  return {
    status: 'warn',
    found: `${found}: an event waits for one fsync when it is produced and one when it is committed, so it is in the totals after ${(2 * medianMs).toFixed(0)} ms at the earliest`,
    hint: 'Put the data folder on a local SSD (--data-dir). The usual cause is a network drive or a busy disk.',
  };
}

async function measureFlushes(folder: string, clock: Clock, signal: AbortSignal): Promise<number[]> {
  const path = momentaryFile(folder);
  const file = await open(path, 'wx', 0o600);
  try {
    const block = new Uint8Array(WRITE_BYTES);
    const durationsMs: number[] = [];
    while (durationsMs.length < WRITES && !signal.aborted) {
      const startedMs = clock.monotonicMs();
      // Appends each time, as a log does: overwriting the same block can be cheaper.
      await file.write(block);
      await file.sync();
      durationsMs.push(clock.monotonicMs() - startedMs);
    }
    return durationsMs;
  } finally {
    await file.close();
    await rm(path, { force: true });
  }
}
