/**
 * The idempotent producer: a few appends are under way at a time, in the order of the calls, under an identity that lasts
 * until a batch is in doubt. A call that ended without its answers can be gone on with.
 */
import { initProducerIdV4 } from '../wire/client.ts';
import type { AppendedRange } from '../../../contracts/log.ts';
import { TallystreamError } from '../../../errors.ts';
import { KeylessTurn } from '../../shared/append-plan.ts';
import type { KafkaCluster } from '../cluster/cluster.ts';
import {
  deliver,
  hasUnanswered,
  openPartitions,
  planDelivery,
  type Delivery,
  type Identity,
  type Sender,
} from './send.ts';
import { settleDoubt } from './unacknowledged.ts';
import { BrokerFault, LOST_IDENTITY } from '../wire/errors.ts';
import { routeOf, takeOff, type Route } from './in-flight.ts';
import type { AppendInput } from './input.ts';

const TRANSACTION_TIMEOUT_NONE_MS = 0;

/** Without idempotence a batch says that it has no producer. */
const ANONYMOUS: Identity = { producerId: -1n, producerEpoch: -1, sequences: undefined };

/**
 * Appends under way at once. A broker tells a batch that comes again from a new one by the last five of its producer in a
 * partition, so no more may be in doubt (https://cwiki.apache.org/confluence/display/KAFKA/KIP-98).
 */
const APPENDS_MAX = 5;

/** One call on its way. */
interface Flight {
  readonly delivery: Delivery;
  /** Whether it was sent without waiting for those before, and nothing went wrong with it so far. */
  isClear: boolean;
  /** Never rejects: every request that was sent at first is answered or lost. */
  answered: Promise<void>;
  /** Never rejects: the call has ended, and the flight has left the window. */
  ended: Promise<void>;
  /** Why a call before this one failed: this one must not come to lie before its repeat. */
  barred: Error | undefined;
}

export class KafkaAppender {
  /** See `Log.appendsMax`. Without sequences a batch that is lost would let later ones past it. */
  readonly appendsMax: number;
  private readonly cluster: KafkaCluster;
  private readonly sender: Sender;
  private readonly keyless = new KeylessTurn();
  /** Calls are sent in their order. */
  private lane: Promise<unknown> = Promise.resolve();
  private identity: Identity | undefined;
  /** In the order of the calls. */
  private readonly window: Flight[] = [];
  /** Calls that ended without all their answers. The very same input again goes on with its own. */
  private readonly unfinished: Delivery[] = [];
  /** How many calls have failed by themselves, and how the last of them did. */
  private failures = 0;
  private lastFailure: Error | undefined;

  constructor(cluster: KafkaCluster) {
    this.cluster = cluster;
    const { acks } = cluster.options;
    this.appendsMax = acks === 'all' ? APPENDS_MAX : 1;
    this.sender = {
      purpose: 'write',
      transactionalId: null,
      acks,
      identify: async () => (acks === 'leader' ? ANONYMOUS : (this.identity ??= await this.introduce())),
      faultOf: (code, message) => {
        if (LOST_IDENTITY.has(code)) this.identity = undefined;
        return new BrokerFault(code, message);
      },
    };
  }

  async append(topic: string, input: AppendInput): Promise<readonly AppendedRange[]> {
    const { failures } = this;
    const departed = this.lane.then(() => this.depart(topic, input, failures));
    this.lane = departed.catch(() => undefined);
    const { appended } = await departed;
    return appended;
  }

  /**
   * Resolves when the call is on its way, with the promise of its end. Where an earlier one has failed since it was made
   * (there were `failuresBefore` then), it fails likewise: it must not come to lie before the other's repeat.
   */
  private async depart(topic: string, input: AppendInput, failuresBefore: number) {
    const { cluster, sender, window } = this;
    if (this.failures !== failuresBefore) throw this.lastFailure as Error;
    const bound = { topic, timeoutMs: cluster.options.appendTimeoutMs };
    const delivery =
      (await this.takeUnfinished(topic, input)) ??
      (await cluster.persist(() => planDelivery(cluster, topic, input, this.keyless), bound));
    for (;;) {
      if (this.failures !== failuresBefore) {
        this.unfinished.push(delivery);
        throw this.lastFailure as Error;
      }
      const { identity } = this;
      const route = await routeOf(cluster, delivery, sender, identity);
      const [oldest] = window;
      const isClear = window.every(
        (flight) => flight.isClear && flight.delivery.topicId === delivery.topicId,
      );
      if (route !== undefined && identity === this.identity && isClear && window.length < this.appendsMax) {
        return this.launch(delivery, bound, { route, identity: identity as Identity });
      }
      if (oldest === undefined) return this.launch(delivery, bound);
      await oldest.ended;
    }
  }

