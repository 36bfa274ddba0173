/** Retention of the embedded log, and giving the space back to the disk. */
import { setImmediate } from 'node:timers/promises';
import type { RetentionRemoval } from '../../contracts/log.ts';
import { TallystreamError } from '../../errors.ts';
import { guarded } from './errors.ts';
import { inTransaction, type LogFile } from './file.ts';
import type { PartitionRow, TopicRow } from './statements.ts';
import { partitionRows, topicRows } from './topics.ts';
import { decideRetention, type Removal, type StoredBatch } from '../shared/retention.ts';

/** Free pages that one step gives back, so that no step holds the lock for long (256 pages are 4 MiB). */
const PAGES_PER_STEP_MAX = 256;

/** Applies every topic's retention in one transaction, so that the answer tells all that was removed, or nothing was. */
export function removeExpired(file: LogFile): RetentionRemoval[] {
  const nowMs = file.clock.nowMs();
  // Most calls find nothing to do, and then they need not take the lock.
  if (expired(file, nowMs).length === 0) return [];
  const { dropBatchesBelow, dropGenerationsBelow, shortenPartition } = file.statements;
  return inTransaction(file, () =>
    expired(file, nowMs).map(({ topic, partition, removal }) => {
      dropBatchesBelow.run(partition.partition_key, removal.end);
      dropGenerationsBelow.run(partition.partition_key, removal.end);
      shortenPartition.run(removal.end, removal.bytes, partition.partition_key);
      return { topic: topic.name, partition: partition.partition, ...removal };
    }),
  );
}

interface Expired {
  readonly topic: TopicRow;
  readonly partition: PartitionRow;
  readonly removal: Removal;
}

function expired(file: LogFile, nowMs: number): Expired[] {
  const found: Expired[] = [];
  for (const topic of topicRows(file)) {
    const retentionMs = topic.retention_ms ?? undefined;
    const retentionBytes = topic.retention_bytes ?? undefined;
    if (retentionMs === undefined && retentionBytes === undefined) continue;
    for (const partition of partitionRows(file, topic)) {
      const oldestFirst = file.statements.batchesOldestFirst.iterate(partition.partition_key);
      const stored = oldestFirst as unknown as Iterable<StoredBatch>;
      const removals = decideRetention(stored, partition.bytes, { retentionMs, retentionBytes }, nowMs);
      for (const removal of removals) found.push({ topic, partition, removal });
    }
  }
  return found;
}

/**
 * Shrinks the file by its free pages: they move to its end step by step, and the checkpoint then cuts it off. If
 * another process prevents that, the rest waits for the next call, since the pages stay listed as free.
 */
export async function giveSpaceBack(file: LogFile): Promise<void> {
  try {
    let free = freePages(file);
    if (free === 0) return;
    for (let before = Infinity; free > 0 && free < before; free = freePages(file)) {
      before = free;
      guarded(file.path, () => file.db.exec(`PRAGMA incremental_vacuum(${PAGES_PER_STEP_MAX})`));
      await setImmediate();
      if (!file.db.isOpen) return;
    }
    guarded(file.path, () => file.db.exec('PRAGMA wal_checkpoint(TRUNCATE)'));
  } catch (error) {
    if (!(error instanceof TallystreamError) || !error.retry) throw error;
  }
}

function freePages(file: LogFile): number {
  return guarded(file.path, () => file.statements.freePages.get()?.['freelist_count'] as number);
}
