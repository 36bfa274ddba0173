/** How much space is free on the disk of the data folder. */
import { statfs } from 'node:fs/promises';
import { pass, type Check, type Verdict } from './check.ts';
import type { FolderFacts } from './folder.ts';

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
const WARN_BELOW_BYTES = GIB;
const FAIL_BELOW_BYTES = 100 * MIB;

const HINT =
  'Free some space on that disk, put the data folder on another (--data-dir), or limit the log with log.retention or log.retention_bytes.';

export interface SpaceFacts {
  /** The space that this user may still use. */
  readonly freeBytes: number;
  /** 0 if the file system does not report it. */
  readonly totalBytes: number;
}

export function diskSpaceCheck(inspect: () => Promise<FolderFacts>): Check {
  return {
    name: 'disk space',
    run: async () => {
      const { bavail, blocks, bsize } = await statfs((await inspect()).nearest);
      return judgeSpace({ freeBytes: bavail * bsize, totalBytes: blocks * bsize });
    },
  };
}

export function judgeSpace({ freeBytes, totalBytes }: SpaceFacts): Verdict {
  if (totalBytes === 0) {
    return {
      status: 'warn',
      found: 'The file system does not report how much space is free.',
      hint: 'Put the data folder on an ordinary local disk (--data-dir).',
    };
  }
  const found = `${formatSize(freeBytes)} free of ${formatSize(totalBytes)}`;
  if (freeBytes < FAIL_BELOW_BYTES) return { status: 'fail', found, hint: HINT };
  return freeBytes < WARN_BELOW_BYTES ? { status: 'warn', found, hint: HINT } : pass(found);
}

function formatSize(bytes: number): string {
  return bytes < GIB ? `${(bytes / MIB).toFixed(0)} MiB` : `${(bytes / GIB).toFixed(1)} GiB`;
}
