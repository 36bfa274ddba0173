/** What a checkpoint holds, in numbers: all that `checkpoint show` says, as of one commit. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { Accounting, DataLoss, PartitionState } from '../contracts/batch.ts';
import type { AcceptedLoss, LostRange } from '../contracts/checkpoint.ts';
import type { StoredAggregate } from '../plan/query-change.ts';
import { countGroups } from './aggregate-table.ts';
import { readAccounting, readLastPlan, readLostRanges, readPartitions } from './batch-tables.ts';
import { readAcceptedLosses, readRaisedLosses } from './data-losses.ts';
import { allRows, firstRow, inSnapshot, type Row } from './database.ts';
import { guarded } from './failure.ts';
import { readIdentity } from './identity.ts';
import { openPresent } from './view.ts';
import { parsePlan } from './stored-json.ts';

/** What one remembered id takes in the blobs of the dedupe state. */
export const ID_BYTES = 32;

const FILES = ['checkpoint.db', 'checkpoint.db-wal', 'checkpoint.db-shm', 'lock.db'] as const;

export interface CheckpointSummary {
  readonly location: string;
  readonly query: { readonly name: string; readonly id: string; readonly createdAtMs: number };
  readonly topic: { readonly name: string; readonly log: string; readonly id: string | null };
  readonly epoch: number;
  /** The process that took the lock last; whether it still runs, the lock alone knows. */
  readonly holder: { readonly pid: number; readonly sinceMs: number } | null;
  /** null before the first. */
  readonly lastPlan: {
    readonly batchId: number;
    readonly clockMs: number;
    readonly watermarkMicros: number | null;
    /** Offsets that it reads; fewer records where the log has gaps. */
    readonly offsets: number;
  } | null;
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
    /** Of keys, values and headers. */
    readonly bytes: number;
    /** Bytes of keys and values, most letters first. */
    readonly reasons: readonly { readonly reason: string; readonly count: number; readonly bytes: number }[];
    /** Duplicates, of which only the positions are kept. */
    readonly duplicates: number;
  };
  readonly redriven: number;
  readonly lostRanges: readonly LostRange[];
  /** They end every run until a person accepts them. */
  readonly raisedLosses: readonly DataLoss[];
  readonly acceptedLosses: readonly AcceptedLoss[];
  /** Bytes; only files that are there. */
  readonly files: readonly { readonly name: string; readonly bytes: number }[];
}

export interface AggregateSummary {
  readonly name: string;
  readonly open: number;
  readonly closed: number;
  /** The first batch that it counted; null from the first on. */
  readonly sinceBatchId: number | null;
  /** The first batch that it did not count any more; null where it still counts. */
  readonly untilBatchId: number | null;
}

/**
 * Writes nothing, whether a runner is at work or not.
 * @throws CHECKPOINT_NOT_FOUND, CHECKPOINT_VERSION, CHECKPOINT_CORRUPT, CHECKPOINT_LOCKED, CONFIG_INVALID
 */
export function readSummary({ location }: { readonly location: string }): CheckpointSummary {
  // Looked at first, since a reader makes the shared files for as long as it has the checkpoint open.
  const files = filesOf(location);
  const database = openPresent(location);
  try {
    return guarded({ location }, () =>
      inSnapshot(database, () => ({ ...summaryOf(database, location), files })),
    );
  } finally {
    database.close();
  }
}

function summaryOf(database: DatabaseSync, location: string): Omit<CheckpointSummary, 'files'> {
  const identity = readIdentity(database, location);
  const [log, createdAtMs, epoch, pid, sinceMs] = row(
    database,
    'SELECT log_format, created_at_ms, epoch, lock_pid, lock_since_ms FROM meta',
  );
  const lastPlan = readLastPlan(database, location);
  return {
    location,
    query: { name: identity.queryName, id: identity.queryId, createdAtMs: createdAtMs as number },
    topic: { name: identity.topic, log: log as string, id: lastPlan?.topicId ?? null },
    epoch: epoch as number,
    holder: pid === null ? null : { pid: pid as number, sinceMs: sinceMs as number },
    lastPlan:
      lastPlan === undefined
        ? null
        : {
            batchId: lastPlan.batchId,
            clockMs: lastPlan.clockMs,
            watermarkMicros: lastPlan.watermarkMicros,
            offsets: lastPlan.ranges.reduce((sum, { start, end }) => sum + end - start, 0),
          },
    lastCommit: lastCommitOf(database, location),
    accounting: readAccounting(database, location),
    partitions: readPartitions(database, location),
    aggregates: identity.aggregates.map((aggregate) => aggregateOf(database, aggregate)),
    ids: idsOf(database),
    deadLetters: lettersOf(database),
    redriven: row(database, 'SELECT count(*) FROM redriven')[0] as number,
    lostRanges: readLostRanges(database, location),
    raisedLosses: readRaisedLosses(database, location),
    acceptedLosses: readAcceptedLosses(database, location),
  };
}

function lastCommitOf(database: DatabaseSync, location: string): CheckpointSummary['lastCommit'] {
  const found = firstRow(
    database.prepare(
      `SELECT commits.batch_id, watermark_micros, printed, plan FROM commits LEFT JOIN plans USING (batch_id)
       ORDER BY commits.batch_id DESC LIMIT 1`,
    ),
  );
  if (found === undefined) return null;
  const [batchId, watermarkMicros, printed, plan] = found;
  return {
    batchId: batchId as number,
    clockMs: plan === null ? null : parsePlan(batchId, plan, location).clockMs,
    watermarkMicros: watermarkMicros as number | null,
    isPrinted: printed !== 0,
  };
}

function aggregateOf(database: DatabaseSync, aggregate: StoredAggregate): AggregateSummary {
  const { name, sinceBatchId = null, untilBatchId = null } = aggregate;
  return { name, ...countGroups(database, aggregate), sinceBatchId, untilBatchId };
}

function idsOf(database: DatabaseSync): CheckpointSummary['ids'] {
  const [segments, sealed] = row(
    database,
    'SELECT count(*), coalesce(sum(length(entries)), 0) FROM dedupe_segments',
  );
  const [appended] = row(database, 'SELECT coalesce(sum(length(entries)), 0) FROM dedupe_appended');
  const bytes = (sealed as number) + (appended as number);
  return { remembered: Math.floor(bytes / ID_BYTES), segments: segments as number, bytes };
}

function lettersOf(database: DatabaseSync): CheckpointSummary['deadLetters'] {
  const reasons = allRows(
    database.prepare(
      `SELECT reason, count(*), sum(coalesce(length(key), 0) + coalesce(length(value), 0))
       FROM dead_letters GROUP BY reason ORDER BY 2 DESC, reason`,
    ),
  );
  return {
    bytes: row(database, 'SELECT dead_letter_bytes FROM accounting')[0] as number,
    reasons: reasons.map(([reason, count, bytes]) => ({
      reason: reason as string,
      count: count as number,
      bytes: bytes as number,
    })),
    duplicates: row(database, 'SELECT count(*) FROM duplicates')[0] as number,
  };
}

function row(database: DatabaseSync, query: string): Row {
  return firstRow(database.prepare(query)) ?? [];
}

function filesOf(location: string): CheckpointSummary['files'] {
  return FILES.flatMap((name) => {
    const stats = statSync(join(location, name), { throwIfNoEntry: false });
    return stats === undefined ? [] : [{ name, bytes: stats.size }];
  });
}
