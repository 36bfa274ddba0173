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

/** What stands for `<data-dir>/checkpoints/<query>-<log>-<topic>`; a folder of that name would be written `./auto`. */
export const AUTO = 'auto';

/** Every key, by the section and the name under which {@link Config} has it. */
export const TABLE = {
  dataDir: key(
    'data_dir',
    folder(),
    'data',
    'Folder for the embedded log and the checkpoints, relative to the folder that the command is started in.',
    { flag: { name: 'data-dir', argument: 'DIR' } },
  ),
  log: {
    type: key(
      'type',
      oneOf(['embedded', 'kafka']),
      'embedded',
      'Where events are kept: embedded is a SQLite file in the data folder, kafka is an Apache Kafka cluster.',
      { flag: { name: 'log', argument: 'embedded|kafka' } },
    ),
    topic: key(
      'topic',
      NAME,
      'purchasing_events',
      'The topic that is written by produce and read by the query.',
      {
        flag: { name: 'topic', argument: 'NAME' },
      },
    ),
    partitions: key(
      'partitions',
      integer(1, 1000),
      '4',
      'Partitions of the topic where it does not exist yet; an existing topic keeps its own.',
    ),
    retentionMs: key(
      'retention',
      orOff(duration('1 second', '3650 days')),
      'off',
      'Records older than this are removed from the topic, or off to keep them for ever.',
    ),
    retentionBytes: key(
      'retention_bytes',
      orOff(bytes('64 KiB', '1024 TiB')),
      'off',
      'The oldest records of a partition that holds more than this are removed from the topic, or off for no bound.',
    ),
  },
  kafka: KAFKA_KEYS,
  producer: PRODUCER_KEYS,
  query: {
    name: key(
      'name',
      NAME,
      'purchase-totals',
      'Name of the query, in its output and in the default of its checkpoint.',
    ),
    checkpointLocation: key(
      'checkpoint_location',
      folder(),
      AUTO,
      'Folder of the checkpoint, where auto is <data_dir>/checkpoints/<query>-<log>-<topic>.',
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
      'Time from the start of one batch to the start of the next, where 0 seconds is as fast as possible.',
    ),
    watermarkDelayMs: key(
      'watermark_delay',
      orOff(duration('0 seconds', '3650 days')),
      '1 hour',
      'An event this much older than the newest of its partition is late; with off nothing is late, and event ids are remembered for ever.',
    ),
    idleTimeoutMs: key(
      'idle_timeout',
      duration('0 seconds', '30 days'),
      '1 minute',
      'A partition that is read to its end and brings nothing for this long stops holding the watermark back.',
    ),
    timeZone: key('time_zone', timeZone(), 'UTC', 'The time zone whose days the daily totals are for.'),
    futureToleranceMs: key(
      'future_tolerance',
      duration('0 seconds', '3650 days'),
      '5 minutes',
      'An event whose timestamp is further ahead of the clock than this is invalid.',
    ),
    clockSkewMaxMs: key(
      'clock_skew_max',
      orOff(duration('1 second', '3650 days')),
      '10 minutes',
      "How far this machine's clock may be behind the newest records before the query does not start, and how far it may jump before a warning; off is no bound.",
    ),
    maxOffsetsPerTrigger: key(
      'max_offsets_per_trigger',
      integer(1, 10_000_000),
      '500000',
      'The most records that one batch takes, or one more a partition, since none is left out; it bounds the memory of a batch and what is read again after a crash.',
    ),
    workers: key(
      'workers',
      orWord(integer(0, 64), AUTO, null),
      AUTO,
      'Threads that decode and check the events of large batches beside the main one; auto is two less than there are cores, and 4 at most. The totals do not depend on it.',
    ),
    stateBytesMax: key(
      'state_bytes_max',
      orWord(bytes('1 MiB', '1024 TiB'), AUTO, null),
      AUTO,
      "The most memory for what the query keeps between batches, its groups and the ids that it remembers; at it the query stops with the reason, and goes on where it was with more. auto is half of what Node's heap may grow to, and 1 GiB at most.",
    ),
    deadLetterBytesMax: key(
      'dead_letter_bytes_max',
      bytes('0 B', '1024 TiB'),
      '1 GiB',
      'The most bytes of invalid and late events that the checkpoint keeps.',
    ),
    failOnDataLoss: key(
      'fail_on_data_loss',
      boolean(),
      'true',
      'Whether a query ends where records were removed from the log before it read them; with false it notes which, says so, and goes on.',
    ),
    deadLettersWhenFull: key(
      'dead_letters_when_full',
      oneOf(['stop', 'positions']),
      'stop',
      'What happens at that limit: stop ends the query with the reason, positions goes on and keeps where each event lies without its bytes.',
    ),
  },
  validation: {
    assumeTimeZone: key(
      'assume_time_zone',
      orOff(timeZone()),
      'off',
      'The time zone of a timestamp that names none, or off to take such an event as invalid.',
    ),
    valueBytesMax: key(
      'value_bytes_max',
      bytes('1 B', '16 MiB'),
      '1 MiB',
      'A record with a larger value is a dead letter (TOO_LARGE) and is not parsed.',
    ),
  },
  ui: {
    port: key(
      'port',
      orOff(port()),
      '4040',
      'Port of the live page (comes with a later version), where 0 is any free one and off is no page.',
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
      'How lines are logged: json is one object a line, pretty is for people, auto is pretty on a terminal and json elsewhere.',
    ),
    mask: key(
      'mask',
      boolean(),
      'true',
      'Whether customer ids are masked in what is logged; secrets always are.',
    ),
  },
} as const;

/**
 * The configuration, checked. Units stand last (`…Ms`, `…Bytes`); null is the file's `off`; folders are absolute paths, and
 * `query.checkpointLocation` is never `auto`.
 */
export type Config = ValuesOf<typeof TABLE>;
