import { key } from '../values/key.ts';
import { bytes, duration } from '../values/units.ts';
import { decimal, integer, orWord } from '../values/values.ts';

/** The keys of the section `producer`. */
export const PRODUCER_KEYS = {
  ratePerSecond: key(
    'rate',
    orWord(decimal(0.001, 10_000_000), 'max', 'max' as const),
    '10',
    'Events a second that produce and demo write, or max for as many as the log takes.',
    { flag: { name: 'rate', argument: 'R|max' } },
  ),
  batchRecordsMax: key(
    'batch_records_max',
    integer(1, 100_000),
    '500',
    'A batch of records is sent when it holds this many.',
  ),
  batchBytesMax: key(
    'batch_bytes_max',
    bytes('1 KiB', '64 MiB'),
    '1 MiB',
    'A batch of records is sent with the record that brings it to this size, over all partitions together.',
  ),
  lingerMs: key(
    'linger',
    duration('0 ms', '1 minute'),
    '5 ms',
    'How long a batch that is not full waits for more records: up to 5 ms only while other appends are under way, longer in any case.',
  ),
  retries: key(
    'retries',
    orWord(integer(0, 2_147_483_647), 'unlimited', Number.POSITIVE_INFINITY),
    'unlimited',
    'How many times a batch that the log refuses for now is tried again within retry_timeout, where 0 is one try and no other.',
  ),
  retryTimeoutMs: key(
    'retry_timeout',
    duration('0 seconds', '1 day'),
    '2 minutes',
    'How long a batch that the log refuses for now is tried again before produce gives up.',
  ),
} as const;
