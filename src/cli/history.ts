/** Whether the log still has what the query has read, as commands ask it. */
import type { Config } from '../config/keys.ts';
import type { DataLoss } from '../contracts/batch.ts';
import type { CheckpointView } from '../contracts/checkpoint.ts';
import type { Log } from '../contracts/log.ts';
import { openCheckpointView } from '../compose.ts';
import { newestMarksOf } from '../engine/history.ts';

/** Losses that were raised, and those that the next run would raise. */
export interface HistoryFacts {
  readonly raised: readonly DataLoss[];
  readonly found: readonly DataLoss[];
}

/**
 * Nothing is known of a checkpoint of another topic than the log's.
 * @throws CHECKPOINT_NOT_FOUND, CHECKPOINT_CORRUPT, LOG_UNAVAILABLE, TOPIC_NOT_FOUND
 */
export async function inspectHistory(config: Config, log: Log): Promise<HistoryFacts> {
  const view = await openCheckpointView(config);
  try {
    const { raised, partitions, topicId } = view.atOneCommit(() => read(view));
    const topic = await log.describeTopic(config.log.topic);
    if (topic === undefined || topic.id !== topicId) return { raised, found: [] };
    const breaks = (await log.checkHistory?.(topic, newestMarksOf(partitions))) ?? [];
    return {
      raised,
      found: breaks.map(({ partition, start, end, why }) => ({
        partition,
        start,
        end,
        kind: 'counted' as const,
        why,
      })),
    };
  } finally {
    view.close();
  }
}

/** The ranges in words; `other` what the log has in their place. */
export function lossText({ partition, start, end, kind }: DataLoss): string {
  const what = kind === 'counted' ? 'counted, and no longer in the log' : 'removed before they were read';
  return `partition ${partition}, offsets ${start} to ${end - 1} (${what})`;
}

function read(view: CheckpointView) {
  return { raised: view.raisedLosses(), partitions: view.partitions(), topicId: view.topicId() };
}
