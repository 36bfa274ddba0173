/** Whether a folder is writable, or can be created if it is missing. Leaves nothing behind. */
import { randomUUID } from 'node:crypto';
import { open, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pass, type Check, type Verdict } from './check.ts';
import { systemReason } from './system-reason.ts';

export interface FolderFacts {
  readonly folder: string;
  /** The folder itself, or the nearest one above it that exists. */
  readonly nearest: string;
  /** Why `nearest` is not writable; null if it is. */
  readonly problem: string | null;
}

export function folderCheck(name: string, inspect: () => Promise<FolderFacts>): Check {
  return { name, run: async () => judgeFolder(await inspect()) };
}

export function judgeFolder({ folder, nearest, problem }: FolderFacts): Verdict {
  if (problem === null) {
    return pass(
      folder === nearest ? `${folder}, writable` : `${folder} does not exist yet, and can be created`,
    );
  }
  const found =
    folder === nearest
      ? `${folder} is not writable: ${problem}.`
      : `${folder} does not exist yet, and cannot be created in ${nearest}: ${problem}.`;
  return {
    status: 'fail',
    found,
    hint: 'Allow this user to write there, or choose another folder with --data-dir (data_dir in the configuration).',
  };
}

/** Tries to write, because permissions alone do not tell: the file system may be full, read-only or special. */
export async function inspectFolder(folder: string): Promise<FolderFacts> {
  const nearest = await nearestThere(folder);
  return { folder, nearest, problem: await problemOf(nearest) };
}

/** A name that no other process uses, for a temporary file. */
export function momentaryFile(folder: string): string {
  return join(folder, `.tallystream-doctor-${randomUUID()}`);
}

async function nearestThere(folder: string): Promise<string> {
  try {
    await stat(folder);
    return folder;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const above = dirname(folder);
    return (code === 'ENOENT' || code === 'ENOTDIR') && above !== folder ? nearestThere(above) : folder;
  }
}

async function problemOf(folder: string): Promise<string | null> {
  try {
    if (!(await stat(folder)).isDirectory()) return 'it is a file, not a folder';
    const path = momentaryFile(folder);
    const file = await open(path, 'wx', 0o600);
    try {
      await file.close();
    } finally {
      await rm(path, { force: true });
    }
    return null;
  } catch (error) {
    return systemReason(error);
  }
}
