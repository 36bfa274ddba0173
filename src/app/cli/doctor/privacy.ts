/** Whether other users of the machine can read the data, which has customers in it. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../../config/keys.ts';
import { embeddedLogPath } from '../../compose.ts';
import { pass, type Check, type Verdict } from './check.ts';

/** Read by the group, read by others, and the same for passing through a folder. */
const READ = [0o040, 0o004] as const;
const PASS = [0o010, 0o001] as const;
const NAMED_MAX = 3;

export function privacyCheck(inspect: () => Promise<readonly string[]>): Check {
  return { name: 'privacy', run: async () => judgePrivacy(await inspect()) };
}

/** @param readable files that other users can read */
export function judgePrivacy(readable: readonly string[]): Verdict {
  if (readable.length === 0) return pass('the files can be read by their owner alone, where there are any');
  const named = readable.slice(0, NAMED_MAX).join(', ');
  const more = readable.length > NAMED_MAX ? ` and ${readable.length - NAMED_MAX} more` : '';
  return {
    status: 'warn',
    found: `Other users of this machine can read customers' data: ${named}${more}.`,
    mend: 'Take the rights away with `chmod -R go-rwx` on the data folder, unless they are meant to read it. New files are made for their owner alone; files that are there keep their rights.',
  };
}

/** Files with events in them that the group or others can read, in a folder that lets them through. */
export async function inspectPrivacy({ dataDir, query, log }: Config): Promise<readonly string[]> {
  // Windows has no such bits, and takes rights from the folder.
  if (process.platform === 'win32') return [];
  const logFile = embeddedLogPath(dataDir);
  const files = log.type === 'embedded' ? [logFile, `${logFile}-wal`] : [];
  for (const folder of [query.checkpointLocation, join(dataDir, 'producers')]) {
    files.push(...(await namesIn(folder)).map((name) => join(folder, name)));
  }
  const readable: string[] = [];
  for (const file of files) if (await isReadable(file)) readable.push(file);
  return readable;
}

async function isReadable(file: string): Promise<boolean> {
  const [own, around] = await Promise.all([modeOf(file), modeOf(join(file, '..'))]);
  return READ.some((read, index) => (own & read) !== 0 && (around & (PASS[index] as number)) !== 0);
}

/** 0 for what cannot be looked at, which others cannot read by this name either. */
async function modeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).mode;
  } catch {
    return 0;
  }
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch {
    return [];
  }
}
