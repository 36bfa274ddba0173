/**
 * One table per aggregate, created from the plan, so that the totals can be read with any SQLite client. Every row has a
 * CRC-32 of all its columns, since SQLite has no checksums and a flipped bit would give a wrong total.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { invariant, TallystreamError } from '../../errors.ts';
import type { AggregateChange, GroupCell, GroupRow } from '../../contracts/batch.ts';
import type { Aggregate } from '../../plan/query-plan.ts';
import {
  GROUP_CLOSED,
  GROUP_CRC,
  GROUP_KEY,
  GROUP_STATE,
  shownColumns,
  tableOf,
} from './aggregate-columns.ts';
import { eachRow, firstRow, quoted, type Cell, type Row } from '../connection.ts';
import { corrupt } from '../errors.ts';
import { parseState, stateText } from './group-json.ts';
import { crcOfCells } from '../seals/row-crc.ts';
import { SealSum, sumsInSql, type Seal, type SealDraft } from '../seals/seal.ts';
import {
  checkSeal,
  compareKeys,
  matchesChecksum,
  misordered,
  storedRows,
  sumsOf,
  unlike,
} from '../seals/sealed-rows.ts';
import { sealedAggregate, selectionOf, type SealedTable } from '../seals/sealed-tables.ts';
import { SealedWriter } from '../seals/sealed-writer.ts';

/**
 * Creates the tables: one readable column per key and measure (a window has two, named `…_start` and `…_end`), and in
 * addition the key as JSON, the state of measures whose value does not contain it, whether the group is closed, and the
 * checksum of all these.
 */
export function createAggregateTables(database: DatabaseSync, aggregates: readonly Aggregate[]): void {
  checkNames(aggregates.map((aggregate) => aggregate.name));
  for (const aggregate of aggregates) {
    const names = shownColumns(aggregate);
    checkNames(names);
    const columns = [
      `${GROUP_KEY} TEXT PRIMARY KEY`,
      ...names.map((name) => `${quoted(name)} ANY`),
      `${GROUP_STATE} TEXT`,
      `${GROUP_CLOSED} INTEGER NOT NULL`,
      `${GROUP_CRC} INTEGER NOT NULL`,
    ];
    database.exec(`CREATE TABLE ${quoted(tableOf(aggregate))} (${columns.join(', ')}) STRICT, WITHOUT ROWID`);
  }
}

/**
 * The groups as committed, ordered by key; the open ones, or all. If the table is not complete, this throws after the last
 * group, so do not use the groups before the end.
 * @throws CHECKPOINT_CORRUPT
 */
export function* groupsOf(
  database: DatabaseSync,
  aggregate: Aggregate,
  { which, seal, location }: GroupsAsked,
): Generator<GroupRow, void, undefined> {
  const table = sealedAggregate(aggregate);
  const isOpen = `WHERE ${GROUP_CLOSED} = 0`;
  const statement = database.prepare(
    `${selectionOf(table)} ${which === 'open' ? isOpen : ''} ORDER BY ${GROUP_KEY}`,
  );
  const found = new SealSum();
  let before: Cell | undefined;
  for (const row of eachRow(statement)) {
    const [key = null] = row;
    // The simple comparison is nearly always enough, and allocates nothing.
    const isLater = before === undefined || before === null || key === null || before < key;
    if (!isLater && compareKeys([before as Cell], [key]) >= 0) throw misordered(table, [key], location);
    before = key;
    yield groupRowOf(row, table, aggregate, location);
    found.add(row.at(-1) as number);
  }
  if (which === 'open') found.addAll(sumsOf({ database, table, where: `WHERE ${GROUP_CLOSED} <> 0` }));
  checkSeal(table, found, seal, location);
}

export interface GroupsAsked {
  readonly which: 'open' | 'all';
  readonly seal: Seal | undefined;
  readonly location: string;
}

