import { LOG_LEVELS } from '../../contracts/logger.ts';
import { KAFKA_KEYS } from '../../options/kafka-keys.ts';
import { PRODUCER_KEYS } from '../../options/producer-keys.ts';
import { key, type ValuesOf } from '../../values/key.ts';
import { bytes, duration } from '../../values/units.ts';
import { boolean, folder, integer, oneOf, orOff, orWord, port, text, timeZone } from '../../values/values.ts';

/** Names of queries and topics: Kafka's rule for topics. They are also names of folders, which rules out `.` and `..`. */
const NAME = text(
  /^(?!\.{1,2}$)[a-zA-Z0-9._-]{1,200}$/,
  'a name of 1 to 200 letters, digits, dots, underscores and hyphens',
);

/** The word for `<data-dir>/checkpoints/<query>-<log>-<topic>`. Write `./auto` for a folder with this name. */
export const AUTO = 'auto';

/** Every key, by its section and property name in {@link Config}. */
export const TABLE = {
  dataDir: key(
    'data_dir',
    folder(),
    'data',
    'Folder for the embedded log and the checkpoints, relative to the current folder.',
    { flag: { name: 'data-dir', argument: 'DIR' } },
  ),
  log: {
    type: key(
      'type',
      oneOf(['embedded', 'kafka']),
      'embedded',
      'Log to use: embedded is a SQLite file in the data folder, kafka is an Apache Kafka cluster.',
      { flag: { name: 'log', argument: 'embedded|kafka' } },
    ),
    topic: key('topic', NAME, 'purchasing_events', 'Topic that produce writes and the query reads.', {
      flag: { name: 'topic', argument: 'NAME' },
    }),
    partitions: key(
      'partitions',
      integer(1, 1000),
      '4',
      'Number of partitions if the topic is created; an existing topic keeps its own.',
    ),
    retentionMs: key(
      'retention',
      orOff(duration('1 second', '3650 days')),
      'off',
      'Records older than this are removed from the topic; off keeps them without a time limit.',
    ),
    retentionBytes: key(
      'retention_bytes',
      orOff(bytes('64 KiB', '1024 TiB')),
      'off',
      'If a partition is larger than this, its oldest records are removed; off sets no limit.',
    ),
  },
  kafka: KAFKA_KEYS,
  producer: PRODUCER_KEYS,
  query: {
    name: key(
      'name',
      NAME,
      'purchase-totals',
      'Name of the query. It is part of the output and of the default checkpoint folder.',
    ),
    checkpointLocation: key(
      'checkpoint_location',
      folder(),
      AUTO,
      'Folder of the checkpoint; auto is <data_dir>/checkpoints/<query>-<log>-<topic>.',
    ),
    outputMode: key(
      'output_mode',
      oneOf(['update', 'complete', 'append'], {
        complete:
          'The output mode complete comes with a later version; update shows what each batch changed.',
        append: 'The output mode append comes with a later version; update shows what each batch changed.',
      }),
      'update',
      'What a batch shows: update is what it changed (complete and append come with a later version).',
    ),
    triggerMs: key(
      'trigger',
      duration('0 seconds', '1 day'),
      '10 seconds',
      'Time from the start of one batch to the start of the next; 0 seconds is as fast as possible.',
    ),
    watermarkDelayMs: key(
      'watermark_delay',
      orOff(duration('0 seconds', '3650 days')),
      '1 hour',
      'An event this much older than the newest of its partition is late. With off, no event is late, and all event ids are kept.',
    ),
    idleTimeoutMs: key(
      'idle_timeout',
      duration('0 seconds', '30 days'),
      '1 minute',
      'A partition without new events for this long no longer holds back the watermark.',
    ),
    timeZone: key('time_zone', timeZone(), 'UTC', 'Time zone of the days in the daily totals.'),
    futureToleranceMs: key(
      'future_tolerance',
      duration('0 seconds', '3650 days'),
      '5 minutes',
      'An event is invalid if its timestamp is further ahead of the clock than this.',
    ),
    clockSkewMaxMs: key(
      'clock_skew_max',
      orOff(duration('1 second', '3650 days')),
      '10 minutes',
      "The query does not start if this machine's clock is further behind the newest records than this, and it warns if the clock jumps further than this; off sets no limit.",
    ),
    maxOffsetsPerTrigger: key(
      'max_offsets_per_trigger',
      integer(1, 10_000_000),
      '500000',
      'Maximum records of one batch, plus up to one per partition, since every partition takes part. It limits the memory of a batch, and what is read again after a crash.',
    ),
    workers: key(
      'workers',
      orWord(integer(0, 64), AUTO, null),
      AUTO,
      'Number of worker threads that decode and check the events of large batches; auto is the number of cores minus two, at most 4. The totals do not depend on it.',
    ),
    stateBytesMax: key(
      'state_bytes_max',
      orWord(bytes('1 MiB', '1024 TiB'), AUTO, null),
      AUTO,
      "Maximum memory for what the query keeps between batches: groups and event ids. At this limit the query stops and says why; raise it and start again to continue. auto is half of Node's heap limit, at most 1 GiB.",
    ),
    deadLetterBytesMax: key(
      'dead_letter_bytes_max',
      bytes('0 B', '1024 TiB'),
      '1 GiB',
      'Maximum bytes of invalid and late events in the checkpoint.',
    ),
    failOnDataLoss: key(
      'fail_on_data_loss',
      boolean(),
      'true',
      'Whether the query stops if records were removed from the log before it read them. With false, it records and reports which ones, and continues.',
    ),
    deadLettersWhenFull: key(
      'dead_letters_when_full',
      oneOf(['stop', 'positions']),
      'stop',
      'What happens at dead_letter_bytes_max: stop ends the query and says why; positions continues, and keeps the position of each event without its bytes.',
    ),
  },
  validation: {
    assumeTimeZone: key(
      'assume_time_zone',
      orOff(timeZone()),
      'off',
      'Time zone of timestamps without one; off rejects such events as invalid.',
    ),
    valueBytesMax: key(
      'value_bytes_max',
      bytes('1 B', '16 MiB'),
      '1 MiB',
      'A record with a larger value becomes a dead letter (TOO_LARGE) and is not parsed.',
    ),
  },
  ui: {
    port: key(
      'port',
      orOff(port()),
      '4040',
      'Port of the live page (available in a later version); 0 is any free port, off disables the page.',
      { flag: { name: 'ui-port', argument: 'N|off' } },
    ),
  },
  logging: {
    level: key(
      'level',
      oneOf(LOG_LEVELS),
      'info',
      'The least important lines that are logged, from debug to error.',
      {
        flag: { name: 'log-level', argument: 'LEVEL' },
      },
    ),
    format: key(
      'format',
      oneOf(['auto', 'json', 'pretty']),
      'auto',
      'Format of log lines: json is one object per line, pretty is for people, auto is pretty on a terminal and json otherwise.',
    ),
    mask: key('mask', boolean(), 'true', 'Whether customer ids are masked in log lines; secrets always are.'),
  },
} as const;

/**
 * The checked configuration. Units come last (`…Ms`, `…Bytes`); null is the file's `off`; folders are absolute paths, and
 * `query.checkpointLocation` is never `auto`.
 */
export type Config = ValuesOf<typeof TABLE>;
