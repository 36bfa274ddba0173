/** What a checkpoint's file says of its last batch, read past the product and without touching what a kill left behind. */
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Marks {
  /** The last committed batch; -1 where there is none. */
  readonly last: number;
  /** Its report where it has no mark, as it was stored; undefined where it is marked. */
  readonly unmarked: string | undefined;
}

const NOTHING: Marks = { last: -1, unmarked: undefined };

/** Of a checkpoint that nobody uses. A copy is read: whoever opens the file itself would recover it for the next runner. */
export function marksOf(checkpoint: string): Marks {
  if (!existsSync(join(checkpoint, 'checkpoint.db'))) return NOTHING;
  const copy = mkdtempSync(join(tmpdir(), 'tallystream-marks-'));
  try {
    copyDatabase(checkpoint, copy, 'checkpoint.db');
    return readMarks(copy, false);
  } finally {
    rmSync(copy, { recursive: true });
  }
}

/** Of one that is in use. */
export function liveMarksOf(checkpoint: string): Marks {
  return existsSync(join(checkpoint, 'checkpoint.db')) ? readMarks(checkpoint, true) : NOTHING;
}

/** A database and its write-ahead log as they are. Its index in shared memory is made anew by whoever opens the copy. */
export function copyDatabase(from: string, to: string, name: string): void {
  for (const suffix of ['', '-wal']) {
    if (existsSync(join(from, name + suffix)))
      copyFileSync(join(from, name + suffix), join(to, name + suffix));
  }
}

function readMarks(folder: string, readOnly: boolean): Marks {
  const database = new DatabaseSync(join(folder, 'checkpoint.db'), { readOnly, timeout: 60_000 });
  try {
    const tables = database
      .prepare("SELECT count(*) AS found FROM sqlite_schema WHERE name = 'commits'")
      .get();
    if (tables?.['found'] === 0) return NOTHING;
    const row = database
      .prepare('SELECT batch_id, report, printed FROM commits ORDER BY batch_id DESC')
      .get();
    if (row === undefined) return NOTHING;
    const unmarked = row['printed'] === 0 ? (row['report'] as string) : undefined;
    return { last: row['batch_id'] as number, unmarked };
  } finally {
    database.close();
  }
}
