/**
 * Reads dead letters for people, one row per statement. So a reader that pauses (a pager, a slow client) holds no snapshot,
 * the runner's WAL can restart, and memory has only one letter at a time. Letters are only appended, never inserted.
 *
 * A letter that does not match its checksum is returned as damaged, even if a filter excludes it, since its fields may be
 * wrong. Missing letters are found before the first one is returned if the count shows it, otherwise after the last one.
 */
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import type { DeadLetter } from '../../contracts/batch.ts';
import type { DeadLetterFilter } from '../../contracts/checkpoint.ts';
import { allRows, plainNumber, type Row } from '../connection.ts';
import { damagedLetter, letterOfRow } from './dead-letter-row.ts';
import { SealSum, sealOf, type TableSeal } from '../seals/seal.ts';
import {
  checkSeal,
  compareKeys,
  crcCell,
  matchesChecksum,
  misordered,
  sumsOf,
} from '../seals/sealed-rows.ts';
import { DEAD_LETTERS, DUPLICATES, selectionOf, type SealedTable } from '../seals/sealed-tables.ts';
import { inSealedSnapshot } from '../seals/sealed-snapshot.ts';

export interface LetterReader {
  readonly database: DatabaseSync;
  readonly location: string;
  readonly topic: string;
}

type Letters = Generator<DeadLetter, void, undefined>;

/** In order of batch, partition, offset: the order in which they were numbered. @throws CHECKPOINT_CORRUPT */
export function* deadLetters(reader: LetterReader, filter: DeadLetterFilter): Letters {
  const { partition, offset } = filter;
  if (partition !== undefined && offset !== undefined) {
    const found = letterAt(reader, partition, offset);
    if (found !== undefined) {
      if (isAsked(found, filter)) yield found;
      return;
    }
  }
  for (const row of rowsOf(reader, DEAD_LETTERS, 1)) {
    const letter = row.isAsWritten ? letterOfRow(row.cells) : damagedLetter(row.cells);
    if (isAsked(letter, filter)) yield letter;
  }
}

/** Duplicates in the same order. Only their positions are kept; the bytes and the timestamp are in the log. */
export function* duplicates(reader: LetterReader, filter: DeadLetterFilter): Letters {
  const asked = { ...filter, reason: 'DUPLICATE' as const };
  for (const { cells, isAsWritten } of rowsOf(reader, DUPLICATES, DUPLICATES_PER_QUERY)) {
    const row = [...cells, 'DUPLICATE', null, '', '', reader.topic, null, null, null, null];
    const letter = isAsWritten ? letterOfRow(row) : damagedLetter(row);
    if (isAsked(letter, asked)) yield letter;
  }
}

/** Many positions fit in memory at once, as each has a few bytes; a letter may have a megabyte. */
const DUPLICATES_PER_QUERY = 1000;

function isAsked(letter: DeadLetter, { reason, partition, offset }: DeadLetterFilter): boolean {
  if (letter.damaged === true) return true;
  if (reason !== undefined && letter.reason !== reason) return false;
  if (partition !== undefined && letter.partition !== partition) return false;
  return offset === undefined || letter.offset === offset;
}

/** Looks up by the index on positions; undefined if it does not lead to a sound letter, which proves nothing yet. */
function letterAt({ database }: LetterReader, partition: number, offset: number): DeadLetter | undefined {
  const query = `${selectionOf(DEAD_LETTERS)} WHERE "partition" = ? AND "offset" = ?`;
  const [row] = readable(database, query)([partition, offset]);
  if (row === undefined || !matchesChecksum(row, DEAD_LETTERS)) return undefined;
  return letterOfRow(row.slice(1, -1));
}

interface LetterCells {
  readonly cells: Row;
  readonly isAsWritten: boolean;
}

/** Every row in the order of its key, including rows that are added meanwhile. The first rows must match the seal. */
function* rowsOf(
  { database, location }: LetterReader,
  table: SealedTable,
  rowsPerQuery: number,
): Generator<LetterCells, void, undefined> {
  const sealed = countOf(database, table, location);
  const keys = table.key;
  const order = `ORDER BY ${keys.join(', ')} LIMIT ${rowsPerQuery}`;
  const first = readable(database, `${selectionOf(table)} ${order}`);
  const marks = keys.map(() => '?').join(', ');
  const next = readable(database, `${selectionOf(table)} WHERE (${keys.join(', ')}) > (${marks}) ${order}`);
  const found = new SealSum();
  let isDamaged = false;
  let last: Row | undefined;
  for (;;) {
    const rows = last === undefined ? first() : next(last);
    for (const row of rows) {
      const key = row.slice(0, keys.length);
      if (last !== undefined && compareKeys(last, key) >= 0) throw misordered(table, key, location);
      last = key;
      const isAsWritten = (sealed === undefined && row.at(-1) === null) || matchesChecksum(row, table);
      isDamaged ||= !isAsWritten;
      if (found.rows < (sealed?.rows ?? 0)) found.add(crcCell(row.at(-1)));
      yield { cells: row.slice(keys.length, -1), isAsWritten };
    }
    if (rows.length < rowsPerQuery) break;
  }
  if (sealed === undefined || (isDamaged && found.rows === sealed.rows)) return;
  checkSeal(table, found, { tables: { [table.name]: sealed } }, location);
}

/** The sealed state of the table, if the number of rows agrees. Damaged rows are returned one by one. */
function countOf(database: DatabaseSync, table: SealedTable, location: string): TableSeal | undefined {
  return inSealedSnapshot(database, location, (seal) => {
    if (seal === undefined) return undefined;
    const sealed = sealOf(seal, table.name);
    const { rows } = sumsOf({ database, table });
    if (rows !== sealed.rows) checkSeal(table, { ...sealed, rows }, seal, location);
    return sealed;
  });
}

/** A damaged row may contain a number beyond 2^53, which must not hide the rows after it. */
function readable(database: DatabaseSync, query: string): (values?: Row) => Row[] {
  const statement = database.prepare(query);
  statement.setReadBigInts(true);
  return (values = []) =>
    allRows(statement, ...(values as SQLInputValue[])).map((row) => row.map(plainNumber));
}
