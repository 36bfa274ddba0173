/** From a source into the open batch, whichever of the two kinds they are. */
import type { RecordInput } from '../contracts/log.ts';
import { type Batch, BlockBatch, RecordsBatch } from './batch.ts';
import type { Batcher } from './batcher.ts';
import type { BlockSource, RecordSource } from './source.ts';

export interface Intake<B extends Batch> {
  newBatch(): B;
  /** Moves records into the batcher, and returns their number; 0 at the end of the source and if `stop` ended the waiting. */
  take(batcher: Batcher<B>, recordsMax: number, bytesMax: number, stop: AbortSignal): Promise<number>;
  /** Called with a batch that was acknowledged, and that is no longer used. */
  giveBack(batch: B): void;
}

export function intakeOfRecords<R extends RecordInput>(source: RecordSource<R>): Intake<RecordsBatch<R>> {
  return {
    newBatch: () => new RecordsBatch<R>(),
    async take(batcher, recordsMax, bytesMax, stop) {
      const records = await source.pull(recordsMax, bytesMax, stop);
      if (records.length > 0) batcher.add((open) => open.add(records));
      return records.length;
    },
    giveBack: () => undefined,
  };
}

/** Blocks are written again when they were sent: as many as are in progress at once, and one that is filled. */
export function intakeOfBlocks(source: BlockSource): Intake<BlockBatch> {
  const spare: BlockBatch[] = [];
  return {
    newBatch: () => spare.pop() ?? new BlockBatch(),
    take(batcher, recordsMax, bytesMax) {
      let taken = 0;
      batcher.add((open) => {
        const before = open.count;
        source.write(open.block, recordsMax, bytesMax);
        taken = open.count - before;
      });
      return Promise.resolve(taken);
    },
    giveBack(batch) {
      if (!batch.isReusable) return;
      batch.block.clear();
      spare.push(batch);
    },
  };
}
