/** The failures that every log of this folder reports in the same words, and the checks that lead to them. */
import {
  RECORD_VALUE_BYTES_MAX,
  type ReadRange,
  type RecordBlock,
  type RecordInput,
  type TopicOptions,
} from '../../contracts/log.ts';
import { TallystreamError } from '../../errors.ts';
import { closest } from '../../values/did-you-mean.ts';

/** Bound of a record's key and headers together, in bytes; the value has its own bound. */
const RECORD_KEY_AND_HEADERS_BYTES_MAX = 1024 * 1024;

/** The largest record that there is, in bytes with its key and headers. */
const RECORD_BYTES_MAX = RECORD_VALUE_BYTES_MAX + RECORD_KEY_AND_HEADERS_BYTES_MAX;

/** Bound of a topic's partitions: each costs a row and a poll, and no machine that runs this log gains from more. */
const TOPIC_PARTITIONS_MAX = 1024;

/** Kafka's own rule for names, so that a topic can move there under its name. */
const TOPIC_NAME = /^(?!\.{1,2}$)[a-zA-Z0-9._-]{1,249}$/;

/** @throws CONFIG_INVALID if the name, the partition count or a bound of the retention cannot be used */
export function checkTopic(name: string, options: TopicOptions): void {
  if (!TOPIC_NAME.test(name)) {
    throw new TallystreamError('CONFIG_INVALID', {
      what: `${JSON.stringify(name)} cannot be the name of a topic.`,
      hint: 'Use 1 to 249 letters, digits, dots, underscores and hyphens.',
    });
  }
  const { partitions, retentionMs, retentionBytes, recordBytesMax = RECORD_BYTES_MAX } = options;
  if (!Number.isInteger(partitions) || partitions < 1 || partitions > TOPIC_PARTITIONS_MAX) {
    throw new TallystreamError('CONFIG_INVALID', {
      what: `Topic ${name} cannot have ${partitions} partitions.`,
      hint: `Use a whole number from 1 to ${TOPIC_PARTITIONS_MAX}.`,
    });
  }
  for (const [setting, bound] of Object.entries({ retentionMs, retentionBytes })) {
    if (bound === undefined || (Number.isSafeInteger(bound) && bound >= 0)) continue;
    throw new TallystreamError('CONFIG_INVALID', {
      what: `Topic ${name} cannot have a ${setting} of ${bound}.`,
      hint: 'Use a whole number of at least 0, or omit it to keep every record.',
    });
  }
  if (!Number.isInteger(recordBytesMax) || recordBytesMax < 1 || recordBytesMax > RECORD_BYTES_MAX) {
    throw new TallystreamError('CONFIG_INVALID', {
      what: `Topic ${name} cannot have a recordBytesMax of ${recordBytesMax}.`,
      hint: `Use a whole number from 1 to ${RECORD_BYTES_MAX}, or omit it.`,
    });
  }
}

/** @throws RECORD_TOO_LARGE that names the record's place in the call, its size and the limit */
export function checkRecordSize(record: RecordInput, index: number): void {
  const valueBytes = record.value?.length ?? 0;
  if (valueBytes > RECORD_VALUE_BYTES_MAX) throw tooLarge('value', index, valueBytes, RECORD_VALUE_BYTES_MAX);
  const restBytes = keyAndHeaderBytes(record);
  if (restBytes > RECORD_KEY_AND_HEADERS_BYTES_MAX) {
    throw tooLarge('key with its headers', index, restBytes, RECORD_KEY_AND_HEADERS_BYTES_MAX);
  }
}

/** Whether `checkRecordSize` refuses the record. */
export function isRecordTooLarge(record: RecordInput): boolean {
  return (
    (record.value?.length ?? 0) > RECORD_VALUE_BYTES_MAX ||
    keyAndHeaderBytes(record) > RECORD_KEY_AND_HEADERS_BYTES_MAX
  );
}

function keyAndHeaderBytes({ key, headers = [] }: RecordInput): number {
  let bytes = key?.length ?? 0;
  for (const header of headers) bytes += Buffer.byteLength(header.name) + header.value.length;
  return bytes;
}

