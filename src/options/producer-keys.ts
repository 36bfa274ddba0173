import { key } from '../values/key.ts';
import { bytes, duration } from '../values/units.ts';
import { decimal, integer, orWord } from '../values/values.ts';

/** The keys of the section `producer`. */
export const PRODUCER_KEYS = {
  ratePerSecond: key(
    'rate',
    orWord(decimal(0.001, 10_000_000), 'max', 'max' as const),
    '10',
    'Events per second that produce and demo write; max is as fast as the log accepts them.',
    { flag: { name: 'rate', argument: 'R|max' } },
  ),
  batchRecordsMax: key(
    'batch_records_max',
    integer(1, 100_000),
    '500',
    'A batch is sent when it contains this many records.',
  ),
  batchBytesMax: key(
    'batch_bytes_max',
    bytes('1 KiB', '64 MiB'),
    '1 MiB',
    'A batch is sent when it reaches this size, over all partitions together.',
  ),
  lingerMs: key(
    'linger',
    duration('0 ms', '1 minute'),
    '5 ms',
    'How long a batch that is not full waits for more records. Up to 5 ms, it waits only while other appends are in progress; a longer time always applies.',
  ),
  retries: key(
    'retries',
    orWord(integer(0, 2_147_483_647), 'unlimited', Number.POSITIVE_INFINITY),
    'unlimited',
    'How often a batch is retried within retry_timeout if the log temporarily rejects it; 0 means one attempt.',
  ),
  retryTimeoutMs: key(
    'retry_timeout',
    duration('0 seconds', '1 day'),
    '2 minutes',
    'How long a batch is retried before produce fails, if the log temporarily rejects it.',
  ),
} as const;
