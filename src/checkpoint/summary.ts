/** The contents of a checkpoint, in numbers: everything that `checkpoint show` prints, as of one commit. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { Accounting, DataLoss, LoweredWatermark, PartitionState } from '../contracts/batch.ts';
import type { AcceptedLoss, LostRange } from '../contracts/checkpoint.ts';
import { countGroups } from './tables/aggregate-table.ts';
import {
  isPrinted,
  readAccounting,
  readCommits,
  readDeadLetterBytes,
  readLastPlan,
  readLostRanges,
  readPartitions,
} from './tables/batch-tables.ts';
import { readAcceptedLosses, readRaisedLosses } from './history/data-losses.ts';
import type { Row } from './connection.ts';
import { letterOfRow } from './tables/dead-letter-row.ts';
import { guarded } from './errors.ts';
import { readIdentity } from './open/identity.ts';
import type { Seal } from './seals/seal.ts';
import { checkedRows, storedRows, unlike } from './seals/sealed-rows.ts';
import {
  DEAD_LETTERS,
  DEDUPE_APPENDED,
  DEDUPE_SEGMENTS,
  DUPLICATES,
  PLANS,
  REDRIVEN,
  type SealedTable,
} from './seals/sealed-tables.ts';
import { inSealedSnapshot } from './seals/sealed-snapshot.ts';
import { openPresent } from './open/open-present.ts';
import { parsePlan } from './tables/stored-json.ts';

/** Bytes of one event id in the blobs of the dedupe state. */
export const ID_BYTES = 32;

const FILES = ['checkpoint.db', 'checkpoint.db-wal', 'checkpoint.db-shm', 'last-commit', 'lock.db'] as const;

export interface CheckpointSummary {
  readonly location: string;
  readonly query: { readonly name: string; readonly id: string; readonly createdAtMs: number };
  readonly topic: { readonly name: string; readonly log: string; readonly id: string | null };
  readonly epoch: number;
  /** The process that took the lock last. Only the lock itself shows whether that process still runs. */
  readonly holder: { readonly pid: number; readonly sinceMs: number } | null;
  /** null before the first. */
  readonly lastPlan: {
    readonly batchId: number;
    readonly clockMs: number;
    readonly watermarkMicros: number | null;
    /** Number of offsets that it reads. There are fewer records if the log has gaps. */
    readonly offsets: number;
  } | null;
  /** The last time that an operator lowered the watermark; null if it was never lowered. */
  readonly lowered: LoweredWatermark | null;
  readonly lastCommit: {
    readonly batchId: number;
    /** The clock of its plan. */
    readonly clockMs: number | null;
    readonly watermarkMicros: number | null;
    readonly isPrinted: boolean;
  } | null;
  readonly accounting: Accounting;
  readonly partitions: readonly PartitionState[];
  readonly aggregates: readonly AggregateSummary[];
  readonly ids: { readonly remembered: number; readonly segments: number; readonly bytes: number };
  readonly deadLetters: {
    /** Bytes of keys, values and headers. */
    readonly bytes: number;
    /** Bytes of keys and values, most letters first. */
    readonly reasons: readonly { readonly reason: string; readonly count: number; readonly bytes: number }[];
    /** Duplicates, of which only the positions are kept. */
    readonly duplicates: number;
  };
  readonly redriven: number;
  readonly lostRanges: readonly LostRange[];
  /** They stop every run until they are accepted. */
  readonly raisedLosses: readonly DataLoss[];
  readonly acceptedLosses: readonly AcceptedLoss[];
  /** Sizes in bytes, of existing files only. */
  readonly files: readonly { readonly name: string; readonly bytes: number }[];
}

export interface AggregateSummary {
  readonly name: string;
  readonly open: number;
  readonly closed: number;
  /** The first batch that it counted; null if it counts all batches. */
  readonly sinceBatchId: number | null;
  /** The first batch that it no longer counted; null if it still counts. */
  readonly untilBatchId: number | null;
}

/**
 * Writes nothing. Works with or without a running query.
 * @throws CHECKPOINT_NOT_FOUND, CHECKPOINT_VERSION, CHECKPOINT_CORRUPT, CHECKPOINT_LOCKED, CONFIG_INVALID
 */
export function readSummary({ location }: { readonly location: string }): CheckpointSummary {
  // Read first, since a reader creates the shared files while it has the checkpoint open.
  const files = filesOf(location);
  const database = openPresent(location);
  try {
    return guarded({ location }, () =>
      inSealedSnapshot(database, location, (seal) => ({ ...summaryOf(database, seal, location), files })),
    );
  } finally {
    database.close();
  }
}

