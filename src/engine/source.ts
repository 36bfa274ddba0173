/** The topic that a query reads, as it is now. */
import { invariant, TallystreamError } from '../errors.ts';
import type { Log, PartitionOffsets, TopicDescription, TopicOptions } from '../contracts/log.ts';
import type { QueryPlan } from '../plan/query-plan.ts';
import { topicGone } from './refusals.ts';

/** One look at the topic. */
export interface Look {
  readonly topic: TopicDescription;
  readonly offsets: readonly PartitionOffsets[];
  /** Whether the log, asked for what follows the last look, had something else to say. */
  readonly isUnusual: boolean;
}

export class Source {
  private readonly log: Log;
  private readonly query: QueryPlan;
  private last: Look | undefined;

  constructor(log: Log, query: QueryPlan) {
    this.log = log;
    this.query = query;
  }

  /** A query may start before its producer; a topic that goes missing later is not made again in silence. */
  async create(options: TopicOptions): Promise<void> {
    await this.log.createTopic(this.query.topic, options);
  }

  /**
   * Both questions at once, the offsets first. Where a topic is made anew between the two answers, either the id says so,
   * or the records are asked for under an id that is no more. Where `isCaughtUp`, all that the last look showed has been
   * read, and a log that can be followed is asked for what comes after it.
   * @throws TOPIC_NOT_FOUND
   */
  async look(isCaughtUp = false): Promise<Look> {
    const { log, last } = this;
    const follow = isCaughtUp && last !== undefined ? log.follow?.bind(log) : undefined;
    const offsets = last && (await follow?.(last.topic, last.offsets));
    this.last =
      offsets === undefined || last === undefined
        ? { ...(await this.lookAnew()), isUnusual: follow !== undefined }
        : { topic: last.topic, offsets, isUnusual: false };
    return this.last;
  }

  /** Whether there is something beyond the last look; false also where it is time to look for something else. */
  async waitForRecords(timeoutMs: number, signal: AbortSignal): Promise<boolean> {
    const { log, query, last } = this;
    invariant(last !== undefined, 'a wait comes after a look');
    return log.waitForRecords(query.topic, last.offsets, timeoutMs, signal);
  }

  private async lookAnew(): Promise<Omit<Look, 'isUnusual'>> {
    const { log, query } = this;
    const [offsets, topic] = await this.ofTopic(() =>
      Promise.all([log.offsets(query.topic), log.describeTopic(query.topic)]),
    );
    if (topic === undefined) throw topicGone(query);
    return { topic, offsets };
  }

  /** Where all that is there now ends, also on a log that shows it a part at a time. @throws TOPIC_NOT_FOUND */
  async finalOffsets(): Promise<readonly PartitionOffsets[]> {
    const { log, query } = this;
    return this.ofTopic(async () => (await log.finalOffsets?.(query.topic)) ?? log.offsets(query.topic));
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
