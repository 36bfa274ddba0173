/** The sinks outside the checkpoint: opened once, written once per batch, and asked first what they hold already. */
import { TallystreamError } from '../errors.ts';
import type { BatchResult } from '../contracts/batch-result.ts';
import type { Checkpoint } from '../contracts/checkpoint.ts';
import type { Logger } from '../contracts/logger.ts';
import type { Sink } from '../contracts/sink.ts';
import { recoverSink } from './protocol.ts';

export interface DeliveriesOptions {
  readonly sinks: readonly Sink[];
  readonly checkpoint: Checkpoint;
  readonly logger: Logger;
}

export class Deliveries {
  private readonly options: DeliveriesOptions;
  /** By sink: the batch that it held before it was committed. */
  private readonly written = new Map<Sink, number>();

  constructor(options: DeliveriesOptions) {
    this.options = options;
  }

  get isEmpty(): boolean {
    return this.options.sinks.length === 0;
  }

  /** @throws CHECKPOINT_CORRUPT if a sink holds what this checkpoint never planned; CHECKPOINT_FENCED; what a sink's `open` throws */
  async open(): Promise<void> {
    const { sinks, checkpoint } = this.options;
    const { queryId, epoch } = checkpoint;
    const planned = checkpoint.lastPlan()?.batchId;
    const committed = checkpoint.lastCommit()?.batchId;
    for (const sink of sinks) {
      if (sink.open === undefined) continue;
      // Opening it fences the writer of the runner before: one that was taken over must not fence its successor.
      checkpoint.assertNewest();
      const held = await sink.open({ queryId, epoch }, committed);
      const recovery = recoverSink({ planned, committed, held });
      if (recovery.kind === 'refuse') throw aheadError(sink, recovery.why);
      if (recovery.kind === 'written') this.written.set(sink, recovery.batchId);
    }
  }

  async write(result: BatchResult): Promise<void> {
    const { sinks, checkpoint, logger } = this.options;
    const { queryId, epoch } = checkpoint;
    const { batchId } = result.plan;
    for (const sink of sinks) {
      if (this.written.get(sink) !== batchId) await sink.write(result, { queryId, batchId, epoch });
      else logger.info({ operation: 'sink', batchId, sink: sink.name }, 'the sink already holds this batch');
    }
  }

  /** Resolves when readers see what was written. */
  async settle(): Promise<void> {
    for (const sink of this.options.sinks) await sink.settle?.();
  }

  /** Closes every sink, even if one fails. */
  async close(): Promise<void> {
    await Promise.allSettled(this.options.sinks.map(async (sink) => sink.close?.()));
  }
}

function aheadError(sink: Sink, why: string): TallystreamError {
  return new TallystreamError('CHECKPOINT_CORRUPT', {
    what: `The output ${sink.name} is ahead of the checkpoint: ${why}.`,
    why: 'The checkpoint is an older copy, or another query writes to this output under the same id.',
    hint: 'Restore the newest copy of the checkpoint, or start from the beginning under another query.name.',
  });
}
