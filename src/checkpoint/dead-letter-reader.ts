/**
 * Dead letters for people, one row a query: a reader that pauses (a pager, a slow client) holds no snapshot, so the
 * runner's WAL can start again, and never has more than one letter in memory. Letters are only ever added behind.
 */
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import type { DeadLetter } from '../contracts/batch.ts';
import type { DeadLetterFilter } from '../contracts/checkpoint.ts';
import type { TallystreamError } from '../errors.ts';
import { firstRow } from './database.ts';
import { letterOfRow } from './dead-letter-row.ts';
import { corrupt } from './failure.ts';
import { DEAD_LETTER_COLUMNS } from './tables.ts';

/**
 * In order of batch, partition, offset: the order in which they were numbered.
 * @throws CHECKPOINT_CORRUPT if the pages of the table lead back to a letter that came before
 */
export function* deadLetters(
  database: DatabaseSync,
  filter: DeadLetterFilter,
  location: string,
): Generator<DeadLetter, void, undefined> {
  const { where, values } = conditions(filter);
  const next = database.prepare(
    `SELECT id, ${DEAD_LETTER_COLUMNS} FROM dead_letters WHERE id > ?${where} ORDER BY id LIMIT 1`,
  );
  next.setReadBigInts(true);
  let id = 0n;
  for (;;) {
    const row = firstRow(next, id, ...values);
    if (row === undefined) return;
    const found = row[0] as bigint;
    if (found <= id) throw outOfOrder(location, 'dead_letters', `letter ${found} comes after letter ${id}`);
    yield letterOfRow(row.slice(1));
    id = found;
  }
}

/**
 * Duplicates in the same order. Only their positions are kept: the bytes, and the timestamp, are in the log.
 * @throws CHECKPOINT_CORRUPT if the pages of the table lead back to one that came before
 */
export function* duplicates(
  database: DatabaseSync,
  { topic, location }: { readonly topic: string; readonly location: string },
  filter: DeadLetterFilter,
): Generator<DeadLetter, void, undefined> {
  const { where, values } = conditions({ ...filter, reason: undefined });
  const next = database.prepare(
    `SELECT batch_id, "partition", "offset" FROM duplicates WHERE (batch_id, "partition", "offset") > (?, ?, ?)${where}
     ORDER BY batch_id, "partition", "offset" LIMIT 1`,
  );
  let position: readonly number[] = [-1, -1, -1];
  for (;;) {
    const row = firstRow(next, ...position, ...values);
    if (row === undefined) return;
    const found = row as number[];
    if (!isAfter(found, position)) {
      throw outOfOrder(
        location,
        'duplicates',
        `the row ${found.join(', ')} comes after ${position.join(', ')}`,
      );
    }
    position = found;
    yield letterOfRow([...row, 'DUPLICATE', null, '', '', topic, null, null, null, null]);
  }
}

/**
 * SQLite takes the order of a page for granted. If a damaged page leads back to an earlier one, asking for what follows a
 * row gives an earlier row, and so without end.
 */
function outOfOrder(location: string, table: string, why: string): TallystreamError {
  return corrupt(location, `The table ${table} is out of order: ${why}.`);
}

function isAfter(found: readonly number[], before: readonly number[]): boolean {
  const first = found.findIndex((cell, index) => cell !== before[index]);
  return first >= 0 && (found[first] as number) > (before[first] as number);
}

/**
 * A unary plus keeps SQLite from an index whose order is not the order of reading, which would sort the rest of the
 * table for every row. A full position names one letter, so there its index is right.
 */
function conditions(filter: { [Name in keyof DeadLetterFilter]?: DeadLetterFilter[Name] | undefined }): {
  where: string;
  values: SQLInputValue[];
} {
  const { reason, partition, offset } = filter;
  const exact = partition !== undefined && offset !== undefined;
  const plus = exact ? '' : '+';
  const parts: [string, SQLInputValue | undefined][] = [
    [`${exact ? '+' : ''}reason = ?`, reason],
    [`${plus}"partition" = ?`, partition],
    [`${plus}"offset" = ?`, offset],
  ];
  const asked = parts.filter(([, value]) => value !== undefined);
  return {
    where: asked.map(([condition]) => ` AND ${condition}`).join(''),
    values: asked.map(([, value]) => value as SQLInputValue),
  };
}