function summaryOf(
  database: DatabaseSync,
  seal: Seal | undefined,
  location: string,
): Omit<CheckpointSummary, 'files'> {
  const { queryName, queryId, createdAtMs, epoch, holder, topic, logFormat, aggregates } = readIdentity(
    database,
    seal,
    location,
  );
  const lastPlan = readLastPlan(database, seal, location);
  const rowsOf = (table: SealedTable): Row[] => checkedRows(database, table, seal, location);
  return {
    location,
    query: { name: queryName, id: queryId, createdAtMs },
    topic: { name: topic, log: logFormat, id: lastPlan?.topicId ?? null },
    epoch,
    holder,
    lastPlan:
      lastPlan === undefined
        ? null
        : {
            batchId: lastPlan.batchId,
            clockMs: lastPlan.clockMs,
            watermarkMicros: lastPlan.watermarkMicros,
            offsets: lastPlan.ranges.reduce((sum, { start, end }) => sum + end - start, 0),
          },
    lowered: lastPlan?.lowered ?? null,
    lastCommit: lastCommitOf(database, seal, location),
    accounting: readAccounting(database, seal, location),
    partitions: readPartitions(database, seal, location),
    aggregates: aggregates.map((aggregate) => {
      const { name, sinceBatchId = null, untilBatchId = null } = aggregate;
      return { name, ...countGroups(database, aggregate, { seal, location }), sinceBatchId, untilBatchId };
    }),
    ids: idsOf(database, seal, location),
    deadLetters: {
      bytes: readDeadLetterBytes(database, seal, location),
      reasons: reasonsOf(database, seal, location),
      duplicates: rowsOf(DUPLICATES).length,
    },
    redriven: rowsOf(REDRIVEN).length,
    lostRanges: readLostRanges(database, seal, location),
    raisedLosses: readRaisedLosses(database, seal, location),
    acceptedLosses: readAcceptedLosses(database, seal, location),
  };
}

function lastCommitOf(
  database: DatabaseSync,
  seal: Seal | undefined,
  location: string,
): CheckpointSummary['lastCommit'] {
  const found = readCommits(database, seal, location).at(-1);
  if (found === undefined) return null;
  const { batchId, watermarkMicros } = found;
  const plan = checkedRows(database, PLANS, seal, location).find(([planned]) => planned === batchId);
  const clockMs = plan === undefined ? null : parsePlan(batchId, plan[1], location).clockMs;
  return { batchId, clockMs, watermarkMicros, isPrinted: isPrinted(database, batchId, location) };
}

/** One blob at a time: all of them may not fit in memory. */
function idsOf(database: DatabaseSync, seal: Seal | undefined, location: string): CheckpointSummary['ids'] {
  let [segments, bytes] = [0, 0];
  for (const table of [DEDUPE_SEGMENTS, DEDUPE_APPENDED]) {
    for (const { key, cells, isAsWritten } of storedRows(database, table, seal, location)) {
      if (seal !== undefined && !isAsWritten) throw unlike(table, key, location);
      if (table === DEDUPE_SEGMENTS) segments += 1;
      bytes += (cells[1] as Uint8Array).byteLength;
    }
  }
  return { remembered: Math.floor(bytes / ID_BYTES), segments, bytes };
}

/** Most letters first. */
function reasonsOf(
  database: DatabaseSync,
  seal: Seal | undefined,
  location: string,
): CheckpointSummary['deadLetters']['reasons'] {
  const reasons = new Map<string, { count: number; bytes: number }>();
  for (const { key, cells, isAsWritten } of storedRows(database, DEAD_LETTERS, seal, location)) {
    if (!isAsWritten) throw unlike(DEAD_LETTERS, key, location);
    const letter = letterOfRow(cells);
    const sums = reasons.get(letter.reason) ?? { count: 0, bytes: 0 };
    sums.count += 1;
    sums.bytes += (letter.key?.byteLength ?? 0) + (letter.value?.byteLength ?? 0);
    reasons.set(letter.reason, sums);
  }
  return [...reasons]
    .map(([reason, sums]) => ({ reason, ...sums }))
    .sort((a, b) => b.count - a.count || (a.reason < b.reason ? -1 : 1));
}

function filesOf(location: string): CheckpointSummary['files'] {
  return FILES.flatMap((name) => {
    const stats = statSync(join(location, name), { throwIfNoEntry: false });
    return stats === undefined ? [] : [{ name, bytes: stats.size }];
  });
}
