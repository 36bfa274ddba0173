/** A session for scripts: time stands still until a test moves it, and its files go when the script ends. */
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSession } from '../compose/session.ts';
import type { Session } from '../stream/session.ts';
import { createManualClock, type ManualClock } from './manual-clock.ts';

/** A session for scripts, on a manual clock and a folder that is gone afterwards. */
export type TestSession = Session & {
  readonly clock: ManualClock;
  /** Where checkpoints lie while a script runs; there is nothing before and after. */
  readonly dataDir: string;
};

const START_MS = Date.UTC(2026, 0, 1);

/** `startMs` is the time on the clock at first: midnight in UTC before 2026-01-01 if left out. */
export function createTestSession(options: { readonly startMs?: number } = {}): TestSession {
  const clock = createManualClock(options.startMs ?? START_MS);
  const dataDir = join(tmpdir(), `tallystream-test-${randomUUID()}`);
  return Object.assign(createSession({ dataDir, clock }), { clock, dataDir });
}
