/** The embedded log goes back: an older disk with or without its write-ahead log, or a restored backup. */
import { copyFileSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';
import { type GoingLog, NOTHING_LATE } from './log-goes-back.ts';
import type { Rounds } from './rounds.ts';
import { createWorkplace, type Workplace } from './workplace.ts';

const WAYS = ['an older disk', 'an older disk without its write-ahead log', 'a restored backup'] as const;
const SUFFIXES = ['', '-wal', '-shm'];
const PARTITIONS_MAX = 4;

export async function createEmbedded(round: number, random: Rounds['random']): Promise<GoingLog> {
  const place = createWorkplace({ offsetsMax: 1 + random.below(80), appendMax: 1 + random.below(40) });
  const way = WAYS[round % WAYS.length] as (typeof WAYS)[number];
  const env = { ...NOTHING_LATE, TALLYSTREAM_LOG_PARTITIONS: String(1 + random.below(PARTITIONS_MAX)) };
  const copies = join(place.folder, 'copies');
  mkdirSync(copies);
  let held: DatabaseSync | undefined;
  return {
    name: way,
    place,
    words: [],
    env,
    begin() {
      // While a connection is open the write-ahead log stays, as on a machine where a query runs.
      if (random.below(3) > 0) held = holdOpen(place.logPath);
      return Promise.resolve();
    },
    async keep() {
      if (way === 'a restored backup') await backUp(place, copies);
      else copyAll(place, copies, way === 'an older disk' ? SUFFIXES.slice(0, 2) : ['']);
    },
    goBack() {
      held?.close();
      held = undefined;
      for (const suffix of SUFFIXES) rmSync(place.logPath + suffix, { force: true });
      for (const suffix of SUFFIXES) {
        const copy = join(copies, `log.db${suffix}`);
        if (existsSync(copy)) copyFileSync(copy, place.logPath + suffix);
      }
      return Promise.resolve();
    },
    async remove() {
      if (held?.isOpen === true) held.close();
      await place.remove();
    },
  };
}

function copyAll(place: Workplace, to: string, suffixes: readonly string[]): void {
  for (const suffix of suffixes) {
    if (existsSync(place.logPath + suffix)) copyFileSync(place.logPath + suffix, join(to, `log.db${suffix}`));
  }
}

async function backUp(place: Workplace, to: string): Promise<void> {
  const database = new DatabaseSync(place.logPath, { readOnly: true, timeout: 60_000 });
  try {
    await backup(database, join(to, 'log.db'));
  } finally {
    database.close();
  }
}

function holdOpen(path: string): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: 60_000 });
  database.prepare('SELECT count(*) FROM sqlite_schema').get();
  return database;
}
