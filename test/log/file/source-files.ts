/** A folder of files for one test of the file source, and logs over it. */
import { mkdirSync, mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Log } from '../../../src/contracts/log.ts';
import { openFileLog, type FileLogOptions } from '../../../src/log/file/log.ts';
import { systemClock } from '../../../src/observe/system-clock.ts';
import { readRecords } from '../../contract/log/log-records.ts';

export interface SourceFiles {
  readonly root: string;
  readonly folder: string;
  readonly indexFolder: string;
  /** Closed when the test ends. */
  readonly open: (options?: Partial<FileLogOptions>) => Promise<Log>;
  /** Moves a file in, by rename; `atS` is its modification time in seconds, the next one in turn where left out. */
  readonly put: (name: string, content: string | Uint8Array, atS?: number) => void;
}

/** Long ago, so that a folder's own time is never taken for one of these. */
const FIRST_S = 1_700_000_000;

export function newSourceFiles(t: TestContext): SourceFiles {
  const root = mkdtempSync(join(tmpdir(), 'tallystream-files-'));
  const files = sourceFilesAt(root);
  const opened: Log[] = [];
  t.after(async () => {
    for (const log of opened) await log.close();
    rmSync(root, { recursive: true });
  });
  return {
    ...files,
    open: async (options) => {
      const log = await files.open(options);
      opened.push(log);
      return log;
    },
  };
}

/** The same without a test: whoever opens a log closes it. */
export function sourceFilesAt(root: string): SourceFiles {
  const folder = join(root, 'in');
  const indexFolder = join(root, 'index');
  mkdirSync(folder, { recursive: true });
  let next = FIRST_S;
  return {
    root,
    folder,
    indexFolder,
    open: (options = {}) =>
      openFileLog({ clock: systemClock, folder, indexFolder, pollIntervalMs: 10, ...options }),
    put: (name, content, atS = (next += 1)) => {
      const hidden = join(folder, `.${name}`);
      writeFileSync(hidden, content);
      utimesSync(hidden, atS, atS);
      renameSync(hidden, join(folder, name));
    },
  };
}

export async function lookAt(log: Log): Promise<number> {
  return (await log.offsets('files'))[0]?.latest as number;
}

/** The values at `[start, end)`; all that one look shows where they are left out. */
export async function valuesOf(log: Log, start = 0, end?: number): Promise<(string | null)[]> {
  const range = { topic: 'files', partition: 0, start, end: end ?? (await lookAt(log)) };
  return (await readRecords(log, range)).map(({ value }) => value);
}
