/**
 * What several ranges want next from one leader goes into one fetch: a batch of a few records in each of several
 * partitions costs one round trip. One fetch is in progress at a time on a channel; what is wanted meanwhile waits.
 */
import type { FetchChannel, ReceivedPartition } from '../cluster/fetch-channel.ts';
import { FETCH_BYTES_MAX, type FetchAnswer, type FetchPosition } from '../wire/fetch.ts';
import { BrokerFault, CODE } from '../wire/errors.ts';
import type { Throttles } from '../cluster/throttle.ts';

const FETCH_WAIT_MS = 250;

export interface FetchWant extends FetchPosition {
  readonly topicId: string;
  /** Lower goes first: an answer that is full holds what is read soonest. */
  readonly order: number;
}

export interface FetchedPart {
  readonly part: ReceivedPartition;
  readonly throttleMs: number;
}

interface Waiting {
  readonly want: FetchWant;
  readonly resolve: (fetched: FetchedPart) => void;
  readonly reject: (error: unknown) => void;
}

interface Lane {
  waiting: Waiting[];
  isUnderWay: boolean;
}

export class Fetcher {
  private readonly throttles: Pick<Throttles, 'fetch'>;
  private readonly lanes = new WeakMap<FetchChannel, Lane>();

  constructor(throttles: Pick<Throttles, 'fetch'>) {
    this.throttles = throttles;
  }

  /** The answer for this partition, which may be an error code. Rejects with what the whole fetch met. */
  fetch(channel: FetchChannel, want: FetchWant): Promise<FetchedPart> {
    const lane = this.lanes.get(channel) ?? { waiting: [], isUnderWay: false };
    this.lanes.set(channel, lane);
    return new Promise((resolve, reject) => {
      lane.waiting.push({ want, resolve, reject });
      // Ranges that are opened together come to this point one after the other, within one turn.
      if (lane.waiting.length === 1) process.nextTick(() => void this.next(channel, lane));
    });
  }

  private async next(channel: FetchChannel, lane: Lane): Promise<void> {
    if (lane.isUnderWay) return;
    const taken = takeNext(lane);
    const [first] = taken;
    if (first === undefined) return;
    lane.isUnderWay = true;
    try {
      const answer = await this.throttles.fetch(channel, {
        topicId: first.want.topicId,
        positions: taken.map(({ want }) => want),
        waitMs: FETCH_WAIT_MS,
        bytesMax: FETCH_BYTES_MAX,
        partitionBytesMax: shareOf(taken.length),
      });
      lane.waiting.push(...deal(answer, taken));
    } catch (error) {
      for (const { reject } of taken) reject(error);
    }
    lane.isUnderWay = false;
    void this.next(channel, lane);
  }
}

/**
 * Each gets its part of an answer that several want: filled by the first of them, it would take an answer, and so a block
 * of memory, for every range that is opened ahead. A batch that is larger than its part comes whole as the first of an
 * answer, and otherwise with a later one.
 */
function shareOf(wants: number): number {
  return Math.ceil(FETCH_BYTES_MAX / wants);
}

/** Of one topic, and of a partition once; the others go with the next fetch. */
function takeNext(lane: Lane): Waiting[] {
  const inOrder = lane.waiting.toSorted((a, b) => a.want.order - b.want.order);
  const topicId = inOrder[0]?.want.topicId;
  const partitions = new Set<number>();
  const isTaken = ({ want }: Waiting): boolean => {
    if (want.topicId !== topicId || partitions.has(want.partition)) return false;
    partitions.add(want.partition);
    return true;
  };
  const { true: taken = [], false: left = [] } = Object.groupBy(inOrder, (each) =>
    isTaken(each) ? 'true' : 'false',
  );
  lane.waiting = left;
  return taken;
}

/** Gives each its part; returns those that others left no room for. */
function deal(answer: FetchAnswer<ReceivedPartition>, taken: readonly Waiting[]): Waiting[] {
  const { code, throttleMs, partitions } = answer;
  const byPartition = new Map(partitions.map((part) => [part.partition, part]));
  const hasBytes = partitions.some(({ block }) => block.length > 0);
  return taken.filter(({ want, resolve, reject }) => {
    const part = byPartition.get(want.partition);
    if (code !== 0 || part === undefined) {
      reject(new BrokerFault(code === 0 ? CODE.LEADER_NOT_AVAILABLE : code));
      return false;
    }
    const isEmpty = part.code === 0 && part.block.length === 0 && part.diverging === undefined;
    if (hasBytes && isEmpty) return true;
    resolve({ part, throttleMs });
    return false;
  });
}
