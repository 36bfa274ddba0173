/** Exactly-once writes for `foreachBatch`, in the user's PostgreSQL database and with the user's client. */
import { TallystreamError } from '../errors.ts';
import type { BatchIdentity } from '../contracts/sink.ts';
import { onceCallsOf } from '../contracts/once-calls.ts';
import { isNew, LEDGER, noteCall, refuseSecond, type Noted, type OnceOptions } from './once.ts';

/**
 * The part of a client that is used: one connection, with `$1` for the first value. `Client` and `PoolClient` of `pg`
 * have it.
 */
export interface PostgresClient {
  query(text: string, values?: unknown[]): Promise<{ readonly rows: readonly unknown[] }>;
}

const PLACE = 'The PostgreSQL database';

interface LedgerRow {
  /** 64 bits; as text, since clients differ in what they make of them. */
  readonly batch_id: string;
  readonly epoch: string;
  readonly transaction: string;
}

/**
 * Runs `body` in a transaction that also records `(queryId, batchId)`, and returns true. If the pair is already
 * recorded, it runs nothing and returns false. So everything that `body` writes through `tx` is written exactly once,
 * even if the process dies:
 *
 *     foreachBatch(async (batch, batchId, info) => {
 *       await onceInPostgres(client, info, async (tx) => { … });
 *     })
 *
 * `client` is one connection without an open transaction, not a pool. The table `tallystream_batches` is created in
 * the first schema of its search path if it does not exist. `body` must not begin or end transactions, and nothing
 * else may use the connection meanwhile. Two runners of one query wait for each other. The commit waits for the
 * server's disk. Needs PostgreSQL 9.5 or newer.
 * @throws what `body` and the client throw, with nothing written. The exception is a connection that breaks during the
 * commit: a repeat of the batch finds out whether it was committed. USAGE for a pool, for a second call with one name
 * in one call of a handler, and for a body that ends the transaction; WRITER_FENCED if a newer runner of the query has
 * written; CHECKPOINT_CORRUPT if the checkpoint is older than the database
 */
export async function onceInPostgres<Client extends PostgresClient>(
  client: Client,
  identity: BatchIdentity,
  body: (tx: Client) => Promise<void>,
  { name = '' }: OnceOptions = {},
): Promise<boolean> {
  if ('idleCount' in client) {
    throw usage(
      'the client is a pool, and each of its queries may use another connection',
      'Give it one connection: await pool.connect().',
    );
  }
  await createLedger(client);
  // Outside of a handler nothing is told apart by it.
  const place = onceCallsOf(identity) === undefined ? '' : await placeOf(client);
  refuseSecond('onceInPostgres', identity, name, place);
  await client.query('BEGIN');
  try {
    const isDone = !(await carryOut(client, identity, body, name));
    await client.query(isDone ? 'ROLLBACK' : 'COMMIT');
    noteCall(identity, name, place);
    return !isDone;
  } catch (error) {
    // Where the connection is gone, the server has rolled it back.
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

/** The ledger's own name over all servers: a pool may give another connection to the same one. */
async function placeOf(client: PostgresClient): Promise<string> {
  const { rows } = await client.query(
    `SELECT concat_ws(' ', pg_postmaster_start_time(), current_database(), '${LEDGER}'::regclass::oid) AS place`,
  );
  const [row] = rows as readonly { readonly place: string }[];
  return row?.place ?? '';
}

async function carryOut<Client extends PostgresClient>(
  client: Client,
  identity: BatchIdentity,
  body: (tx: Client) => Promise<void>,
  name: string,
): Promise<boolean> {
  const { noted, transaction } = await lockNote(client, identity.queryId, name);
  if (!isNew(noted, identity, PLACE)) return false;
  await body(client);
  // It also fails where a statement of the body has failed and the body continued, as every statement does then.
  const { rows } = await client.query(
    `UPDATE ${LEDGER} SET batch_id = $3, epoch = $4
     WHERE query_id = $1 AND name = $2 AND txid_current()::text = $5 RETURNING 1`,
    [identity.queryId, name, identity.batchId, identity.epoch, transaction],
  );
  if (rows.length === 1) return true;
  throw usage(
    'the body ended the transaction, so its writes and the record of the batch are not atomic',
    'Leave COMMIT and ROLLBACK to onceInPostgres, throw to undo, and do not share the connection.',
  );
}

/**
 * The row is there before it is locked, so that two runners wait for each other at the first batch too. A server that
 * answers a commit before it is on its disk is told to wait: what a power cut takes back would be missing forever, since
 * the checkpoint does not write it again.
 */
async function lockNote(
  client: PostgresClient,
  queryId: string,
  name: string,
): Promise<{ noted: Noted; transaction: string }> {
  await client.query(
    `INSERT INTO ${LEDGER} (query_id, name, batch_id, epoch) VALUES ($1, $2, -1, 0) ON CONFLICT DO NOTHING`,
    [queryId, name],
  );
  const { rows } = await client.query(
    `SELECT batch_id::text AS batch_id, epoch::text AS epoch, txid_current()::text AS transaction,
       CASE current_setting('synchronous_commit')
         WHEN 'off' THEN set_config('synchronous_commit', 'on', true) END AS synchronous
     FROM ${LEDGER} WHERE query_id = $1 AND name = $2 FOR UPDATE`,
    [queryId, name],
  );
  const row = rows[0] as LedgerRow | undefined;
  if (row === undefined) {
    throw usage('the connection is shared, or not in a transaction', 'Give it its own connection.');
  }
  return {
    noted: { batchId: Number(row.batch_id), epoch: Number(row.epoch) },
    transaction: row.transaction,
  };
}

/** Asked first, since the right to make tables may be missing where the table is there. */
async function createLedger(client: PostgresClient): Promise<void> {
  if (await hasLedger(client)) return;
  try {
    await client.query(
      `CREATE TABLE IF NOT EXISTS ${LEDGER} (
         query_id text NOT NULL, name text NOT NULL, batch_id bigint NOT NULL, epoch bigint NOT NULL,
         PRIMARY KEY (query_id, name)
       )`,
    );
  } catch (error) {
    // Two that make it in the same moment meet in the catalogue, and one of them fails there.
    if (!(await hasLedger(client))) throw error;
  }
}

async function hasLedger(client: PostgresClient): Promise<boolean> {
  const { rows } = await client.query(`SELECT to_regclass('${LEDGER}')::text AS ledger`);
  const [row] = rows as readonly { readonly ledger: string | null }[];
  return row !== undefined && row.ledger !== null;
}

function usage(what: string, hint: string): TallystreamError {
  return new TallystreamError('USAGE', { what: `onceInPostgres: ${what}.`, hint });
}
