/** A session for scripts. Time does not pass until a test advances it, and its files are deleted when the script ends. */
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSession } from '../compose/session.ts';
import type { Session } from '../stream/session.ts';
import { createManualClock, type ManualClock } from './manual-clock.ts';

/** A session for scripts, with a manual clock and a folder that is deleted afterwards. */
export type TestSession = Session & {
  readonly clock: ManualClock;
  /** The folder of checkpoints while a script runs. It does not exist before or after. */
  readonly dataDir: string;
};

const START_MS = Date.UTC(2026, 0, 1);

/** `startMs` is the initial time of the clock, epoch milliseconds; midnight UTC at the start of 2026-01-01 by default. */
export function createTestSession(options: { readonly startMs?: number } = {}): TestSession {
  const clock = createManualClock(options.startMs ?? START_MS);
  const dataDir = join(tmpdir(), `tallystream-test-${randomUUID()}`);
  return Object.assign(createSession({ dataDir, clock }), { clock, dataDir });
}
