/**
 * One table an aggregate, made from the plan's data, so that anybody with a SQLite client can read the totals. Every row
 * carries a CRC-32 of all its columns, since SQLite has none and a flipped bit would be a wrong total.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { invariant, TallystreamError } from '../errors.ts';
import type { AggregateChange, GroupCell, GroupRow } from '../contracts/batch.ts';
import type { Aggregate } from '../plan/query-plan.ts';
import { eachRow, firstRow, quoted, type Cell, type Row } from './database.ts';
import { corrupt } from './failure.ts';
import { parseState, stateText } from './group-json.ts';
import { crcOfCells } from './row-crc.ts';

/** A table is named after its aggregate. */
export const AGGREGATE_TABLE_PREFIX = 'aggregate_';

/** Beside the columns that are named after keys and measures; names of a plan hold no colon. */
const GROUP_KEY = '"group:key"';
const STATE = '"group:state"';
const CLOSED = '"group:closed"';
const CRC = '"group:crc32"';

/**
 * Creates the tables: a column a key and a measure, as people see them (a window has two, named `…_start` and `…_end`),
 * and beside them the key as JSON, the state of measures that do not tell it themselves, whether the group is closed, and
 * the checksum of all these.
 */
export function createAggregateTables(database: DatabaseSync, aggregates: readonly Aggregate[]): void {
  checkNames(aggregates.map((aggregate) => aggregate.name));
  for (const aggregate of aggregates) {
    const names = columnsOf(aggregate);
    checkNames(names);
    const columns = [
      `${GROUP_KEY} TEXT PRIMARY KEY`,
      ...names.map((name) => `${quoted(name)} ANY`),
      `${STATE} TEXT`,
      `${CLOSED} INTEGER NOT NULL`,
      `${CRC} INTEGER NOT NULL`,
    ];
    database.exec(`CREATE TABLE ${tableOf(aggregate)} (${columns.join(', ')}) STRICT, WITHOUT ROWID`);
  }
}

/** The columns that people read: keys, then measures. */
function columnsOf({ keys, measures }: Aggregate): string[] {
  return [
    ...keys.flatMap(({ kind, name }) =>
      kind === 'window' || kind === 'sessionWindow' ? [`${name}_start`, `${name}_end`] : [name],
    ),
    ...measures.map(({ name }) => name),
  ];
}

/** What the statements of one aggregate write and read, in this order; its checksum is over all but itself. */
function storedColumns(aggregate: Aggregate): string[] {
  return [GROUP_KEY, ...columnsOf(aggregate).map(quoted), STATE, CLOSED, CRC];
}

/** The groups as committed, ordered by key; those that are still open, or all. @throws CHECKPOINT_CORRUPT */
export function* groupsOf(
  database: DatabaseSync,
  aggregate: Aggregate,
  { which, location }: { readonly which: 'open' | 'all'; readonly location: string },
): Generator<GroupRow, void, undefined> {
  const where = which === 'open' ? `WHERE ${CLOSED} = 0` : '';
  const statement = database.prepare(`${selectGroups(aggregate)} ${where} ORDER BY ${GROUP_KEY}`);
  for (const row of eachRow(statement)) yield groupRowOf(row, aggregate, location);
}

/** One group as committed, open or closed. @throws CHECKPOINT_CORRUPT */
export function groupOf(
  database: DatabaseSync,
  aggregate: Aggregate,
  { key, location }: { readonly key: readonly GroupCell[]; readonly location: string },
): GroupRow | undefined {
  const statement = database.prepare(`${selectGroups(aggregate)} WHERE ${GROUP_KEY} = ?`);
  const row = firstRow(statement, JSON.stringify(key));
  return row === undefined ? undefined : groupRowOf(row, aggregate, location);
}

function selectGroups(aggregate: Aggregate): string {
  return `SELECT ${storedColumns(aggregate).join(', ')} FROM ${tableOf(aggregate)}`;
}

function groupRowOf(row: Row, aggregate: Aggregate, location: string): GroupRow {
  if (!isAsWritten(row)) {
    const why = `In the table aggregate_${aggregate.name}, the group ${String(row[0])} does not match its checksum.`;
    throw corrupt(location, why);
  }
  const [key, state] = [row[0] as string, row.at(-3)];
  const parsed = JSON.parse(key) as GroupCell[];
  if (state !== null) return { key: parsed, ...parseState(state as string) };
  const measures = row.slice(1 + keyCellsOf(aggregate), -3) as GroupCell[];
  return { key: parsed, measures };
}

function isAsWritten(row: Row): boolean {
  return crcOfCells(row, row.length - 1) === row.at(-1);
}

/** How many groups can still change, and how many are final. */
export function countGroups(database: DatabaseSync, aggregate: Aggregate): { open: number; closed: number } {
  const row = firstRow(
    database.prepare(`SELECT count(*), coalesce(sum(${CLOSED}), 0) FROM ${tableOf(aggregate)}`),
  );
  const [all, closed] = row as [number, number];
  return { open: all - closed, closed };
}

/** A group as it is stored, for whoever checks it. */
export interface StoredGroup {
  readonly key: Cell | undefined;
  readonly state: Cell | undefined;
  /** Whether its row matches its checksum. */
  readonly isAsWritten: boolean;
}