/** One group as committed, open or closed. @throws CHECKPOINT_CORRUPT */
export function groupOf(
  database: DatabaseSync,
  aggregate: Aggregate,
  { key, location }: { readonly key: readonly GroupCell[]; readonly location: string },
): GroupRow | undefined {
  const table = sealedAggregate(aggregate);
  const statement = database.prepare(`${selectionOf(table)} WHERE ${GROUP_KEY} = ?`);
  const row = firstRow(statement, JSON.stringify(key));
  return row === undefined ? undefined : groupRowOf(row, table, aggregate, location);
}

/** A row of `selectionOf`: the key, the columns that the checksum covers (the key first), the checksum. */
function groupRowOf(row: Row, table: SealedTable, aggregate: Aggregate, location: string): GroupRow {
  if (!matchesChecksum(row, table)) {
    const why = `In the table aggregate_${aggregate.name}, the group ${String(row[0])} does not match its checksum.`;
    throw corrupt(location, why);
  }
  const [key, state] = [row[0] as string, row.at(-3)];
  const parsed = JSON.parse(key) as GroupCell[];
  if (state !== null) return { key: parsed, ...parseState(state as string) };
  const measures = row.slice(2 + keyCellsOf(aggregate), -3) as GroupCell[];
  return { key: parsed, measures };
}

/** The number of open groups, and of closed groups. @throws CHECKPOINT_CORRUPT */
export function countGroups(
  database: DatabaseSync,
  aggregate: Aggregate,
  { seal, location }: Omit<GroupsAsked, 'which'>,
): { open: number; closed: number } {
  const table = sealedAggregate(aggregate);
  const counts = { open: 0, closed: 0 };
  for (const { key, cells, isAsWritten } of storedRows(database, table, seal, location)) {
    if (!isAsWritten) throw unlike(table, key, location);
    if (cells.at(-1) === 0) counts.open += 1;
    else counts.closed += 1;
  }
  return counts;
}

/** A group as it is stored, for verification. */
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
  const table = sealedAggregate(aggregate);
  for (const row of eachRow(database.prepare(`${selectionOf(table)} ORDER BY ${GROUP_KEY}`))) {
    yield { key: row[0], state: row.at(-3), isAsWritten: matchesChecksum(row, table) };
  }
}

/** The number of cells in a group's key: a window has two, its start and its end. */
export function keyCellsOf({ keys }: Aggregate): number {
  return keys.reduce((cells, { kind }) => cells + (kind === 'window' || kind === 'sessionWindow' ? 2 : 1), 0);
}

/** @throws CHECKPOINT_QUERY_CHANGED, which lists the existing aggregates */
export function aggregateNamed(aggregates: readonly Aggregate[], name: string, location: string): Aggregate {
  const found = aggregates.find((aggregate) => aggregate.name === name);
  if (found !== undefined) return found;
  throw new TallystreamError('CHECKPOINT_QUERY_CHANGED', {
    what: `The checkpoint in ${location} has no totals named ${name}.`,
    why: `The query that wrote it has these totals: ${aggregates.map((aggregate) => aggregate.name).join(', ') || 'none'}.`,
    hint: 'Use one of these names, or the checkpoint of another query.',
  });
}

/** The key as JSON, the state, whether it is closed, and the checksum. */
const CELLS_BESIDE = 4;
/** One statement writes this many rows if there are enough: one call per row would cost more. */
const ROWS_PER_CALL = 16;

/** Writes the groups that a batch changed; prepared once per runner. */
export class AggregateWriter {
  private readonly aggregate: Aggregate;
  private readonly table: SealedTable;
  private readonly cellsOfRow: number;
  private readonly upsert: StatementSync;
  private readonly upsertMany: StatementSync;
  private readonly sums: StatementSync;
  private readonly sumsOfMany: StatementSync;
  private readonly remove: ReturnType<SealedWriter['remover']>;

