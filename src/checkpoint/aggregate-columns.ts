/** The names in an aggregate's table. */
import type { Aggregate } from '../plan/query-plan.ts';
import { quoted } from './connection.ts';

/** Beside the columns that are named after keys and measures; names of a plan hold no colon. */
export const GROUP_KEY = '"group:key"';
export const GROUP_STATE = '"group:state"';
export const GROUP_CLOSED = '"group:closed"';
export const GROUP_CRC = '"group:crc32"';

/** A table is named after its aggregate. */
export const AGGREGATE_TABLE_PREFIX = 'aggregate_';

export function tableOf({ name }: Aggregate): string {
  return `${AGGREGATE_TABLE_PREFIX}${name}`;
}

/** The columns that people read: keys, then measures. A window has two. */
export function shownColumns({ keys, measures }: Aggregate): string[] {
  return [
    ...keys.flatMap(({ kind, name }) =>
      kind === 'window' || kind === 'sessionWindow' ? [`${name}_start`, `${name}_end`] : [name],
    ),
    ...measures.map(({ name }) => name),
  ];
}

/** What a group's checksum covers, in this order. */
export function aggregateColumns(aggregate: Aggregate): string[] {
  return [GROUP_KEY, ...shownColumns(aggregate).map(quoted), GROUP_STATE, GROUP_CLOSED];
}