/** Every group's key and state as they are stored. */
export function* storedGroups(
  database: DatabaseSync,
  aggregate: Aggregate,
): Generator<StoredGroup, void, undefined> {
  for (const row of eachRow(database.prepare(`${selectGroups(aggregate)} ORDER BY ${GROUP_KEY}`))) {
    yield { key: row[0], state: row.at(-3), isAsWritten: isAsWritten(row) };
  }
}

/** The cells of a group's key: a window has its start and its end. */
export function keyCellsOf({ keys }: Aggregate): number {
  return keys.reduce((cells, { kind }) => cells + (kind === 'window' || kind === 'sessionWindow' ? 2 : 1), 0);
}

/** @throws CHECKPOINT_QUERY_CHANGED that names the aggregates there are */
export function aggregateNamed(aggregates: readonly Aggregate[], name: string, location: string): Aggregate {
  const found = aggregates.find((aggregate) => aggregate.name === name);
  if (found !== undefined) return found;
  throw new TallystreamError('CHECKPOINT_QUERY_CHANGED', {
    what: `The checkpoint in ${location} holds no totals named ${name}.`,
    why: `It was written by a query with these: ${aggregates.map((aggregate) => aggregate.name).join(', ') || 'none'}.`,
    mend: 'Ask for one of these, or name the checkpoint of the query that is meant.',
  });
}

/** Rows that one statement writes where there are so many: a call each would cost more. */
const ROWS_PER_CALL = 16;

/** Writes what a batch changed; prepared once for a runner's life. */
export class AggregateWriter {
  private readonly aggregate: Aggregate;
  private readonly cellsOfGroup: number;
  private readonly upsert: StatementSync;
  private readonly upsertMany: StatementSync;
  private readonly remove: StatementSync;

  constructor(database: DatabaseSync, aggregate: Aggregate) {
    this.aggregate = aggregate;
    this.cellsOfGroup = columnsOf(aggregate).length;
    const columns = storedColumns(aggregate);
    const upsert = (rows: number): StatementSync => {
      const marks = `(${columns.map(() => '?').join(', ')})`;
      const values = new Array<string>(rows).fill(marks).join(', ');
      return database.prepare(
        `INSERT OR REPLACE INTO ${tableOf(aggregate)} (${columns.join(', ')}) VALUES ${values}`,
      );
    };
    this.upsert = upsert(1);
    this.upsertMany = upsert(ROWS_PER_CALL);
    this.remove = database.prepare(`DELETE FROM ${tableOf(aggregate)} WHERE ${GROUP_KEY} = ?`);
  }

  /** Groups get their new values; those that are no more go, and those that are final stay as results. */
  write({ totals, closed, removed }: AggregateChange): void {
    for (const key of removed) this.remove.run(JSON.stringify(key));
    this.putAll(closed, true);
    this.putAll(totals, false);
  }

  /** In order of the table, so that each of its pages is read, changed and written once, however many groups it has. */
  private putAll(groups: readonly GroupRow[], isClosed: boolean): void {
    const named = groups.map((group) => ({ name: JSON.stringify(group.key), group }));
    named.sort((a, b) => (a.name < b.name ? -1 : 1));
    const whole = named.length - (named.length % ROWS_PER_CALL);
    let cells: Cell[] = [];
    for (let at = 0; at < named.length; at += 1) {
      const { name, group } = named[at] as (typeof named)[number];
      this.appendRow(cells, name, group, isClosed);
      if (at < whole && (at + 1) % ROWS_PER_CALL !== 0) continue;
      (at < whole ? this.upsertMany : this.upsert).run(...cells);
      cells = [];
    }
  }

  private appendRow(
    cells: Cell[],
    name: string,
    { key, measures, state }: GroupRow,
    isClosed: boolean,
  ): void {
    invariant(
      key.length + measures.length === this.cellsOfGroup,
      `a group of ${this.aggregate.name} does not have the cells of its aggregate`,
    );
    const told = state === undefined && measures.every(isToldByColumn);
    const from = cells.length;
    cells.push(name);
    for (const cell of key) cells.push(typeof cell === 'boolean' ? Number(cell) : cell);
    for (const cell of measures) cells.push(typeof cell === 'boolean' ? Number(cell) : cell);
    cells.push(told ? null : stateText({ measures, ...(state === undefined ? {} : { state }) }));
    cells.push(Number(isClosed));
    cells.push(crcOfCells(cells, cells.length, from));
  }
}

/** SQLite has no truths, and stores NaN as null. */
function isToldByColumn(cell: GroupCell): boolean {
  return typeof cell !== 'boolean' && !Number.isNaN(cell);
}

function tableOf(aggregate: Aggregate): string {
  return quoted(`${AGGREGATE_TABLE_PREFIX}${aggregate.name}`);
}

/** SQLite takes names that differ only in the case of letters for one. */
function checkNames(names: readonly string[]): void {
  const distinct = new Set(names.map((name) => name.toLowerCase()));
  invariant(
    distinct.size === names.length,
    `names of a plan must differ in more than case: ${names.join(', ')}`,
  );
}
