/** What one call appends, by partition: records or block rows, behind one interface. */
import type { RecordBlock, RecordInPlace, RecordInput, RecordRefusal } from '../../../contracts/log.ts';
import { groupByPartition, groupRowsByPartition, type KeylessTurn } from '../../shared/append-plan.ts';
import { encodeKafkaBatch, type EncodedKafkaBatch, type EncodeOptions } from '../wire/encode.ts';
import { encodeKafkaRows } from '../wire/encode-rows.ts';
import { fitRecords } from '../../shared/replacements.ts';

export type AppendInput = readonly RecordInput[] | RecordBlock;

/** What one call has for one partition. */
export interface PartitionInput {
  readonly partition: number;
  readonly count: number;
  /** A batch of those from the `from`-th on, as many as fit. */
  readonly encode: (from: number, options: EncodeOptions) => EncodedKafkaBatch;
  /** The place within the call, and the bytes of the value, for the error that names a record. */
  readonly describe: (at: number) => { readonly index: number; readonly valueBytes: number };
  /** Puts another record at this place, which the topic refuses; false if there is none to put there. */
  readonly replace?: (at: number, refusal: RecordRefusal) => boolean;
}

interface Topic {
  readonly name: string;
  readonly partitions: number;
}

/** In order of partition. @throws TOPIC_NOT_FOUND, RECORD_TOO_LARGE (above the bound of every log) */
export function splitInput(
  topic: Topic,
  input: AppendInput,
  keyless: KeylessTurn,
  inPlaceOf?: RecordInPlace,
): PartitionInput[] {
  return 'bytes' in input
    ? splitBlock(topic, input, keyless)
    : splitRecords(topic, fitRecords(input, inPlaceOf), keyless, inPlaceOf);
}

function splitRecords(
  topic: Topic,
  input: readonly RecordInput[],
  keyless: KeylessTurn,
  inPlaceOf: RecordInPlace | undefined,
): PartitionInput[] {
  return groupByPartition(topic, input, keyless).map(({ partition, records: asGiven }) => {
    const records = inPlaceOf === undefined ? asGiven : [...asGiven];
    return {
      partition,
      count: records.length,
      encode: (from, options) => encodeKafkaBatch(records, from, options),
      describe(at) {
        const valueBytes = records[at]?.value?.length ?? 0;
        return { index: input.indexOf(asGiven[at] as RecordInput), valueBytes };
      },
      ...(inPlaceOf === undefined
        ? {}
        : { replace: (at, refusal) => replaceAt(records as RecordInput[], at, refusal, inPlaceOf) }),
    };
  });
}

function replaceAt(
  records: RecordInput[],
  at: number,
  refusal: RecordRefusal,
  inPlaceOf: RecordInPlace,
): boolean {
  const other = inPlaceOf(records[at] as RecordInput, refusal);
  if (other !== undefined) records[at] = other;
  return other !== undefined;
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
