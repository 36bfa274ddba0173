/** Whether a folder can be written to, or made where it is missing. Nothing is left behind. */
import { randomUUID } from 'node:crypto';
import { open, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pass, type Check, type Verdict } from './check.ts';
import { systemReason } from './system-reason.ts';

export interface FolderFacts {
  readonly folder: string;
  /** The folder itself, or the nearest one above it that exists. */
  readonly nearest: string;
  /** Why nothing can be written to `nearest`; null where it can. */
  readonly problem: string | null;
}

export function folderCheck(name: string, inspect: () => Promise<FolderFacts>): Check {
  return { name, run: async () => judgeFolder(await inspect()) };
}

export function judgeFolder({ folder, nearest, problem }: FolderFacts): Verdict {
  if (problem === null) {
    return pass(folder === nearest ? `${folder}, writable` : `${folder} is not there yet, and can be made`);
  }
  const found =
    folder === nearest
      ? `Nothing can be written to ${folder}: ${problem}.`
      : `${folder} is not there yet, and cannot be made in ${nearest}: ${problem}.`;
  return {
    status: 'fail',
    found,
    mend: 'Let this user write there, or name another folder with --data-dir (data_dir in the configuration).',
  };
}

/** Tries it, since rights alone do not say: a full, read-only or special file system lets nobody write. */
export async function inspectFolder(folder: string): Promise<FolderFacts> {
  const nearest = await nearestThere(folder);
  return { folder, nearest, problem: await problemOf(nearest) };
}

/** A name that no other process uses, for a file of a moment. */
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
    if (!(await stat(folder)).isDirectory()) return 'it is a file and no folder';
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
