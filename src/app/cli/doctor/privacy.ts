/** Whether other users of the machine can read the data, which contains customer data. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../../config/keys.ts';
import { embeddedLogPath } from '../../compose.ts';
import { pass, type Check, type Verdict } from './check.ts';

/** Permission bits: read for the group and others, and search of a folder for the group and others. */
const READ = [0o040, 0o004] as const;
const PASS = [0o010, 0o001] as const;
const NAMED_MAX = 3;

export function privacyCheck(inspect: () => Promise<readonly string[]>): Check {
  return { name: 'privacy', run: async () => judgePrivacy(await inspect()) };
}

/** @param readable files that other users can read */
export function judgePrivacy(readable: readonly string[]): Verdict {
  if (readable.length === 0) return pass('no other user can read the data files');
  const named = readable.slice(0, NAMED_MAX).join(', ');
  const more = readable.length > NAMED_MAX ? ` and ${readable.length - NAMED_MAX} more` : '';
  return {
    status: 'warn',
    found: `Other users of this machine can read customers' data: ${named}${more}.`,
    hint: 'Unless this is intended, remove the permissions with `chmod -R go-rwx` on the data folder. New files are readable only by their owner; existing files keep their permissions.',
  };
}

/** Files with events that the group or others can read, in a folder that they can enter. */
export async function inspectPrivacy({ dataDir, query, log }: Config): Promise<readonly string[]> {
  // Windows has no such bits; it inherits permissions from the folder.
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

/** 0 for a file that we cannot stat, since others cannot read it by this name either. */
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
