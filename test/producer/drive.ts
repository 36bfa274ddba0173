import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ManualClock } from '../../src/testing/manual-clock.ts';

/** Far more than any test needs; without it a loop that never ends would turn here for ever. */
const TURNS_MAX = 500_000;

/** Moves the clock on in small steps, with turns for everything that a step woke, until the work has ended. */
export async function drive<T>(clock: ManualClock, work: Promise<T>, stepMs = 1): Promise<T> {
  const state = { ended: false };
  const watched = work.finally(() => {
    state.ended = true;
  });
  watched.catch(() => undefined);
  for (let turn = 0; !state.ended; turn += 1) {
    if (turn === TURNS_MAX)
      throw new Error(`The work did not end within ${clock.monotonicMs()} ms of the clock.`);
    if (turn % 3 === 2) clock.advance(stepMs);
    await nextTurn();
  }
  return watched;
}
