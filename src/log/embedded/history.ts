/** Whether the embedded log still holds the records that a query has read, and from which offset on it does not. */
import type { HistoryBreak, HistoryMark, PartitionMark } from '../../contracts/log.ts';
import { markOf } from './chain.ts';
import { guarded } from './errors.ts';
import type { LogFile } from './file.ts';
import { decode } from './read.ts';
import type { BatchRow, PartitionRow } from './statements.ts';
import { findPartition } from './topics.ts';

/**
 * Looks up the batch of each mark by its offset. If the newest differs, the older ones tell up to which offset the
 * records are the same. They differ from the first generation that begins after that.
 * @throws TOPIC_NOT_FOUND, LOG_CORRUPT (a batch does not match its own checksum)
 */
export function checkHistory(file: LogFile, topic: string, marks: readonly PartitionMark[]): HistoryBreak[] {
  const byPartition = Map.groupBy(marks, ({ partition }) => partition);
  return [...byPartition].flatMap(([partition, ofPartition]) => {
    const row = findPartition(file, topic, partition);
    const inOrder = ofPartition.map(({ mark }) => mark).toSorted((a, b) => a.nextOffset - b.nextOffset);
    const problems = inOrder.map((mark) => problemOf(file, { topic, row }, mark));
    const first = problems.findIndex((problem) => problem !== undefined);
    if (first < 0) return [];
    const sameUpTo = inOrder[first - 1]?.nextOffset ?? 0;
    const broken = inOrder[first] as HistoryMark;
    const parting = partingOf(file, row, sameUpTo);
    const isExact = parting < broken.nextOffset;
    const start = isExact ? parting : sameUpTo;
    const end = (inOrder.at(-1) as HistoryMark).nextOffset;
    return [{ partition, start, isExact, end, why: problems[first] as string }];
  });
}

/** Where the log's own records begin after `sameUpTo`, at the earliest. */
function partingOf({ statements }: LogFile, row: PartitionRow, sameUpTo: number): number {
  // A version without chains opened no generations, so nothing can be said but by the marks.
  if (row.chain === null && row.latest > sameUpTo) return sameUpTo;
  const found = statements.generationFrom.get(row.partition_key, sameUpTo)?.['start'];
  return Math.min(row.latest, typeof found === 'number' ? found : Infinity);
}

function problemOf(
  file: LogFile,
  { topic, row }: { readonly topic: string; readonly row: PartitionRow },
  mark: HistoryMark,
): string | undefined {
  if (row.latest < mark.nextOffset) return `The partition ends at offset ${row.latest}.`;
  if (mark.baseOffset < row.earliest) return undefined;
  const { statements, path } = file;
  const found = statements.batchAt.get(row.partition_key, mark.baseOffset) as unknown as
    Omit<BatchRow, 'body'> | undefined;
  const now = found && markOf(found);
  if (now !== undefined && isSame(now, mark)) return undefined;
  if (found !== undefined && now?.baseOffset === mark.baseOffset) {
    const body = statements.bodyAt.get(row.partition_key, found.base_offset)?.['body'] as Uint8Array;
    // A batch that is damaged says nothing about history, and is reported as what it is.
    const range = { topic, partition: row.partition, start: mark.baseOffset, end: mark.nextOffset };
    guarded(path, () => decode(file, range, { ...found, body }));
  }
  return `Offsets ${mark.baseOffset} to ${mark.nextOffset - 1} now hold other records.`;
}

function isSame(now: HistoryMark, mark: HistoryMark): boolean {
  const isSameBatch =
    now.baseOffset === mark.baseOffset &&
    now.nextOffset === mark.nextOffset &&
    now.checksum === mark.checksum;
  return isSameBatch && (now.chain === mark.chain || now.chain === null || mark.chain === null);
}
