/** What one call appends, by partition: records, or the rows of a block, in the same clothes. */
import type { RecordBlock, RecordInput } from '../contracts/log.ts';
import { groupByPartition, groupRowsByPartition, type KeylessTurn } from './append-plan.ts';
import { encodeKafkaBatch, type EncodedKafkaBatch, type EncodeOptions } from './kafka-encode.ts';
import { encodeKafkaRows } from './kafka-encode-rows.ts';

export type AppendInput = readonly RecordInput[] | RecordBlock;

/** What one call has for one partition. */
export interface PartitionInput {
  readonly partition: number;
  readonly count: number;
  /** A batch of those from the `from`-th on, as many as fit. */
  readonly encode: (from: number, options: EncodeOptions) => EncodedKafkaBatch;
  /** The place within the call, and the bytes of the value, for the error that names a record. */
  readonly describe: (at: number) => { readonly index: number; readonly valueBytes: number };
}

interface Topic {
  readonly name: string;
  readonly partitions: number;
}

/** In order of partition. @throws TOPIC_NOT_FOUND, RECORD_TOO_LARGE (above the bound of every log) */
export function splitInput(topic: Topic, input: AppendInput, keyless: KeylessTurn): PartitionInput[] {
  return 'bytes' in input ? splitBlock(topic, input, keyless) : splitRecords(topic, input, keyless);
}

function splitRecords(topic: Topic, input: readonly RecordInput[], keyless: KeylessTurn): PartitionInput[] {
  return groupByPartition(topic, input, keyless).map(({ partition, records }) => ({
    partition,
    count: records.length,
    encode: (from, options) => encodeKafkaBatch(records, from, options),
    describe(at) {
      const record = records[at] as RecordInput;
      return { index: input.indexOf(record), valueBytes: record.value?.length ?? 0 };
    },
  }));
}

function splitBlock(topic: Topic, block: RecordBlock, keyless: KeylessTurn): PartitionInput[] {
  return groupRowsByPartition(topic, block, keyless).map(({ partition, rows }) => ({
    partition,
    count: rows.length,
    encode: (from, options) => encodeKafkaRows(block, rows, from, options),
    describe(at) {
      const index = rows[at] as number;
      return { index, valueBytes: (block.valueEnd[index] as number) - (block.valueStart[index] as number) };
    },
  }));
}
