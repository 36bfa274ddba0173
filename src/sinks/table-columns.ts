/** How rows are in a table of SQLite: the columns, their types, and a check of a table that is there already. */
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { cellOf, type Scalar } from '../columns/rows.ts';
import type { Column } from '../columns/column-chunk.ts';
import { leavesOf, type Leaf, type LeafType, type Schema } from '../columns/schema/schema.ts';
import type { ColumnTable } from '../columns/table.ts';
import type { GroupCell } from '../contracts/batch.ts';
import { TallystreamError } from '../errors.ts';

export interface TableColumn extends Leaf {
  /** The path with `_` for its dots, so that SQL names it without quotes: `window_start`. */
  readonly name: string;
}

/** One a leaf, in the schema's order. @throws CONFIG_INVALID if two have one name in SQL */
export function columnsOfTable(ofSchema: Schema, table: string): readonly TableColumn[] {
  const names = new Set<string>();
  return leavesOf(ofSchema).map((leaf) => {
    const name = leaf.path.replaceAll('.', '_');
    const folded = name.toLowerCase();
    if (names.has(folded)) {
      throw tableError(table, `two of its columns would be named ${name}, and SQL ignores case in names`);
    }
    names.add(folded);
    return { ...leaf, name };
  });
}

/**
 * The columns that name a row: a leaf by its path, a struct (`window`) for all in it.
 * @throws CONFIG_INVALID if there is none of a name, or no name at all
 */
export function keyColumnsOf(
  columns: readonly TableColumn[],
  keys: readonly string[],
  table: string,
): readonly TableColumn[] {
  if (keys.length === 0) {
    throw tableError(table, 'update mode replaces rows by key, but no key columns are named');
  }
  return keys.flatMap((key) => {
    const found = columns.filter(({ path }) => path === key || path.startsWith(`${key}.`));
    if (found.length === 0) throw tableError(table, `the key column ${key} does not exist`);
    return found;
  });
}

/** Makes the table if there is none. @throws CONFIG_INVALID if the one that is there cannot hold the rows */
export function ensureTable(
  database: DatabaseSync,
  table: string,
  columns: readonly TableColumn[],
  keys: readonly TableColumn[],
): void {
  const statement = database.prepare('SELECT name, type FROM pragma_table_info(?)');
  statement.setReturnArrays(true);
  const held = statement.all(table) as unknown as readonly (readonly [string, string])[];
  if (held.length > 0) {
    checkColumns(table, columns, new Map(held.map(([name, type]) => [name.toLowerCase(), type])));
    return;
  }
  const parts = columns.map(({ name, type }) => `${quoted(name)} ${typeInSql(type)}`);
  // Not a primary key, and nothing is NOT NULL: a key may be null.
  if (keys.length > 0) parts.push(`UNIQUE (${keys.map(({ name }) => quoted(name)).join(', ')})`);
  database.exec(`CREATE TABLE ${quoted(table)} (${parts.join(', ')})`);
}

function checkColumns(
  table: string,
  columns: readonly TableColumn[],
  held: ReadonlyMap<string, string>,
): void {
  for (const { name, type } of columns) {
    const declared = held.get(name.toLowerCase());
    if (declared === undefined) throw tableError(table, `it has no column ${name}`);
    if (type.kind === 'decimal' && !keepsText(declared)) {
      throw tableError(
        table,
        `its column ${name} is ${declared}, which stores a decimal as a float; declare it TEXT to keep it exact`,
      );
    }
  }
}

/** Whether SQLite leaves text as it is in a column of this type (https://www.sqlite.org/datatype3.html, section 3.1). */
function keepsText(declared: string): boolean {
  if (/INT/i.test(declared)) return false;
  return declared === '' || /CHAR|CLOB|TEXT|BLOB/i.test(declared);
}

function typeInSql({ kind }: LeafType): string {
  switch (kind) {
    case 'boolean':
    case 'int':
    case 'long':
      return 'INTEGER';
    case 'double':
      return 'REAL';
    case 'string':
    case 'decimal':
    case 'timestamp':
    case 'date':
    case 'array':
      return 'TEXT';
  }
}

/**
 * A row of the table, one value a column: decimals as exact text with all their decimals, instants and dates as ISO text
 * (which sorts), booleans as 0 and 1, arrays as JSON, null for what is absent.
 */
export function valuesOf({ batch }: ColumnTable, row: number): SQLInputValue[] {
  return batch.columns.map((column: Column) => {
    const cell = cellOf(batch, column, row);
    return isArray(cell) ? jsonOfArray(cell) : valueOf(cell);
  });
}

/** The cell of a group's key, which has its longs as numbers or text. */
export function valueOfKey(cell: GroupCell, { kind }: LeafType): SQLInputValue {
  return kind === 'long' && cell !== null ? BigInt(cell) : valueOf(cell);
}

function valueOf(cell: Scalar): SQLInputValue {
  return typeof cell === 'boolean' ? Number(cell) : cell;
}

function isArray(cell: Scalar | readonly Scalar[]): cell is readonly Scalar[] {
  return Array.isArray(cell);
}

function jsonOfArray(cells: readonly Scalar[]): string {
  return `[${cells.map((cell) => (typeof cell === 'bigint' ? String(cell) : JSON.stringify(cell))).join(',')}]`;
}

/** A name quoted for SQL, with any characters. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function tableError(table: string, why: string): TallystreamError {
  return new TallystreamError('CONFIG_INVALID', {
    what: `The table ${table} cannot take the rows of this query: ${why}.`,
    hint: 'Use another table, or change the query or the table.',
  });
}
