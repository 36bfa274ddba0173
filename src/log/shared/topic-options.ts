/** The options of `readStream.format('kafka')` and `format('embedded')`, by Structured Streaming's names. */
import { TallystreamError } from '../../errors.ts';
import { KAFKA_PREFIX, readKafkaOptions, type KafkaSettings } from '../../options/kafka-settings.ts';
import { readOptions, type OptionReader, type Unsupported } from './source-options.ts';

export interface TopicSourceOptions {
  readonly topic: string;
  /** Of a topic that is made because it is not there. */
  readonly partitions: number;
  /** How the cluster is reached; of the embedded log, the defaults. */
  readonly kafka: KafkaSettings;
}

/** `maxOffsetsPerTrigger` and `failOnDataLoss` are settings of the query, which takes them from here too. */
const KNOWN = [
  'subscribe',
  'partitions',
  'maxOffsetsPerTrigger',
  'failOnDataLoss',
  'startingOffsets',
  'includeHeaders',
];
const ONE_TOPIC = 'A query reads one topic, which subscribe names.';
const FROM_CHECKPOINT =
  'A query without a checkpoint starts at the earliest record, and one with a checkpoint after what it has committed.';
const NO_END =
  'A query has no last record. trigger({ availableNow: true }) ends it when all that is there is read.';
const BY_OFFSETS = 'maxOffsetsPerTrigger bounds a batch; how it is read has no further options.';
const NO_GROUP = 'A query is no member of a consumer group: its offsets are in its checkpoint.';
const UNSUPPORTED: Unsupported = {
  assign: ONE_TOPIC,
  subscribePattern: ONE_TOPIC,
  topic: ONE_TOPIC,
  startingTimestamp: FROM_CHECKPOINT,
  startingOffsetsByTimestamp: FROM_CHECKPOINT,
  startingOffsetsByTimestampStrategy: FROM_CHECKPOINT,
  endingOffsets: NO_END,
  endingTimestamp: NO_END,
  endingOffsetsByTimestamp: NO_END,
  minOffsetsPerTrigger: "trigger({ processingTime: '1 minute' }) makes batches larger.",
  maxTriggerDelay: "trigger({ processingTime: '1 minute' }) says when a batch starts.",
  minPartitions: BY_OFFSETS,
  maxRecordsPerPartition: BY_OFFSETS,
  'kafkaConsumer.pollTimeoutMs': BY_OFFSETS,
  'fetchOffset.numRetries': BY_OFFSETS,
  'fetchOffset.retryIntervalMs': BY_OFFSETS,
  groupIdPrefix: NO_GROUP,
  'kafka.group.id': NO_GROUP,
};
const PARTITIONS_MAX = 1024;
const PARTITIONS_DEFAULT = 4;

/** @throws USAGE for an option that there is not or that cannot be had here, a value that it cannot have, or no topic */
export function parseTopicOptions(
  format: 'kafka' | 'embedded',
  options: Readonly<Record<string, string>>,
): TopicSourceOptions {
  const isKafkas = (name: string): boolean =>
    name.toLowerCase().startsWith(KAFKA_PREFIX) && !Object.hasOwn(UNSUPPORTED, name.toLowerCase());
  const entries = Object.entries(options);
  const own = Object.fromEntries(entries.filter(([name]) => !isKafkas(name)));
  const kafka = entries.filter(([name]) => isKafkas(name));
  const known = format === 'kafka' ? [...KNOWN, 'kafka.… (such as kafka.bootstrap.servers)'] : KNOWN;
  const read = readOptions(format, own, known, UNSUPPORTED);
  const [first] = kafka;
  if (format === 'embedded' && first !== undefined) {
    throw new TallystreamError('USAGE', {
      what: `The embedded source has no option ${first[0]}.`,
      why: 'The embedded log is a file, and no Kafka is asked.',
      mend: `Leave it out, or use format('kafka'). The options are ${KNOWN.join(', ')}.`,
    });
  }
  const offsets = read.text('startingOffsets');
  if (offsets !== undefined && offsets.toLowerCase() !== 'earliest') {
    throw read.refuse(
      'startingOffsets',
      'earliest: a query without a checkpoint starts there, and one with a checkpoint goes on after it',
    );
  }
  if (read.truth('includeHeaders') === true) {
    throw read.refuse('includeHeaders', 'false: an event is the value of a record');
  }
  return {
    topic: topicOf(read, format),
    partitions: read.count('partitions', PARTITIONS_MAX) ?? PARTITIONS_DEFAULT,
    kafka: readKafkaOptions(
      Object.fromEntries(
        kafka.map(([name, value]) => [KAFKA_PREFIX + name.slice(KAFKA_PREFIX.length), value]),
      ),
    ),
  };
}

function topicOf(read: OptionReader, format: string): string {
  const topic = read.text('subscribe');
  if (topic === undefined || topic === '') {
    throw new TallystreamError('USAGE', {
      what: `format('${format}') needs a topic.`,
      mend: "Call option('subscribe', '…').",
    });
  }
  if (/^(?!\.{1,2}$)[\w.-]{1,200}$/.test(topic)) return topic;
  const what = 'one name of 1 to 200 letters, digits, dots, underscores and hyphens';
  throw read.refuse('subscribe', topic.includes(',') ? `${what}: a query reads one topic` : what);
}
