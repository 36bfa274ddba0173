/** Records that are sent, repeated and acknowledged together. */
import type { AppendedRange, Log, RecordInput } from '../contracts/log.ts';
import { recordsOf, WritableBlock } from './record-block.ts';

export interface Batch {
  readonly count: number;
  /** Keys and values. */
  readonly bytes: number;
  /** A repeat brings the very same array or block, by which a log knows it again. */
  appendTo(log: Log, topic: string): Promise<readonly AppendedRange[]>;
}

/** An object a record: for records that have more than a key and a value. */
export class RecordsBatch<R extends RecordInput = RecordInput> implements Batch {
  readonly records: R[] = [];
  bytes = 0;

  get count(): number {
    return this.records.length;
  }

  add(records: readonly R[]): void {
    for (const record of records) {
      this.records.push(record);
      this.bytes += recordBytes(record);
    }
  }

  appendTo(log: Log, topic: string): Promise<readonly AppendedRange[]> {
    return log.append(topic, this.records);
  }
}

/** Rows of a block: no object a record, if the log takes blocks. */
export class BlockBatch implements Batch {
  readonly block = new WritableBlock();
  private records: readonly RecordInput[] | undefined;

  get count(): number {
    return this.block.count;
  }

  get bytes(): number {
    return this.block.recordBytes;
  }

  /** Whether the memory may be written again once the batch is acknowledged: records made of it would be views of it. */
  get isReusable(): boolean {
    return this.records === undefined;
  }

  appendTo(log: Log, topic: string): Promise<readonly AppendedRange[]> {
    if (log.appendBlock !== undefined) return log.appendBlock(topic, this.block);
    this.records ??= recordsOf(this.block);
    return log.append(topic, this.records);
  }
}

/** What a record counts against limits and in figures: its key and its value, in bytes. */
function recordBytes(record: RecordInput): number {
  return (record.key?.length ?? 0) + (record.value?.length ?? 0);
}