  private launch(
    delivery: Delivery,
    bound: { readonly topic: string; readonly timeoutMs: number },
    way?: { readonly route: Route; readonly identity: Identity },
  ): { readonly appended: Promise<readonly AppendedRange[]> } {
    const { cluster, window } = this;
    const flight: Flight = {
      delivery,
      isClear: way !== undefined,
      answered: Promise.resolve(),
      ended: Promise.resolve(),
      barred: undefined,
    };
    if (way !== undefined) {
      const before = window.map((other) => other.delivery);
      flight.answered = takeOff(cluster, delivery, this.sender, { ...way, before });
    }
    window.push(flight);
    const concluded = cluster.persist(() => this.conclude(flight), bound);
    flight.ended = concluded.then(
      () => void window.splice(window.indexOf(flight), 1),
      (error: unknown) => this.fail(flight, error as Error),
    );
    return { appended: concluded.then(() => joinRuns(delivery.ranges)) };
  }

  /** What was not acknowledged at once is sent again in the order of the calls, and alone. */
  private async conclude(flight: Flight): Promise<void> {
    await flight.answered;
    if (openPartitions(flight.delivery).length === 0) return;
    flight.isClear = false;
    for (let [first] = this.window; first !== undefined && first !== flight; [first] = this.window) {
      await first.ended;
    }
    if (flight.barred !== undefined) throw flight.barred;
    await Promise.all(this.window.map(({ answered }) => answered));
    await settleDoubt(this.cluster, flight.delivery, this.identity);
    await deliver(this.cluster, flight.delivery, this.sender);
  }

  private fail(flight: Flight, error: Error): void {
    const { window } = this;
    if (flight.barred === undefined) {
      this.failures += 1;
      this.lastFailure = error;
    }
    const [, ...later] = window.splice(window.indexOf(flight), Infinity);
    for (const other of later) other.barred ??= error;
    window.push(...later);
    if (error instanceof TallystreamError && error.retry) this.unfinished.push(flight.delivery);
    else this.loseIdentity([flight.delivery]);
  }

  private async takeUnfinished(topic: string, input: AppendInput): Promise<Delivery | undefined> {
    const { unfinished } = this;
    if (unfinished.length === 0) return undefined;
    const at = unfinished.findIndex((each) => each.topic === topic && each.input === input);
    if (at >= 0) return unfinished.splice(at, 1)[0];
    for (let [first] = this.window; first !== undefined; [first] = this.window) await first.ended;
    this.loseIdentity(unfinished.splice(0));
    return undefined;
  }

  /** Batches that may or may not have arrived would make the next sequence wrong; a new identity starts from none. */
  private loseIdentity(deliveries: readonly Delivery[]): void {
    if (deliveries.some(hasUnanswered)) this.identity = undefined;
  }

  private async introduce(): Promise<Identity> {
    const connection = await this.cluster.any();
    const answer = await initProducerIdV4.api.async(connection, null, TRANSACTION_TIMEOUT_NONE_MS);
    return { producerId: answer.producerId, producerEpoch: answer.producerEpoch, sequences: new Map() };
  }
}

/** Ranges of one partition that lie end to end become one; in order of partition and offset. */
function joinRuns(ranges: readonly AppendedRange[]): AppendedRange[] {
  const joined: AppendedRange[] = [];
  const inOrder = ranges.toSorted((a, b) => a.partition - b.partition || a.baseOffset - b.baseOffset);
  for (const range of inOrder) {
    const last = joined.at(-1);
    const follows = last?.partition === range.partition && last.baseOffset + last.count === range.baseOffset;
    if (follows) joined.splice(-1, 1, { ...last, count: last.count + range.count });
    else joined.push(range);
  }
  return joined;
}
