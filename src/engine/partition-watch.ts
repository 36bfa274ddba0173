/**
 * Tells of partitions that a query cannot read on in: those without a leader, and those whose records wait for a transaction
 * of another producer. Once when it has lasted for a while, and once when it is over.
 */
import type { Clock } from '../contracts/clock.ts';
import type { Log, OpenTransaction, PartitionOffsets } from '../contracts/log.ts';
import type { Logger } from '../contracts/logger.ts';
import { formatTimestamp } from '../columns/values/timestamp.ts';

/** Leaders move within it, and no one need know. */
const UNAVAILABLE_MS = 5_000;
/** Longer than the transactions of a producer that is alive take as a rule. */
const WAITING_MS = 10_000;

export interface PartitionWatchOptions {
  readonly log: Pick<Log, 'openTransactionIn'>;
  readonly topic: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What keeps one partition from being read, since when, and whether that was told. */
interface Hindrance {
  readonly kind: 'unavailable' | 'waiting';
  /** Where the partition ended for readers then. */
  readonly latest: number;
  readonly sinceMs: number;
  isTold: boolean;
}

export class PartitionWatch {
  private readonly options: PartitionWatchOptions;
  private readonly hindrances = new Map<number, Hindrance>();

  constructor(options: PartitionWatchOptions) {
    this.options = options;
  }

  /** Called with what every look at the log has found. */
  async observe(offsets: readonly PartitionOffsets[]): Promise<void> {
    for (const each of offsets) {
      if (each.unavailable === undefined && each.end === undefined && !this.hindrances.has(each.partition))
        continue;
      await this.observeOne(each);
    }
  }

  private async observeOne(offsets: PartitionOffsets): Promise<void> {
    const { partition, latest } = offsets;
    const kind = kindOf(offsets);
    const before = this.hindrances.get(partition);
    // Records that wait behind one transaction after the other do not wait for long.
    const isSame = before?.kind === kind && (kind === 'unavailable' || before?.latest === latest);
    if (before !== undefined && !isSame) this.end(partition, before);
    if (kind === undefined) return;
    const nowMs = this.options.clock.monotonicMs();
    const hindrance = isSame && before ? before : { kind, latest, sinceMs: nowMs, isTold: false };
    this.hindrances.set(partition, hindrance);
    const afterMs = kind === 'unavailable' ? UNAVAILABLE_MS : WAITING_MS;
    if (hindrance.isTold || nowMs - hindrance.sinceMs < afterMs) return;
    hindrance.isTold = true;
    if (kind === 'unavailable') this.tellUnavailable(offsets);
    else await this.tellWaiting(offsets);
  }

  private tellUnavailable({ partition, unavailable: reason }: PartitionOffsets): void {
    const { topic, logger } = this.options;
    logger.warn(
      { operation: 'unavailable-partition', topic, partition, reason },
      'A partition cannot be read at the moment. The query continues with the others. Until this one is back, it holds the ' +
        'watermark back, and its events are missing from the totals.',
    );
  }

  private async tellWaiting({ partition, latest, end = latest }: PartitionOffsets): Promise<void> {
    const { topic, logger } = this.options;
    const found = await this.findTransaction(partition);
    const waiting = end - latest;
    const producer =
      found === undefined
        ? {}
        : { producerId: found.producerId, lastWrite: formatTimestamp(found.lastWriteMs * 1000) };
    logger.warn(
      { operation: 'open-transaction', topic, partition, offset: latest, waiting, ...producer },
      `Records are blocked by a producer's transaction that has been open for more than ${WAITING_MS / 1000} seconds. ` +
        'The query reads them once it ends: end it in that producer, or wait for its transaction.timeout.ms.',
    );
  }

  private async findTransaction(partition: number): Promise<OpenTransaction | undefined> {
    const { log, topic } = this.options;
    // Who it is helps, and is not what the query is for.
    return log.openTransactionIn?.(topic, partition).catch(() => undefined);
  }

  private end(partition: number, { kind, isTold }: Hindrance): void {
    const { topic, logger } = this.options;
    this.hindrances.delete(partition);
    if (!isTold) return;
    if (kind === 'unavailable') {
      logger.warn(
        { operation: 'unavailable-partition', topic, partition },
        'The partition can be read again.',
      );
    } else {
      logger.warn(
        { operation: 'open-transaction', topic, partition },
        'The transaction that blocked records has ended.',
      );
    }
  }
}

function kindOf({ unavailable, end }: PartitionOffsets): Hindrance['kind'] | undefined {
  if (unavailable !== undefined) return 'unavailable';
  return end === undefined ? undefined : 'waiting';
}
