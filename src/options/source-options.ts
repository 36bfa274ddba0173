/** The options of `readStream`, by Structured Streaming's names, format by format. */
import { duration, readNanoseconds } from '../values/units.ts';
import { integer, mismatch, text, type ValueType } from '../values/values.ts';
import { KAFKA_PREFIX, readKafkaOptions, type KafkaSettings } from './kafka-settings.ts';
import {
  only,
  option,
  optional,
  readOptions,
  refuseOption,
  truth,
  type GivenDuration,
  type GivenNumber,
  type GivenOptions,
  type OptionOwner,
  type OptionsOf,
  type OptionValues,
} from './option.ts';
import { READER_OPTIONS } from './query-options.ts';
import { TallystreamError } from '../errors.ts';

const PARTITIONS_MAX = 1024;
const ROWS_PER_SECOND_MAX = 10_000_000;
const FILES_PER_TRIGGER_MAX = 1_000_000;

const TOPIC_OPTIONS = {
  subscribe: optional(topicName(), 'The topic that is read; it has to be given.'),
  partitions: option<number, GivenNumber>(
    integer(1, PARTITIONS_MAX),
    '4',
    'Partitions of a topic that does not exist yet.',
  ),
  ...READER_OPTIONS,
  startingOffsets: option<string, 'earliest'>(
    only('earliest', 'a query without a checkpoint starts there, and one with a checkpoint goes on after it'),
    'earliest',
    'Where a query without a checkpoint starts; nothing else can be set.',
  ),
  includeHeaders: option<boolean, false | 'false'>(
    falseOnly('an event is the value of a record'),
    'false',
    'Whether headers are read; nothing else can be set.',
  ),
};
const RATE_OPTIONS = {
  rowsPerSecond: option<number, GivenNumber>(integer(1, ROWS_PER_SECOND_MAX), '1', 'Rows a second.'),
  rampUpTime: option<number, GivenDuration | GivenNumber>(
    rampUp(),
    '0s',
    'How long the rate grows until it is reached, cut to whole seconds; a number alone is in seconds.',
  ),
  numPartitions: option<number, GivenNumber>(integer(1, PARTITIONS_MAX), '1', 'Partitions of the rows.'),
};
const FILE_OPTIONS = {
  path: optional(
    text(/./s, 'the folder whose files are to be read'),
    'The folder whose files are read, or a folder and a glob for the names in it; it has to be given.',
  ),
  pathGlobFilter: optional(text(/./s, 'a glob such as *.ndjson'), 'Another glob for the names of files.'),
  maxFilesPerTrigger: optional<number, GivenNumber>(
    integer(1, FILES_PER_TRIGGER_MAX),
    'The most new files of a batch; without it all of them.',
  ),
  latestFirst: option<boolean, false | 'false'>(
    falseOnly(
      'offsets and verdicts of lateness go by the order of files, oldest first; with the newest first, older events would be late',
    ),
    'false',
    'Whether the newest files come first; nothing else can be set.',
  ),
  recursiveFileLookup: option<boolean, false | 'false'>(
    falseOnly('only the files of the folder itself are read'),
    'false',
    'Whether folders within the folder are read; nothing else can be set.',
  ),
};

const ONE_TOPIC = 'A query reads one topic, which subscribe names.';
const FROM_CHECKPOINT =
  'A query without a checkpoint starts at the earliest record, and one with a checkpoint after what it has committed.';
const NO_END =
  'A query has no last record. trigger({ availableNow: true }) ends it when all that is there is read.';
