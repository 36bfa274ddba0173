/** Batches that a broker rejects because of a record: the record is replaced, or the batch is made smaller. */
import type { RecordRefusal } from '../../../contracts/log.ts';
import { TallystreamError } from '../../../errors.ts';
import type { PartitionInput } from './input.ts';
import type { EncodedKafkaBatch } from '../wire/encode.ts';
import { CODE } from '../wire/errors.ts';

/** The fields of a `PartitionDelivery` that are used here. */
interface RefusedPart extends PartitionInput {
  readonly next: number;
  batchBytesMax: number;
}

/** Error codes for a batch that is rejected because of one of its records. */
export const REFUSALS: ReadonlyMap<number, RecordRefusal> = new Map([
  [CODE.MESSAGE_TOO_LARGE, 'too large'],
  [CODE.RECORD_LIST_TOO_LARGE, 'too large'],
  [CODE.INVALID_TIMESTAMP, 'timestamp'],
  [CODE.INVALID_RECORD, 'invalid'],
]);

/** Prepares another attempt: replaces the records that the broker names, or makes the batch smaller. */
export function replaceRefused(
  part: RefusedPart,
  { count, bytes }: EncodedKafkaBatch,
  refusal: RecordRefusal,
  refused: readonly number[],
): boolean {
  const named = count === 1 ? [0] : [...new Set(refused)];
  if (named.length > 0) return named.every((index) => part.replace?.(part.next + index, refusal) === true);
  // The topic takes less than the default, or one of these records is refused: a smaller batch may fit.
  part.batchBytesMax = Math.ceil(Math.min(part.batchBytesMax, bytes.length) / 2);
  return true;
}

export function tooLarge(topic: string, part: RefusedPart, batchBytes: number): TallystreamError {
  const { index, valueBytes } = part.describe(part.next);
  return new TallystreamError('RECORD_TOO_LARGE', {
    what: `Record ${index} of the append, with a value of ${valueBytes} bytes, is larger than the broker allows for topic ${topic} (${batchBytes} bytes as a batch).`,
    hint: "Omit the record, or raise the topic's max.message.bytes. Other records of this append may have been written.",
  });
}
