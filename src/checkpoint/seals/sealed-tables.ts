/**
 * Every sealed table of a checkpoint, which is every table except the seal itself. Each row has a checksum of its cells, and
 * the seal has the number of rows and the sums of their checksums. A new table needs one entry here.
 */
import type { Aggregate } from '../../plan/query-plan.ts';
import { aggregateColumns, GROUP_CRC, GROUP_KEY, tableOf } from '../tables/aggregate-columns.ts';
import { quoted } from '../connection.ts';
import { DEAD_LETTER_COLUMNS } from '../tables/tables.ts';

export interface SealedTable {
  readonly name: string;
  /** The columns of its primary key, in their order; names are quoted here if SQL needs it. */
  readonly key: readonly string[];
  /** The columns that the checksum of a row covers, in this order. */
  readonly columns: readonly string[];
  /** The column of the checksum. */
  readonly crc: string;
  /** Whether it can have integers beyond 2^53, which are read as bigints. */
  readonly hasBigIntegers?: true;
}

function table(name: string, key: readonly string[], columns: readonly string[]): SealedTable {
  return { name, key, columns, crc: 'crc32' };
}

const COUNTS = ['read', 'accepted', 'invalid', 'duplicate', 'late'] as const;
const POSITION = ['"partition"', '"offset"'] as const;

const META_COLUMNS =
  'id, query_id, query_name, topic, log_format, fingerprint, aggregates, hash_key, hash_key_crc32, created_at_ms, epoch, lock_pid, lock_since_ms';
export const META = table('meta', ['id'], META_COLUMNS.split(', '));
export const ACCOUNTING = table('accounting', ['id'], ['id', ...COUNTS, 'dead_letter_bytes']);
export const PLANS = table('plans', ['batch_id'], ['batch_id', 'plan']);
/**
 * The checksum does not cover the mark of a printed report, so setting the mark does not change the seal. The mark is either
 * 0 or the checksum of the row.
 */
export const COMMITS = table(
  'commits',
  ['batch_id'],
  ['batch_id', ...COUNTS, 'watermark_micros', 'progress', 'report'],
);
export const PARTITIONS = table(
  'partitions',
  ['"partition"'],
  ['"partition"', 'next_offset', 'max_event_micros', 'active_at_ms'],
);
/** The checksum does not cover the number: it is assigned when the letter is moved into the table, and only gives the order. */
export const DEAD_LETTERS: SealedTable = {
  ...table('dead_letters', ['id'], DEAD_LETTER_COLUMNS.split(', ')),
  hasBigIntegers: true,
};
export const DUPLICATES = table('duplicates', ['batch_id', ...POSITION], ['batch_id', ...POSITION]);
export const DEDUPE_SEGMENTS = table('dedupe_segments', ['segment'], ['segment', 'entries']);
export const DEDUPE_APPENDED = table('dedupe_appended', ['batch_id'], ['batch_id', 'entries']);
export const REDRIVEN = table('redriven', ['topic_id', ...POSITION], ['topic_id', ...POSITION]);
export const LOST_RANGES = table(
  'lost_ranges',
  ['batch_id', '"partition"', 'start_offset'],
  ['batch_id', '"partition"', 'start_offset', 'end_offset'],
);

export const HISTORY_MARKS = table(
  'history_marks',
  ['"partition"', 'next_offset'],
  ['"partition"', 'next_offset', 'base_offset', 'checksum', 'leader_epoch', 'chain'],
);
export const DATA_LOSSES = table(
  'data_losses',
  ['id'],
  [
    'id',
    '"partition"',
    'start_offset',
    'end_offset',
    'kind',
    'why',
    'raised_at_ms',
    'accepted_at_ms',
    'batch_id',
  ],
);

/** Read and checked completely at each start, since every verdict depends on them. They are small, or needed in memory. */
export const CHECKED_AT_START: readonly SealedTable[] = [
  META,
  ACCOUNTING,
  PLANS,
  COMMITS,
  PARTITIONS,
  REDRIVEN,
  LOST_RANGES,
  HISTORY_MARKS,
  DATA_LOSSES,
];

/** These may be large, and are for people. At a start, only their number of rows and the sums of their checksums are checked. */
export const COUNTED_AT_START: readonly SealedTable[] = [DEAD_LETTERS, DUPLICATES];

/** All tables except those of aggregates, which the plan names. */
export const SEALED_TABLES: readonly SealedTable[] = [
  ...CHECKED_AT_START,
  ...COUNTED_AT_START,
  DEDUPE_SEGMENTS,
  DEDUPE_APPENDED,
];

export function sealedAggregate(aggregate: Aggregate): SealedTable {
  const name = tableOf(aggregate);
  return { name, key: [GROUP_KEY], columns: aggregateColumns(aggregate), crc: GROUP_CRC };
}

/** A selection of whole rows: the key, the columns that the checksum covers, and the checksum. */
export function selectionOf({ name, key, columns, crc }: SealedTable): string {
  return `SELECT ${[...key, ...columns, crc].join(', ')} FROM ${quoted(name)}`;
}
