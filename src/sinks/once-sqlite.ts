/** Exactly-once writes for `foreachBatch`, in the user's SQLite file. */
import type { DatabaseSync } from 'node:sqlite';
import { TallystreamError } from '../errors.ts';
import type { BatchIdentity } from '../contracts/sink.ts';
import { isNew, noteCall, refuseSecond, type OnceOptions } from './once.ts';
import { createLedger, inTransaction, notedIn, noteIn } from './sqlite-ledger.ts';

/** A connection of `node:sqlite`, in the parts that the types of a program without Node's own types can name. */
export interface SqliteConnection {
  readonly isTransaction: boolean;
  exec(sql: string): void;
  prepare(sql: string): unknown;
}

const PLACE = 'The SQLite database';

/** `PRAGMA synchronous`: from here on a commit is on the disk when it returns, in WAL mode at least. */
const FULL = 2;

/**
 * Runs `body` in a transaction that also records `(queryId, batchId)`, and returns true. If the pair is already
 * recorded, it runs nothing and returns false. So everything that `body` writes through `tx` is written exactly once,
 * even if the process dies:
 *
 *     foreachBatch((batch, batchId, info) => {
 *       onceInSqlite(database, info, (tx) => { … });
 *     })
 *
 * `connection` is a `DatabaseSync` of `node:sqlite` without an open transaction. The table `tallystream_batches` is
 * created in its file. `body` is synchronous and must not begin or end transactions. Effects elsewhere (a mail,
 * another file) are not part of the transaction. The commit waits for the disk, regardless of `PRAGMA synchronous`.
 * @throws what `body` throws, with nothing written; USAGE for a connection in a transaction, for a second call with
 * one name in one call of a handler, and for a body that ends the transaction or is asynchronous; WRITER_FENCED if a
 * newer runner of the query has written; CHECKPOINT_CORRUPT if the checkpoint is older than the database
 */
export function onceInSqlite<Connection extends SqliteConnection>(
  connection: Connection,
  identity: BatchIdentity,
  body: (tx: Connection) => void,
  { name = '' }: OnceOptions = {},
): boolean {
  const database = connection as unknown as DatabaseSync;
  if (database.isTransaction) {
    throw usage('the connection is in a transaction', 'Call it outside a transaction; it starts its own.');
  }
  // A database in memory has no location, and is its connection's alone.
  const place = database.location() ?? `memory ${connectionNumber(database)}`;
  refuseSecond('onceInSqlite', identity, name, place);
  const isWritten = durably(database, () =>
    inTransaction(database, () => {
      createLedger(database);
      if (!isNew(notedIn(database, identity.queryId, name), identity, PLACE)) return false;
      refusePromise(body(connection));
      if (!database.isTransaction) {
        throw usage(
          'the body ended the transaction, so its writes and the record of the batch are not atomic',
          'Leave COMMIT and ROLLBACK to onceInSqlite, and throw to undo.',
        );
      }
      noteIn(database, identity, name);
      return true;
    }),
  );
  noteCall(identity, name, place);
  return isWritten;
}

const numbers = new WeakMap<DatabaseSync, number>();
let lastNumber = 0;

function connectionNumber(database: DatabaseSync): number {
  const known = numbers.get(database);
  if (known !== undefined) return known;
  lastNumber += 1;
  numbers.set(database, lastNumber);
  return lastNumber;
}

/** A commit that a power cut takes back would be missing forever, since the checkpoint does not write it again. */
function durably<T>(database: DatabaseSync, act: () => T): T {
  const statement = database.prepare('PRAGMA synchronous');
  statement.setReturnArrays(true);
  const [before] = statement.get() as unknown as readonly [number | bigint];
  if (Number(before) >= FULL) return act();
  database.exec(`PRAGMA synchronous = ${FULL}`);
  try {
    return act();
  } finally {
    database.exec(`PRAGMA synchronous = ${before}`);
  }
}

function refusePromise(result: unknown): void {
  if (!(result instanceof Promise)) return;
  // It continues by itself, outside of the transaction; what becomes of it is not for anybody.
  result.catch(() => undefined);
  throw usage('the body is asynchronous', 'Await what it needs before the call, and write synchronously.');
}

function usage(what: string, hint: string): TallystreamError {
  return new TallystreamError('USAGE', { what: `onceInSqlite: ${what}.`, hint });
}
