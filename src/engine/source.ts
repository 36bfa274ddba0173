/** The topic that a query reads, as it is now. */
import { invariant, TallystreamError } from '../errors.ts';
import type { Log, PartitionOffsets, TopicDescription, TopicOptions } from '../contracts/log.ts';
import type { Logger } from '../contracts/logger.ts';
import { closest } from '../values/did-you-mean.ts';
import type { QueryPlan } from '../plan/query-plan.ts';
import { topicGone } from './errors.ts';

/** Whether all partitions could be asked. */
export function areAvailable(offsets: readonly PartitionOffsets[]): boolean {
  return offsets.every(({ unavailable }) => unavailable === undefined);
}

/** One look at the topic. */
export interface Look {
  readonly topic: TopicDescription;
  readonly offsets: readonly PartitionOffsets[];
  /** Whether the log, asked for what follows the last look, had something else to say. */
  readonly isUnusual: boolean;
}

function warnOfNew(logger: Logger, topic: string, others: readonly string[]): void {
  const similar = closest(topic, others);
  logger.warn(
    {
      operation: 'create-topic',
      topic,
      others: others.slice(0, 10),
      ...(similar === undefined ? {} : { similar }),
    },
    'The topic of this query did not exist and was created, but the log has other topics. If its name is misspelt, no events ' +
      'will arrive in it: `others` and `similar` name the existing topics.',
  );
}

export class Source {
  private readonly log: Log;
  private readonly query: QueryPlan;
  private last: Look | undefined;

  constructor(log: Log, query: QueryPlan) {
    this.log = log;
    this.query = query;
  }

  /**
   * A query may start before its producer, on its own log; a topic that goes missing later is not made again in
   * silence. A new one among others is reported, since its name may be misspelt.
   * @throws TOPIC_NOT_FOUND on logs whose topics are made by those who run them
   */
  async create(options: TopicOptions, logger: Logger): Promise<void> {
    const { log, query } = this;
    const { topic } = query;
    if (log.requireTopic !== undefined) {
      await log.requireTopic(topic, options);
      return;
    }
    if ((await log.describeTopic(topic)) !== undefined) return;
    const others = (await log.listTopics()).map(({ name }) => name);
    await log.createTopic(topic, options);
    if (others.length > 0) warnOfNew(logger, topic, others);
  }

  /**
   * Both questions at once, the offsets first. If a topic is made again between the two answers, either the id says so,
   * or the records are asked for under an id that is no more. If `isCaughtUp`, all that the last look showed has been
   * read, and a log that can be followed is asked for what comes after it. If `needsAll`, a partition that cannot be asked
   * is waited for; otherwise the result lists it as unavailable.
   * @throws TOPIC_NOT_FOUND, LOG_UNAVAILABLE
   */
  async look({ isCaughtUp = false, needsAll = false } = {}): Promise<Look> {
    const { log, last } = this;
    const isFollowed = isCaughtUp && last !== undefined && areAvailable(last.offsets);
    const follow = isFollowed ? log.follow?.bind(log) : undefined;
    const offsets = last && (await follow?.(last.topic, last.offsets));
    this.last =
      offsets === undefined || last === undefined
        ? { ...(await this.lookAnew(needsAll)), isUnusual: follow !== undefined }
        : { topic: last.topic, offsets, isUnusual: false };
    return this.last;
  }

  /** Whether there is something beyond the last look; false even if it is time to look for something else. */
  async waitForRecords(timeoutMs: number, signal: AbortSignal): Promise<boolean> {
    const { log, query, last } = this;
    invariant(last !== undefined, 'wait was called before the first look');
    return log.waitForRecords(query.topic, last.offsets, timeoutMs, signal);
  }

  private async lookAnew(needsAll: boolean): Promise<Omit<Look, 'isUnusual'>> {
    const { log, query } = this;
    const [offsets, topic] = await this.ofTopic(() =>
      Promise.all([this.offsets(needsAll), log.describeTopic(query.topic)]),
    );
    if (topic === undefined) throw topicGone(query);
    return { topic, offsets };
  }

  /**
   * Where all that is there now ends, also on a log that shows it a part at a time. Where `needsAll`, no partition is left out.
   * @throws TOPIC_NOT_FOUND, LOG_UNAVAILABLE
   */
  async finalOffsets(needsAll: boolean): Promise<readonly PartitionOffsets[]> {
    const { log, query } = this;
    return this.ofTopic(async () => (await log.finalOffsets?.(query.topic)) ?? this.offsets(needsAll));
  }

  private offsets(needsAll: boolean): Promise<readonly PartitionOffsets[]> {
    const { log, query } = this;
    if (needsAll || log.availableOffsets === undefined) return log.offsets(query.topic);
    return log.availableOffsets(query.topic);
  }

  private async ofTopic<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof TallystreamError) || error.code !== 'TOPIC_NOT_FOUND') throw error;
      throw topicGone(this.query);
    }
  }
}
