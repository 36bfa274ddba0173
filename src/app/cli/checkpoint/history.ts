/** Whether the log still has what the query has read. Used by commands. */
import { existsSync } from 'node:fs';
import type { Config } from '../../config/keys.ts';
import type { DataLoss } from '../../../contracts/batch.ts';
import type { CheckpointView } from '../../../contracts/checkpoint.ts';
import type { Log } from '../../../contracts/log.ts';
import { embeddedLogPath, openCheckpointView, openLog } from '../../compose.ts';
import type { Clock } from '../../../contracts/clock.ts';
import { findLosses } from '../../../engine/history/find-losses.ts';
import { TallystreamError } from '../../../errors.ts';

/** A command that inspects a checkpoint waits at most this long for the log. */
const LOG_TIMEOUT_MS = 4_000;

/** Losses that were raised, and those that the next run would raise. */
export interface HistoryFacts {
  readonly raised: readonly DataLoss[];
  readonly found: readonly DataLoss[];
}

/**
 * Finds nothing if the checkpoint belongs to another topic than the log's.
 * @throws CHECKPOINT_NOT_FOUND, CHECKPOINT_CORRUPT, LOG_UNAVAILABLE, TOPIC_NOT_FOUND
 */
export async function inspectHistory(config: Config, log: Log): Promise<HistoryFacts> {
  const view = await openCheckpointView(config);
  try {
    const { raised, partitions, marks, topicId } = view.atOneCommit(() => read(view));
    const topic = await log.describeTopic(config.log.topic);
    if (topic === undefined || topic.id !== topicId) return { raised, found: [] };
    return { raised, found: await findLosses(log, topic, partitions, () => marks) };
  } finally {
    view.close();
  }
}

/**
 * The losses that the log shows; if the log cannot be asked, the reason.
 * @throws CHECKPOINT_CORRUPT
 */
export async function compareWithLog(
  config: Config,
  clock: Clock,
): Promise<{ readonly found: readonly DataLoss[] } | { readonly notAsked: string }> {
  if (config.log.type === 'embedded' && !existsSync(embeddedLogPath(config.dataDir)))
    return { notAsked: `${embeddedLogPath(config.dataDir)} does not exist` };
  try {
    const log = await openLog(config, clock, { readOnly: true, busyTimeoutMs: LOG_TIMEOUT_MS });
    try {
      return { found: (await inspectHistory(config, log)).found };
    } finally {
      await log.close();
    }
  } catch (error) {
    if (!(error instanceof TallystreamError) || error.code === 'CHECKPOINT_CORRUPT') throw error;
    return { notAsked: error.message };
  }
}

function read(view: CheckpointView) {
  const topicId = view.topicId();
  return { raised: view.raisedLosses(), partitions: view.partitions(), marks: view.marks(), topicId };
}
