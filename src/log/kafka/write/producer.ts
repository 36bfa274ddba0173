/**
 * The idempotent producer. A few appends are in flight at a time, in the order of the calls. They share one producer id
 * until the outcome of a batch is unknown. A call that ended without a response can be resumed.
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
import { settleUnacknowledged } from './unacknowledged.ts';
import { BrokerFault, LOST_IDENTITY } from '../wire/errors.ts';
import { findPipelineLeaders, sendPipelined, type Leaders } from './in-flight.ts';
import type { AppendInput } from './input.ts';

const TRANSACTION_TIMEOUT_NONE_MS = 0;

/** Without idempotence a batch has no producer id. */
const ANONYMOUS: Identity = { producerId: -1n, producerEpoch: -1, sequences: undefined };

/**
 * Appends in flight at once. A broker recognises a repeated batch among the last five of its producer in a partition. So
 * at most five may be unacknowledged (https://cwiki.apache.org/confluence/display/KAFKA/KIP-98).
 */
const APPENDS_MAX = 5;

/** One call whose requests are in flight. */
interface InFlightAppend {
  readonly delivery: Delivery;
  /** It was sent without waiting for earlier calls, and nothing has failed so far. */
  isPipelined: boolean;
  /** Every request of the pipelined send has a response or is lost. Never rejects. */
  responded: Promise<void>;
  /** The call has ended and is no longer in flight. Never rejects. */
  ended: Promise<void>;
  /** The failure of an earlier call, which this call must not overtake when the earlier one is repeated. */
  failedEarlier: Error | undefined;
}

export class KafkaAppender {
  /** See `Log.appendsMax`. Without sequences, later batches would overtake a lost one. */
  readonly appendsMax: number;
  private readonly cluster: KafkaCluster;
  private readonly sender: Sender;
  private readonly keyless = new KeylessTurn();
  /** Calls are sent in order. */
  private queue: Promise<unknown> = Promise.resolve();
  private identity: Identity | undefined;
  /** In the order of the calls. */
  private readonly inFlight: InFlightAppend[] = [];
  /** Calls that ended without all responses. A call with the same input object resumes its own. */
  private readonly unfinished: Delivery[] = [];
  /** How many calls failed, not counting those that failed because of an earlier one; and the last failure. */
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
      identify: async () => (acks === 'leader' ? ANONYMOUS : (this.identity ??= await this.initProducerId())),
      faultOf: (code, message) => {
        if (LOST_IDENTITY.has(code)) this.identity = undefined;
        return new BrokerFault(code, message);
      },
    };
  }

  async append(topic: string, input: AppendInput): Promise<readonly AppendedRange[]> {
    const { failures } = this;
    const sent = this.queue.then(() => this.send(topic, input, failures));
    this.queue = sent.catch(() => undefined);
    const { appended } = await sent;
    return appended;
  }

  /**
   * Resolves when the call is in flight, with the promise of its result. If an earlier call has failed since this one was
   * made (when there were `failuresBefore`), this one fails too: its records must not precede those of the repeated call.
   */
  private async send(topic: string, input: AppendInput, failuresBefore: number) {
    const { cluster, sender, inFlight } = this;
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
      const leaders = await findPipelineLeaders(cluster, delivery, sender, identity);
      const [oldest] = inFlight;
      const canPipeline = inFlight.every(
        (other) => other.isPipelined && other.delivery.topicId === delivery.topicId,
      );
      const isFree = canPipeline && inFlight.length < this.appendsMax;
      if (leaders !== undefined && identity === this.identity && isFree) {
        return this.start(delivery, bound, { leaders, identity: identity as Identity });
      }
      if (oldest === undefined) return this.start(delivery, bound);
      await oldest.ended;
    }
  }

  private start(
    delivery: Delivery,
    bound: { readonly topic: string; readonly timeoutMs: number },
    pipeline?: { readonly leaders: Leaders; readonly identity: Identity },
  ): { readonly appended: Promise<readonly AppendedRange[]> } {
    const { cluster, inFlight } = this;
    const append: InFlightAppend = {
      delivery,
      isPipelined: pipeline !== undefined,
      responded: Promise.resolve(),
      ended: Promise.resolve(),
      failedEarlier: undefined,
    };
    if (pipeline !== undefined) {
      const before = inFlight.map((other) => other.delivery);
      append.responded = sendPipelined(cluster, delivery, this.sender, { ...pipeline, before });
    }
    inFlight.push(append);
    const completed = cluster.persist(() => this.complete(append), bound);
    append.ended = completed.then(
      () => void inFlight.splice(inFlight.indexOf(append), 1),
      (error: unknown) => this.fail(append, error as Error),
    );
    return { appended: completed.then(() => joinRuns(delivery.ranges)) };
  }

  /** Sends unacknowledged batches again, one call at a time and in the order of the calls. */
  private async complete(append: InFlightAppend): Promise<void> {
    await append.responded;
    if (openPartitions(append.delivery).length === 0) return;
    append.isPipelined = false;
    for (let [first] = this.inFlight; first !== undefined && first !== append; [first] = this.inFlight) {
      await first.ended;
    }
    if (append.failedEarlier !== undefined) throw append.failedEarlier;
    await Promise.all(this.inFlight.map(({ responded }) => responded));
    await settleUnacknowledged(this.cluster, append.delivery, this.identity);
    await deliver(this.cluster, append.delivery, this.sender);
  }

  private fail(append: InFlightAppend, error: Error): void {
    const { inFlight } = this;
    if (append.failedEarlier === undefined) {
      this.failures += 1;
      this.lastFailure = error;
    }
    const [, ...later] = inFlight.splice(inFlight.indexOf(append), Infinity);
    for (const other of later) other.failedEarlier ??= error;
    inFlight.push(...later);
    if (error instanceof TallystreamError && error.retry) this.unfinished.push(append.delivery);
    else this.dropIdentity([append.delivery]);
  }

  private async takeUnfinished(topic: string, input: AppendInput): Promise<Delivery | undefined> {
    const { unfinished } = this;
    if (unfinished.length === 0) return undefined;
    const at = unfinished.findIndex((each) => each.topic === topic && each.input === input);
    if (at >= 0) return unfinished.splice(at, 1)[0];
    for (let [first] = this.inFlight; first !== undefined; [first] = this.inFlight) await first.ended;
    this.dropIdentity(unfinished.splice(0));
    return undefined;
  }

  /** If batches may or may not have arrived, the next sequence is unknown. A new producer id starts at sequence 0. */
  private dropIdentity(deliveries: readonly Delivery[]): void {
    if (deliveries.some(hasUnanswered)) this.identity = undefined;
  }

  private async initProducerId(): Promise<Identity> {
    const connection = await this.cluster.any();
    const answer = await initProducerIdV4.api.async(connection, null, TRANSACTION_TIMEOUT_NONE_MS);
    return { producerId: answer.producerId, producerEpoch: answer.producerEpoch, sequences: new Map() };
  }
}

/** Joins adjacent ranges of a partition; in order of partition and offset. */
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
