/** The outputs of the purchase query for other programs: its totals as upserts, and the rejected events. */
import type { BatchResult } from '../../contracts/batch-result.ts';
import type { DeadLetter, GroupRow } from '../../contracts/batch.ts';
import { RECORD_VALUE_BYTES_MAX, type RecordInput, type TopicOptions } from '../../contracts/log.ts';
import type { TopicOutput } from '../../contracts/sink.ts';
import { CATEGORIES, DAYS } from './aggregate-names.ts';
import { header, letterInPlaceOf, TIMESTAMP_HEADER, type LetterRecord } from './letter-in-place.ts';
import { RECORD_MS_MAX } from '../../operators/record-time.ts';
import { moneyText, totalsRow } from './report/totals-order.ts';

/** In addition to a value of the log's maximum size: key, headers of the record, and our headers. */
const LETTER_BYTES_MAX = RECORD_VALUE_BYTES_MAX + 1024 * 1024;

export interface OutputTopicsOptions {
  readonly queryName: string;
  /** The topic that the query reads; its outputs are named after it. */
  readonly topic: string;
  /** For topics that are created here. */
  readonly newTopic: TopicOptions;
}

export function outputTopicsOf({ queryName, topic, newTopic }: OutputTopicsOptions): {
  outputs: readonly TopicOutput[];
  controlTopic: string;
} {
  const totals: TopicOutput = {
    topic: `${topic}.totals`,
    options: { partitions: 1, compacted: true },
    *records(result, whole) {
      for (const name of [DAYS, CATEGORIES]) {
        for (const group of groupsOf(result, name, whole)) {
          yield totalsRecord(group, queryName, result.plan.batchId);
        }
      }
    },
  };
  const deadLetters: TopicOutput = {
    topic: `${topic}.dead-letters`,
    options: { ...newTopic, recordBytesMax: LETTER_BYTES_MAX },
    *records(result) {
      for (const letter of result.deadLetters()) yield letterRecord(letter, queryName);
    },
    // Only letters, and replacements of letters, are written to this topic.
    inPlaceOf: (letter, refusal) => letterInPlaceOf(letter as LetterRecord, refusal),
  };
  return { outputs: [totals, deadLetters], controlTopic: `${topic}.control` };
}

function groupsOf(result: BatchResult, name: string, whole: boolean): readonly GroupRow[] {
  if (whole) return result.allGroups(name);
  return result.aggregates.find(({ aggregate }) => aggregate === name)?.totals ?? [];
}

/**
 * Key: JSON of date, currency and, for a category's total, category. Value: the same with what the group holds after the
 * batch; amounts are decimal text with two decimals. Properties stand in the order below, so equal keys are equal bytes.
 */
function totalsRecord(group: GroupRow, queryName: string, batchId: number): RecordInput {
  const { key, total, transactions } = totalsRow(group);
  const [date, currency, category] = key;
  const names = { date, currency, ...(category === undefined ? {} : { category }) };
  const value = {
    schemaVersion: 1,
    queryName,
    batchId,
    ...names,
    total: moneyText(total),
    transactions,
  };
  return { key: Buffer.from(JSON.stringify(names)), value: Buffer.from(JSON.stringify(value)) };
}

/**
 * The original bytes, key, log timestamp and headers, followed by headers with its origin and its reason, under the names
 * that Kafka Connect uses for dead letters (https://cwiki.apache.org/confluence/display/KAFKA/KIP-298).
 */
function letterRecord(letter: DeadLetter, queryName: string): LetterRecord {
  const { reason, field, expected, actual, topic, partition, offset, batchId, timestampMs } = letter;
  const isTime = timestampMs !== null && timestampMs > 0 && timestampMs < RECORD_MS_MAX;
  const about: Record<string, string | number> = {
    '__connect.errors.topic': topic,
    '__connect.errors.partition': partition,
    '__connect.errors.offset': offset,
    '__connect.errors.connector.name': queryName,
    '__connect.errors.stage': 'VALUE_CONVERTER',
    '__connect.errors.exception.class.name': reason,
    '__connect.errors.exception.message': `${field ?? 'event'}: expected ${expected}, found ${actual}`,
    'tallystream.reason': reason,
    ...(field === null ? {} : { 'tallystream.field': field }),
    'tallystream.batch-id': batchId,
    ...(isTime || timestampMs === null ? {} : { [TIMESTAMP_HEADER]: String(timestampMs) }),
  };
  const record: LetterRecord = {
    key: letter.key,
    value: letter.value,
    headers: [...letter.headers, ...Object.entries(about).map(([name, value]) => header(name, value))],
    eventHeaders: letter.headers.length,
    position: `${topic}/${partition}/${offset}`,
    // The topic could reject a number that is not a time. It is in the headers, and the record gets the log's clock.
    ...(isTime ? { timestampMs: Number(timestampMs) } : {}),
  };
  return record;
}
