/** The embedded log goes back: an older disk with or without its write-ahead log, or a restored backup. */
import { copyFileSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';
import { type GoingLog, NOTHING_LATE } from './log-goes-back.ts';
import type { Rounds } from './rounds.ts';
import { createWorkplace, type Workplace } from './workplace.ts';

const WAYS = ['an older disk', 'an older disk without its write-ahead log', 'a restored backup'] as const;
const LOG = 'log.db';
/** Where the log keeps beside it what it has acknowledged. */
const ACKNOWLEDGED = `${LOG}-ack`;
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
      else copyAll(place.dataDir, copies, way === 'an older disk');
    },
    goBack() {
      held?.close();
      held = undefined;
      // Who restores a backup may forget what lies beside the log.
      const kept = way === 'a restored backup' && random.below(2) === 0 ? [ACKNOWLEDGED] : [];
      rmSync(`${place.logPath}-shm`, { force: true });
      for (const file of filesOf(place.dataDir)) if (!kept.includes(file)) rmSync(join(place.dataDir, file));
      for (const file of filesOf(copies)) copyFileSync(join(copies, file), join(place.dataDir, file));
      return Promise.resolve();
    },
    accept() {
      rmSync(join(place.dataDir, ACKNOWLEDGED), { force: true });
    },
    async remove() {
      if (held?.isOpen === true) held.close();
      await place.remove();
    },
  };
}

/** The log's files. What says which parts of the write-ahead log are valid is made anew from it. */
function filesOf(folder: string): string[] {
  return readdirSync(folder).filter((file) => file.startsWith(LOG) && !file.endsWith('-shm'));
}

function copyAll(from: string, to: string, withWal: boolean): void {
  for (const file of filesOf(from)) {
    if (withWal || !file.endsWith('-wal')) copyFileSync(join(from, file), join(to, file));
  }
}

async function backUp(place: Workplace, to: string): Promise<void> {
  const database = new DatabaseSync(place.logPath, { readOnly: true, timeout: 60_000 });
  try {
    await backup(database, join(to, LOG));
  } finally {
    database.close();
  }
}

function holdOpen(path: string): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: 60_000 });
  database.prepare('SELECT count(*) FROM sqlite_schema').get();
  return database;
}
