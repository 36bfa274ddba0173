/** The column names of an aggregate's table. */
import type { Aggregate } from '../../plan/query-plan.ts';
import { quoted } from '../connection.ts';

/** In addition to the columns for keys and measures. Names in a plan contain no colon, so these cannot collide. */
export const GROUP_KEY = '"group:key"';
export const GROUP_STATE = '"group:state"';
export const GROUP_CLOSED = '"group:closed"';
export const GROUP_CRC = '"group:crc32"';

/** A table is named after its aggregate. */
export const AGGREGATE_TABLE_PREFIX = 'aggregate_';

export function tableOf({ name }: Aggregate): string {
  return `${AGGREGATE_TABLE_PREFIX}${name}`;
}

/** The columns for people: keys, then measures. A window has two. */
export function shownColumns({ keys, measures }: Aggregate): string[] {
  return [
    ...keys.flatMap(({ kind, name }) =>
      kind === 'window' || kind === 'sessionWindow' ? [`${name}_start`, `${name}_end`] : [name],
    ),
    ...measures.map(({ name }) => name),
  ];
}

/** The columns that a group's checksum covers, in this order. */
export function aggregateColumns(aggregate: Aggregate): string[] {
  return [GROUP_KEY, ...shownColumns(aggregate).map(quoted), GROUP_STATE, GROUP_CLOSED];
}