  constructor(database: DatabaseSync, aggregate: Aggregate) {
    const table = sealedAggregate(aggregate);
    this.aggregate = aggregate;
    this.table = table;
    const columns = [...table.columns, table.crc];
    this.cellsOfRow = columns.length;
    const name = quoted(table.name);
    const upsert = (rows: number): StatementSync => {
      const marks = `(${columns.map(() => '?').join(', ')})`;
      const values = new Array<string>(rows).fill(marks).join(', ');
      return database.prepare(`INSERT OR REPLACE INTO ${name} (${columns.join(', ')}) VALUES ${values}`);
    };
    const sums = (rows: number): StatementSync => {
      const keys = new Array<string>(rows).fill('?').join(', ');
      return database.prepare(`SELECT ${sumsInSql(table.crc)} FROM ${name} WHERE ${GROUP_KEY} IN (${keys})`);
    };
    this.upsert = upsert(1);
    this.upsertMany = upsert(ROWS_PER_CALL);
    this.sums = sums(1);
    this.sumsOfMany = sums(ROWS_PER_CALL);
    this.remove = new SealedWriter(database, table).remover(`${GROUP_KEY} = ?`);
  }

  /** Writes the new values of groups, deletes removed groups, and keeps closed ones as results. */
  write(draft: SealDraft, { totals, closed, removed }: AggregateChange): void {
    for (const key of removed) this.remove(draft, JSON.stringify(key));
    this.putAll(draft, closed, true);
    this.putAll(draft, totals, false);
  }

  /** In the order of the table, so that each of its pages is read, changed and written only once. */
  private putAll(draft: SealDraft, groups: readonly GroupRow[], isClosed: boolean): void {
    const named = groups.map((group) => ({ name: JSON.stringify(group.key), group }));
    named.sort((a, b) => (a.name < b.name ? -1 : 1));
    const whole = named.length - (named.length % ROWS_PER_CALL);
    let cells: Cell[] = [];
    for (let at = 0; at < named.length; at += 1) {
      const { name, group } = named[at] as (typeof named)[number];
      this.appendRow(cells, name, group, isClosed);
      if (at < whole && (at + 1) % ROWS_PER_CALL !== 0) continue;
      this.putRows(draft, cells, at < whole);
      cells = [];
    }
  }

  /** Subtracts the checksums of the replaced rows from the seal, with one query, and adds those of the new rows. */
  private putRows(draft: SealDraft, cells: Cell[], isMany: boolean): void {
    const sum = draft.of(this.table.name);
    const keys: Cell[] = [];
    for (let at = 0; at < cells.length; at += this.cellsOfRow) keys.push(cells[at] as Cell);
    const replaced = firstRow(isMany ? this.sumsOfMany : this.sums, ...keys) as [number, number, number];
    sum.removeAll({ rows: replaced[0], sum: replaced[1], products: replaced[2] });
    (isMany ? this.upsertMany : this.upsert).run(...cells);
    for (let at = 0; at < cells.length; at += this.cellsOfRow) {
      const next = at + this.cellsOfRow;
      // If two rows have the same key, the later one was stored.
      if (cells[at] !== cells[next]) sum.add(cells[next - 1] as number);
    }
  }

  private appendRow(
    cells: Cell[],
    name: string,
    { key, measures, state }: GroupRow,
    isClosed: boolean,
  ): void {
    invariant(
      key.length + measures.length + CELLS_BESIDE === this.cellsOfRow,
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

/** SQLite has no booleans, and stores NaN as null. */
function isToldByColumn(cell: GroupCell): boolean {
  return typeof cell !== 'boolean' && !Number.isNaN(cell);
}

/** SQLite treats names that differ only in case as equal. */
function checkNames(names: readonly string[]): void {
  const distinct = new Set(names.map((name) => name.toLowerCase()));
  invariant(
    distinct.size === names.length,
    `names of a plan must differ in more than case: ${names.join(', ')}`,
  );
}
