/**
 * Quotas of the broker for reading. A broker whose quota is used up answers a fetch without any partition, says for how long
 * it holds the client back, and leaves later requests of the connection unread for that time
 * (https://cwiki.apache.org/confluence/display/KAFKA/KIP-219). So nothing is asked before that time is over.
 */
import type { Clock } from '../../../contracts/clock.ts';
import { CODE, ExplainedFault } from '../wire/errors.ts';
import type { FetchChannel, ReceivedPartition } from './fetch-channel.ts';
import type { FetchAnswer, FetchRequest } from '../wire/fetch.ts';

/** The broker holds this client back; the call is worth another try after that time, and not before. */
export class ThrottledFault extends ExplainedFault {
  readonly throttleMs: number;

  constructor(throttleMs: number) {
    super(
      CODE.THROTTLING_QUOTA_EXCEEDED,
      `the broker throttles this client for ${(throttleMs / 1000).toFixed(1)} s because its read quota (consumer_byte_rate) is used up`,
    );
    this.throttleMs = throttleMs;
  }
}

export class Throttles {
  private readonly clock: Clock;
  /** Until when each channel is held back, by the monotonic clock. */
  private readonly untilMs = new WeakMap<FetchChannel, number>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** @throws ThrottledFault if the broker gives nothing because of a quota, or would not look at the request yet */
  async fetch(channel: FetchChannel, request: FetchRequest): Promise<FetchAnswer<ReceivedPartition>> {
    const leftMs = (this.untilMs.get(channel) ?? -Infinity) - this.clock.monotonicMs();
    if (leftMs > 0) throw new ThrottledFault(leftMs);
    const answer = await channel.fetch(request);
    const { code, throttleMs, partitions } = answer;
    if (throttleMs <= 0) return answer;
    this.untilMs.set(channel, this.clock.monotonicMs() + throttleMs);
    if (code === 0 && partitions.length === 0) throw new ThrottledFault(throttleMs);
    return answer;
  }
}
