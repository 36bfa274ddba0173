/**
 * Rows into tables of a SQLite file of the user's, exactly once: a batch's rows and its identity are written in one
 * transaction. The file is not the checkpoint's, and readers may have it open.
 */
import { DatabaseSync } from 'node:sqlite';
import type { BatchResult, ResultTable } from '../contracts/batch-result.ts';
import type { BatchIdentity, RunnerIdentity, Sink } from '../contracts/sink.ts';
import type { OutputMode } from '../plan/query-plan.ts';
import { makePrivateFile } from '../sqlite/make-folder.ts';
import { fencedError, isNew } from './once.ts';
import { sinkFailure } from './sink-error.ts';
import { createLedger, inTransaction, newestIn, notedIn, noteIn, raiseEpoch } from './sqlite-ledger.ts';
import {
  columnsOfTable,
  ensureTable,
  keyColumnsOf,
  quoted,
  valueOfKey,
  valuesOf,
  type TableColumn,
} from './table-columns.ts';

/** A write waits this long for another process, which may be a reader that holds on to the file. */
const BUSY_TIMEOUT_MS = 5_000;

export interface TableSinkOptions {
  /** The SQLite file; made if it is not there. */
  readonly path: string;
  /** append: rows are added; update: a row replaces the one with its key; complete: the rows replace all that was there. */
  readonly outputMode: OutputMode;
  /** The table of an output; one of the output's name if left out. Made if it is not there. */
  readonly tableOf?: (output: string) => string;
  /** By output: the columns that name a row, for groups in update mode. A struct, such as `window`, is all in it. */
  readonly keyColumns?: Readonly<Record<string, readonly string[]>>;
}

/**
 * Each of the schema's leaves has a column, `window.start` is `window_start`; a table that is there may have others. Types
 * are those that people read: decimals are TEXT, exact, with all their decimals; instants and dates ISO TEXT. In update
 * mode sessions that became part of another one are removed. The table `tallystream_batches` is created in the same file.
 *
 * `write` throws CONFIG_INVALID where a table cannot hold the rows, CHECKPOINT_CORRUPT where the checkpoint is older than
 * the file, and SINK_FAILED, STORAGE_FULL and WRITER_FENCED as other sinks do.
 */
export function createTableSink(options: TableSinkOptions): Sink {
  return new TableSink(options);
}

class TableSink implements Sink {
  readonly name: string;
  private readonly options: TableSinkOptions;
  private opened: DatabaseSync | undefined;

  constructor(options: TableSinkOptions) {
    this.name = options.path;
    this.options = options;
  }

  /** What it says to hold is never the batch that is to be replayed: of several tables some may lack it. */
  async open({ queryId, epoch }: RunnerIdentity, committed: number | undefined): Promise<number | undefined> {
    return this.guarded((database) =>
      inTransaction(database, () => {
        const newest = newestIn(database, queryId);
        if (newest === undefined) return undefined;
        if (newest.epoch > epoch) throw fencedError(this.name, epoch, newest.epoch);
        raiseEpoch(database, queryId, epoch);
        return newest.batchId > (committed ?? -1) + 1 ? newest.batchId : committed;
      }),
    );
  }

  async write(result: BatchResult, identity: BatchIdentity): Promise<void> {
    this.guarded((database) =>
      inTransaction(database, () => {
        for (const output of result.outputs()) this.writeOutput(database, output, result, identity);
      }),
    );
  }

  async close(): Promise<void> {
    this.opened?.close();
    this.opened = undefined;
  }

  private writeOutput(
    database: DatabaseSync,
    output: ResultTable,
    result: BatchResult,
    identity: BatchIdentity,
  ): void {
    const { outputMode, tableOf, keyColumns } = this.options;
    const { name, table } = output;
    const target = tableOf?.(name) ?? name;
    if (!isNew(notedIn(database, identity.queryId, target), identity, this.name)) return;
    const columns = columnsOfTable(table.schema, target);
    // Without keys events are not groups that change: each is new.
    const isGroups = result.aggregates.some(({ aggregate }) => aggregate === name);
    const replaces = outputMode === 'update' && (isGroups || keyColumns?.[name] !== undefined);
    const keys = replaces ? keyColumnsOf(columns, keyColumns?.[name] ?? [], target) : [];
    ensureTable(database, target, columns, keys);
    if (outputMode === 'complete') database.exec(`DELETE FROM ${quoted(target)}`);
    if (replaces) {
      removeGroups(database, target, columns, result, name);
      upsert(database, target, columns, keys, output);
    } else insert(database, target, columns, output);
    noteIn(database, identity, target);
  }

  private guarded<T>(act: (database: DatabaseSync) => T): T {
    try {
      this.opened ??= openFile(this.options.path);
      return act(this.opened);
    } catch (error) {
      throw sinkFailure(error, this.name);
    }
  }
}

/** `EXTRA` makes a commit last through a power cut in every journal mode; the mode itself is the file's own. */
function openFile(path: string): DatabaseSync {
  makePrivateFile(path);
  const database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
  try {
    database.exec('PRAGMA synchronous = EXTRA; PRAGMA trusted_schema = OFF; PRAGMA temp_store = FILE');
    createLedger(database);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function insert(
  database: DatabaseSync,
  target: string,
  columns: readonly TableColumn[],
  { table }: ResultTable,
): void {
  const statement = database.prepare(insertion(target, columns));
  for (let row = 0; row < table.count; row += 1) statement.run(...valuesOf(table, row));
}

function insertion(target: string, columns: readonly TableColumn[]): string {
  const names = columns.map(({ name }) => quoted(name)).join(', ');
  return `INSERT INTO ${quoted(target)} (${names}) VALUES (${columns.map((_, at) => `?${at + 1}`).join(', ')})`;
}

/** `ON CONFLICT` would not find a row whose key is null, and asks for an index that a table of the user's may not have. */
function upsert(
  database: DatabaseSync,
  target: string,
  columns: readonly TableColumn[],
  keys: readonly TableColumn[],
  { table }: ResultTable,
): void {
  const assigned = columns.map(({ name }, at) => `${quoted(name)} = ?${at + 1}`).join(', ');
  const isKey = keys.map((key) => `${quoted(key.name)} IS ?${columns.indexOf(key) + 1}`).join(' AND ');
  const update = database.prepare(`UPDATE ${quoted(target)} SET ${assigned} WHERE ${isKey}`);
  const insert = database.prepare(insertion(target, columns));
  for (let row = 0; row < table.count; row += 1) {
    const values = valuesOf(table, row);
    if (Number(update.run(...values).changes) === 0) insert.run(...values);
  }
}

/** The cells of a group's key are the first columns of its output. */
function removeGroups(
  database: DatabaseSync,
  target: string,
  columns: readonly TableColumn[],
  { aggregates }: BatchResult,
  output: string,
): void {
  const removed = aggregates.find(({ aggregate }) => aggregate === output)?.removed ?? [];
  for (const key of removed) {
    const named = columns.slice(0, key.length);
    const isKey = named.map(({ name }) => `${quoted(name)} IS ?`).join(' AND ');
    const values = named.map(({ type }, at) => valueOfKey(key[at] ?? null, type));
    database.prepare(`DELETE FROM ${quoted(target)} WHERE ${isKey}`).run(...values);
  }
}
