/** Holds what a query has read against the log, and makes a loss durable before the query ends with it. */
import type { BatchPlan, DataLoss, PartitionState } from '../../contracts/batch.ts';
import type { Checkpoint } from '../../contracts/checkpoint.ts';
import type { HistoryMark, Log } from '../../contracts/log.ts';
import type { Logger } from '../../contracts/logger.ts';
import { TallystreamError } from '../../errors.ts';
import type { QueryPlan } from '../../plan/query-plan.ts';
import { countedLosses, decideStart, isSameMark, unreadLosses } from './compare.ts';
import { findLosses } from './find-losses.ts';
import { findLost } from '../read-planned.ts';
import { raisedLoss, refusalOf, type Refusal } from '../errors.ts';
import type { Look } from '../source.ts';

export interface HistoryGuardOptions {
  readonly query: QueryPlan;
  readonly log: Log;
  readonly checkpoint: Checkpoint;
  readonly logger: Logger;
  readonly failOnDataLoss: boolean;
}

export class HistoryGuard {
  private readonly options: HistoryGuardOptions;
  /** Partitions that could not be asked when the others were compared. */
  private readonly uncompared = new Set<number>();

  constructor(options: HistoryGuardOptions) {
    this.options = options;
  }

  /**
   * Called once, before anything is replayed or planned.
   * @throws DATA_LOSS if a loss was raised and not accepted, or where the log has gone back
   */
  async start(look: Look, partitions: readonly PartitionState[]): Promise<void> {
    const { checkpoint, query, logger, failOnDataLoss } = this.options;
    const raised = checkpoint.raisedLosses();
    const undone: DataLoss[] = [];
    for (const loss of raised) if (await this.isUndone(loss, look, partitions)) undone.push(loss);
    const decision = decideStart({ raised, undone, failOnDataLoss });
    if (decision.kind === 'refuse') throw raisedLoss(decision.losses, query);
    await this.compare(look, partitions);
    if (decision.kind === 'go on') return;
    checkpoint.withdrawLosses();
    const areBack = decision.losses.every((loss) => undone.includes(loss));
    logger.warn(
      { operation: 'withdraw-losses', losses: decision.losses },
      areBack
        ? 'the lost records are back; the reported loss is withdrawn'
        : 'the reported loss is withdrawn: with query.fail_on_data_loss off, the query passes over records that were removed unread',
    );
  }

  /** Called at every look: asks the log where that costs little, or where the look met something unusual. @throws DATA_LOSS */
  async check(
    look: Look,
    partitions: readonly PartitionState[],
    previous: BatchPlan | undefined,
  ): Promise<void> {
    // Another topic of the same name is refused as that.
    if (previous?.topicId !== look.topic.id) return;
    const { log } = this.options;
    const hasReturned = look.offsets.some(
      ({ partition, unavailable }) => unavailable === undefined && this.uncompared.has(partition),
    );
    if (log.isHistoryCheap === true || look.isUnusual || hasReturned) await this.compare(look, partitions);
  }

  /** The error for a plan that cannot be made; a loss is durable when this returns. */
  refuse(refusal: Refusal): TallystreamError {
    const { checkpoint, query } = this.options;
    if (refusal.kind === 'records removed') checkpoint.raiseLosses(unreadLosses(refusal.missing));
    if (refusal.kind === 'log went back') checkpoint.raiseLosses(countedLosses(refusal.missing));
    return refusalOf(refusal, query);
  }

  /** Called with what ended a batch: finds the ranges of a loss that the log met while it was read, and raises them. */
  async raiseFound(
    error: unknown,
    plan: BatchPlan,
    look: Look,
    partitions: readonly PartitionState[],
  ): Promise<void> {
    if (!(error instanceof TallystreamError) || error.code !== 'DATA_LOSS') return;
    const { log, checkpoint, query } = this.options;
    const missing: DataLoss[] = [];
    for (const { partition, start, end } of plan.ranges) {
      const lost = await findLost(log, { topic: query.topic, partition, start, end });
      if (lost !== undefined) missing.push(...unreadLosses([lost]));
    }
    if (missing.length > 0) checkpoint.raiseLosses(missing);
    else await this.compare(look, partitions);
  }

  /** A partition that cannot be asked for now is compared when it is back. */
  private async compare({ topic, offsets }: Look, partitions: readonly PartitionState[]): Promise<void> {
    const { log, checkpoint, query } = this.options;
    this.uncompared.clear();
    for (const { partition, unavailable } of offsets) {
      if (unavailable !== undefined) this.uncompared.add(partition);
    }
    const asked = partitions.filter(({ partition }) => !this.uncompared.has(partition));
    const losses = await findLosses(log, topic, asked, () => checkpoint.marks());
    if (losses.length === 0) return;
    checkpoint.raiseLosses(losses);
    throw raisedLoss(losses, query);
  }

  /** Whether the log is known to have the records of this loss again. A doubt is a no. */
  private async isUndone(
    loss: DataLoss,
    { offsets }: Look,
    partitions: readonly PartitionState[],
  ): Promise<boolean> {
    const { log, query } = this.options;
    const { partition, start, end } = loss;
    const present = offsets.find((each) => each.partition === partition);
    if (present === undefined) return false;
    const { topic } = query;
    if (loss.kind === 'unread') {
      if (start < present.earliest || end > present.latest) return false;
      return (await log.findLost?.({ topic, partition, start, end })) === undefined;
    }
    const state = partitions.find((each) => each.partition === partition);
    const mark = state?.mark;
    if (state === undefined || mark === undefined || mark === null) return false;
    if (mark.baseOffset < present.earliest || state.nextOffset > present.latest) return false;
    const now = await lastMarkOf(log, { topic, partition, start: mark.baseOffset, end: mark.nextOffset });
    return now !== undefined && isSameMark(now, mark);
  }
}

/** undefined if the log cannot give all of these records. @throws LOG_UNAVAILABLE */
async function lastMarkOf(
  log: Log,
  range: { readonly topic: string; readonly partition: number; readonly start: number; readonly end: number },
): Promise<HistoryMark | undefined> {
  let mark: HistoryMark | undefined;
  try {
    for await (const chunk of log.read(range)) mark = chunk.mark;
    return mark;
  } catch (error) {
    if (error instanceof TallystreamError && !error.retry) return undefined;
    throw error;
  }
}
