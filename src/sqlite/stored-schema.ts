/**
 * Compares the tables of a SQLite file with those that this program creates. SQLite stores their definitions as text and
 * does not check them: one flipped bit in a column's name gives another name, in a default another default.
 */
import { DatabaseSync, type SQLInputValue, type SQLOutputValue } from 'node:sqlite';

type Cells = readonly SQLOutputValue[];

interface Table {
  /** Whether it is WITHOUT ROWID and STRICT. */
  readonly kind: string;
  readonly columns: ReadonlyMap<string, Column>;
}

interface Column {
  /** Its type, and its place in the primary key. */
  readonly definition: string;
  /** An SQL expression; null if there is none. In a file, a later version of the table may have added it. */
  readonly defaultValue: SQLOutputValue;
}

export type Schema = ReadonlyMap<string, Table>;

/** The schema that `make` creates in an empty database. */
export function schemaMadeBy(make: (database: DatabaseSync) => void): Schema {
  const model = new DatabaseSync(':memory:');
  try {
    make(model);
    return readSchema(model);
  } finally {
    model.close();
  }
}

/**
 * What is wrong with the tables of the file, in one sentence; undefined if the program creates each table and each column
 * in this way. Does not look for missing tables or columns: an older version may have created the file, and a statement that
 * needs one fails.
 * @param isIgnored whether to skip a table
 */
export function schemaProblem(
  database: DatabaseSync,
  expected: Schema,
  isIgnored: (table: string) => boolean = () => false,
): string | undefined {
  for (const [name, { kind, columns }] of readSchema(database)) {
    if (isIgnored(name)) continue;
    const table = expected.get(name);
    if (table === undefined) return `It has a table ${quoted(name)} that this program does not create.`;
    if (kind !== table.kind) return `The table ${quoted(name)} is ${kind}, not ${table.kind}.`;
    for (const [column, found] of columns) {
      const wanted = table.columns.get(column);
      if (wanted === undefined) {
        return `The table ${quoted(name)} has a column ${quoted(column)} that this program does not create.`;
      }
      if (!isAsMade(found, wanted)) {
        return `The column ${quoted(column)} of the table ${quoted(name)} has another definition than in this program.`;
      }
    }
  }
  return sharedPage(database);
}

function isAsMade(found: Column, wanted: Column): boolean {
  return (
    found.definition === wanted.definition &&
    (wanted.defaultValue === null || found.defaultValue === wanted.defaultValue)
  );
}

/** Finds two tables in one b-tree: the page number of one of them is damaged. */
function sharedPage(database: DatabaseSync): string | undefined {
  const [shared] = rows(
    database,
    "SELECT group_concat(name, ' and ') FROM sqlite_schema WHERE rootpage > 0 GROUP BY rootpage HAVING count(*) > 1",
  );
  return shared && `Its schema stores ${String(shared[0])} in the same page.`;
}

function readSchema(database: DatabaseSync): Map<string, Table> {
  const found = new Map<string, Table>();
  // https://www.sqlite.org/pragma.html#pragma_table_list
  const tables = rows(
    database,
    "SELECT name, type, wr, strict FROM pragma_table_list WHERE schema = 'main' AND name NOT LIKE 'sqlite^_%' ESCAPE '^'",
  );
  for (const [name, type, isWithoutRowid, isStrict] of tables) {
    const columns = rows(
      database,
      'SELECT name, type, pk, hidden, dflt_value FROM pragma_table_xinfo(?)',
      name as string,
    );
    found.set(String(name), {
      kind: [
        type,
        isWithoutRowid === 0 ? 'with rowid' : 'without rowid',
        isStrict === 0 ? 'not strict' : 'strict',
      ].join(', '),
      columns: new Map(
        columns.map(([column, columnType, key, hidden, defaultValue = null]) => [
          String(column),
          { definition: [columnType, key, hidden].join(' '), defaultValue },
        ]),
      ),
    });
  }
  return found;
}

function rows(database: DatabaseSync, sql: string, ...values: SQLInputValue[]): Cells[] {
  const statement = database.prepare(sql);
  statement.setReturnArrays(true);
  return statement.all(...values) as unknown as Cells[];
}

function quoted(name: string): string {
  return JSON.stringify(name);
}