/** The same for a row of a block. */
export function checkRowSize({ valueStart, valueEnd, keyStart, keyEnd }: RecordBlock, row: number): void {
  const valueBytes = (valueEnd[row] as number) - (valueStart[row] as number);
  if (valueBytes > RECORD_VALUE_BYTES_MAX) throw tooLarge('value', row, valueBytes, RECORD_VALUE_BYTES_MAX);
  const keyBytes = (keyEnd[row] as number) - (keyStart[row] as number);
  if (keyBytes > RECORD_KEY_AND_HEADERS_BYTES_MAX) {
    throw tooLarge('key with its headers', row, keyBytes, RECORD_KEY_AND_HEADERS_BYTES_MAX);
  }
}

function tooLarge(part: string, index: number, bytes: number, bytesMax: number): TallystreamError {
  return new TallystreamError('RECORD_TOO_LARGE', {
    what: `Record ${index} of the append has a ${part} of ${bytes} bytes, over the log's limit of ${bytesMax} bytes.`,
    hint: 'Omit the record, or split it into smaller ones. None of this append was written.',
  });
}

export function topicNotFound(topic: string, others: readonly string[]): TallystreamError {
  const listed = others.slice(0, 10).join(', ') + (others.length > 10 ? ', …' : '');
  return new TallystreamError('TOPIC_NOT_FOUND', {
    what: `There is no topic ${topic} in the log.`,
    why: others.length === 0 ? 'The log has no topics yet.' : `The log has: ${listed}.`,
    hint: 'Check the name, or start a producer that creates the topic.',
  });
}

/** A query names a topic that does not exist. @param create the command that creates it */
export function missingOnCluster(topic: string, others: readonly string[], create: string): TallystreamError {
  const similar = closest(topic, others);
  const listed = others.slice(0, 10).join(', ') + (others.length > 10 ? ', …' : '');
  return new TallystreamError('TOPIC_NOT_FOUND', {
    what: `There is no topic ${topic} on the Kafka cluster, or none that this user may see.${similar === undefined ? '' : ` Did you mean ${similar}?`}`,
    why:
      others.length === 0
        ? 'The cluster has no topics. A query does not create the topic that it reads.'
        : `The cluster has: ${listed}. A query does not create the topic that it reads.`,
    hint: `Correct the name, or create the topic: start a producer (tallystream produce), or run ${create}`,
  });
}

export function partitionNotFound(topic: string, partition: number, partitions: number): TallystreamError {
  return new TallystreamError('TOPIC_NOT_FOUND', {
    what: `Topic ${topic} has no partition ${partition}.`,
    why: `Its partitions are 0 to ${partitions - 1}.`,
  });
}

/** The records `[start, min(end, earliest))` of a range are gone. */
export function dataLoss(range: ReadRange, earliest: number): TallystreamError {
  const { topic, partition, start, end } = range;
  return new TallystreamError('DATA_LOSS', {
    what: `Offsets ${start} to ${Math.min(end, earliest) - 1} of topic ${topic}, partition ${partition}, are no longer in the log.`,
    why: `Retention removed them before they were read; the earliest offset is ${earliest}.`,
    hint: 'Increase the retention, or start the query again with a new checkpoint.',
  });
}

/** Records within a topic from which nothing is removed but at its beginning: those of `gap` are missing. */
export function missingInside(
  { topic, partition }: ReadRange,
  gap: { readonly start: number; readonly end: number },
): TallystreamError {
  const count = gap.end - gap.start;
  return new TallystreamError('DATA_LOSS', {
    what: `Offsets ${gap.start} to ${gap.end - 1} (${count}) of topic ${topic}, partition ${partition}, are missing from the middle of the log.`,
    why: 'With cleanup.policy=delete the offsets of a topic have no gaps, so a segment was lost. If the topic was compacted earlier, the gap may date from then.',
    hint: 'Restore the segment from another replica. To continue without these records, set query.fail_on_data_loss to false; they are recorded as lost.',
  });
}

/** A range ends above `latest`: somebody remembers records that this log does not have. */
export function pastEnd(range: ReadRange, latest: number): TallystreamError {
  const { topic, partition, end } = range;
  return new TallystreamError('LOG_CORRUPT', {
    what: `Topic ${topic}, partition ${partition}, ends at offset ${latest}, but records up to ${end - 1} were read before.`,
    why: 'The log was replaced, or restored from an older copy.',
    hint: 'Restore the newer copy of the log, or start the query again with a new checkpoint.',
  });
}
