/** The options of `writeStream`, by Structured Streaming's names if it has them. */
import { bytes, duration } from '../values/units.ts';
import { anyText, integer, oneOf, orOff, orWord } from '../values/values.ts';
import {
  option,
  optionalText,
  truth,
  type GivenBoolean,
  type GivenDuration,
  type GivenNumber,
  type GivenSize,
  type OptionsOf,
} from './option.ts';

const RECORDS_MAX = 999_999_999_999_999;

/** A reader takes these two as well, as in Spark. */
export const READER_OPTIONS = {
  maxOffsetsPerTrigger: option<number, GivenNumber>(
    integer(1, RECORDS_MAX),
    '500000',
    'The most records of a batch, or one more a partition.',
  ),
  failOnDataLoss: option<boolean, GivenBoolean>(
    truth(),
    'true',
    'Whether the query ends if records were removed before it read them; with false it notes which, and reads on.',
  ),
};

export const QUERY_OPTIONS = {
  checkpointLocation: optionalText(
    'The folder of the checkpoint; without it `<dataDir>/checkpoints/<queryName>`.',
  ),
  timeZone: option<string, string>(anyText(), 'UTC', 'The time zone of days and of windows of whole days.'),
  idleTimeout: option<number, GivenDuration>(
    duration('0 seconds', '36500 days'),
    '1 minute',
    'A partition without new events for this long no longer holds back the watermark.',
  ),
  clockSkewMax: option<number | null, GivenDuration | 'off'>(
    orOff(duration('0 seconds', '36500 days')),
    '10 minutes',
    'How far the clock may jump, or be behind the newest records; off is no bound.',
  ),
  ...READER_OPTIONS,
  workers: option<number | null, GivenNumber | 'auto'>(
    orWord(integer(0, 1024), 'auto', null),
    'auto',
    'Threads that decode large batches; auto is two less than there are cores, and 4 at most.',
  ),
  stateBytesMax: option<number | null, GivenSize | 'auto'>(
    orWord(bytes('1 B', '1024 TiB'), 'auto', null),
    'auto',
    "The most memory for groups and remembered ids; auto is half of what Node's heap may grow to, and 1 GiB at most.",
  ),
  valueBytesMax: option<number, GivenSize>(
    bytes('1 B', '1024 TiB'),
    '1 MiB',
    'A record with a larger value is a dead letter.',
  ),
  assumeTimeZone: optionalText(
    'The time zone of a timestamp that names none; without it such an event is invalid.',
  ),
  takeOver: option<boolean, GivenBoolean>(
    truth(),
    'false',
    'Whether to take the checkpoint from a suspended runner; its later commits are rejected.',
  ),
  deadLetterBytesMax: option<number, GivenSize>(
    bytes('0 B', '1024 TiB'),
    '1 GiB',
    'The most bytes of dead letters that the checkpoint keeps.',
  ),
  deadLettersWhenFull: option<'stop' | 'positions', 'stop' | 'positions'>(
    oneOf(['stop', 'positions']),
    'stop',
    'At that limit, stop ends the query, and positions keeps where each event is without its bytes.',
  ),
};

/** The options of `writeStream`; [Options](options.md) has them all. */
export type QueryOptions = OptionsOf<typeof QUERY_OPTIONS>;
