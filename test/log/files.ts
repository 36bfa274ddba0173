/** A folder and logs for one test of the embedded log. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Log, RecordInput } from '../../src/contracts/log.ts';
import { openEmbeddedLog, type EmbeddedLogOptions } from '../../src/log/embedded/log.ts';
import { systemClock } from '../../src/observe/system-clock.ts';
import { bytes } from '../contract/log/log-records.ts';

export interface Files {
  readonly folder: string;
  /** Where the test's log lies; it is made by the first that opens it. */
  readonly path: string;
  readonly open: (options?: Partial<EmbeddedLogOptions>) => Promise<Log>;
}

/** Everything is closed and removed when the test ends. */
export async function newFiles(t: TestContext): Promise<Files> {
  const folder = await mkdtemp(join(tmpdir(), 'tallystream-log-'));
  const path = join(folder, 'log.db');
  const opened: Log[] = [];
  t.after(async () => {
    for (const log of opened) await log.close();
    await rm(folder, { recursive: true });
  });
  const open = async (options: Partial<EmbeddedLogOptions> = {}) => {
    const log = await openEmbeddedLog({ path, clock: systemClock, ...options });
    opened.push(log);
    return log;
  };
  return { folder, path, open };
}

export function record(value: string | Uint8Array, rest: Partial<RecordInput> = {}): RecordInput {
  return { key: null, value: typeof value === 'string' ? bytes(value) : value, ...rest };
}