const BY_OFFSETS = 'maxOffsetsPerTrigger bounds a batch; how it is read has no further options.';
const NO_GROUP = 'A query is no member of a consumer group: its offsets are in its checkpoint.';
const NOT_OF_TOPICS = {
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
const ALWAYS_REMEMBERED =
  'Every file that was seen is remembered permanently, so each file is read once, even if it is old.';
const ONLY_READS = 'Files that are read may be moved away by another program; the source only reads.';
const ON_DISK = 'Which files are still to be read is kept on disk.';

/** What each format of a source takes. */
export const SOURCES = {
  kafka: {
    name: 'kafka source',
    options: TOPIC_OPTIONS,
    unsupported: NOT_OF_TOPICS,
    others: 'kafka.… (such as kafka.bootstrap.servers)',
  },
  embedded: { name: 'embedded source', options: TOPIC_OPTIONS, unsupported: NOT_OF_TOPICS },
  memory: { name: 'memory source', options: READER_OPTIONS },
  rate: {
    name: 'rate source',
    options: RATE_OPTIONS,
    unsupported: { useManualClock: 'A test brings its clock to the session.' },
  },
  file: {
    name: 'file source',
    options: FILE_OPTIONS,
    unsupported: {
      maxFileAge: ALWAYS_REMEMBERED,
      fileNameOnly: 'All files lie in one folder, where a name is a file.',
      maxBytesPerTrigger:
        'Use maxFilesPerTrigger, or maxOffsetsPerTrigger of the query, which bounds the lines of a batch.',
      cleanSource: ONLY_READS,
      sourceArchiveDir: ONLY_READS,
      maxCachedFiles: ON_DISK,
      discardCachedInputRatio: ON_DISK,
    },
  },
} as const satisfies Readonly<Record<string, OptionOwner>>;

/** The name of a format that `readStream` knows. */
export type SourceFormat = keyof typeof SOURCES;
/** The formats that `readStream` knows. */
export const SOURCE_FORMATS = Object.keys(SOURCES) as readonly SourceFormat[];

/** The options of each format of a source; Kafka's own begin with `kafka.`. [Options](options.md) has them all. */
export type SourceOptions = {
  readonly [Format in SourceFormat]: OptionsOf<(typeof SOURCES)[Format]['options']> &
    (Format extends 'kafka' ? { readonly [name: `kafka.${string}`]: string | number | boolean } : unknown);
};

/** What a query on a topic is told by its reader. */
export type TopicOptions = OptionValues<typeof TOPIC_OPTIONS> & {
  /** How the cluster is reached; of the embedded log, the defaults. */
  readonly kafka: KafkaSettings;
};

/** @throws USAGE, and CONFIG_INVALID for a setting of Kafka */
export function readTopicOptions(format: 'kafka' | 'embedded', given: GivenOptions): TopicOptions {
  const isKafkas = (name: string): boolean =>
    name.toLowerCase().startsWith(KAFKA_PREFIX) && !Object.hasOwn(NOT_OF_TOPICS, name.toLowerCase());
  const entries = Object.entries(given);
  const kafka = entries.filter(([name]) => isKafkas(name));
  const own = readOptions(SOURCES[format], Object.fromEntries(entries.filter(([name]) => !isKafkas(name))));
  const [first] = kafka;
  if (format === 'embedded' && first !== undefined) {
    throw new TallystreamError('USAGE', {
      what: `The embedded source has no option ${first[0]}.`,
      why: 'The embedded log is a file, and no Kafka is asked.',
      hint: `Leave it out, or use format('kafka'). The options are ${Object.keys(TOPIC_OPTIONS).join(', ')}.`,
    });
  }
  const lowerPrefix = kafka.map(([name, value]) => [KAFKA_PREFIX + name.slice(KAFKA_PREFIX.length), value]);
  return { ...own, kafka: readKafkaOptions(Object.fromEntries(lowerPrefix)) };
}

/** @throws USAGE */
export function readRateOptions(given: GivenOptions): OptionValues<typeof RATE_OPTIONS> {
  return readOptions(SOURCES.rate, given);
}

/** @throws USAGE */
export function readFileOptions(given: GivenOptions): OptionValues<typeof FILE_OPTIONS> {
  return readOptions(SOURCES.file, given);
}

/** The error for a path that the file source cannot read. */
export function refusePath(path: string, expected: string): TallystreamError {
  return refuseOption(SOURCES.file, 'path', path, expected);
}

/** Checks the options that a reader was given so far; what has to be given may come later. @throws USAGE, CONFIG_INVALID */
export function checkSourceOptions(format: SourceFormat, given: GivenOptions): void {
  if (format === 'kafka' || format === 'embedded') readTopicOptions(format, given);
  else readOptions(SOURCES[format] as OptionOwner, given);
}

function topicName(): ValueType<string> {
  const expected =
    'one name of 1 to 200 letters, digits, dots, underscores and hyphens: a query reads one topic';
  return text(/^(?!\.{1,2}$)[\w.-]{1,200}$/, expected);
}

/** A number alone is in seconds, and what is left of a second is cut, as in Spark. */
function rampUp(): ValueType<number> {
  const type = duration('0 ms', '365 days');
  return {
    ...type,
    expected: 'a length of time such as 5s, 2m or 1h, up to 365d',
    parse: (raw) => {
      const ns = readNanoseconds(/^[0-9]+$/.test(raw) ? `${raw} s` : raw);
      return ns === undefined || ns < 0n ? mismatch() : type.parse(`${ns / 1_000_000_000n} s`);
    },
  };
}

function falseOnly(why: string): ValueType<boolean> {
  const type = truth();
  return {
    ...type,
    parse: (raw) => {
      const read = type.parse(raw);
      return read.kind === 'value' && read.value
        ? mismatch({ note: `Only false can be set: ${why}.` })
        : read;
    },
  };
}
