/** Asks the log whether it still has what was read. */
import type { DataLoss, PartitionState } from '../../contracts/batch.ts';
import type { Log, PartitionMark, TopicDescription } from '../../contracts/log.ts';
import { lossesOfBreaks, newestMarksOf } from './compare.ts';

/**
 * Compares the newest mark of each partition, and all marks of those that differ, which say from where on.
 * @param allMarks all that are kept; asked for only if the log has gone back
 * @throws what `Log.checkHistory` does
 */
export async function findLosses(
  log: Log,
  topic: TopicDescription,
  partitions: readonly PartitionState[],
  allMarks: () => readonly PartitionMark[],
): Promise<DataLoss[]> {
  const newest = newestMarksOf(partitions);
  if (log.checkHistory === undefined || newest.length === 0) return [];
  const broken = new Set((await log.checkHistory(topic, newest)).map(({ partition }) => partition));
  if (broken.size === 0) return [];
  const marks = allMarks().filter(({ partition }) => broken.has(partition));
  return lossesOfBreaks(await log.checkHistory(topic, marks), marks, partitions);
}
