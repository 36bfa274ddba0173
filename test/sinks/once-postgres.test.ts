import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { withOnceCalls } from '../../src/contracts/once-calls.ts';
import { onceInPostgres, type PostgresClient } from '../../src/sinks/once-postgres.ts';
import { expectOnce, killAndFinish, type Outcome } from './once-rounds.ts';
import { connect, createPool } from './postgres-client.ts';
import { startPostgres, withoutPostgres, type PostgresServer } from './postgres-server.ts';

const KILLS = 8;

const batch = (batchId: number, epoch = 1, queryId = 'q') => ({ queryId, batchId, epoch });

describe('once in PostgreSQL', { skip: withoutPostgres() }, () => {
  let server: PostgresServer;
  let client: Awaited<ReturnType<typeof connect>>;
  let query = 0;

  before(async () => {
    server = await startPostgres();
    client = await connect(server.address);
    await client.query('CREATE TABLE out (batch integer, row integer)');
    await client.query('CREATE TABLE total (events integer)');
    await client.query('INSERT INTO total VALUES (0)');
  });

  after(async () => {
    // Where the start has failed, neither is there.
    await (client as typeof client | undefined)?.end();
    await (server as typeof server | undefined)?.stop();
  });

  /** Every test has a query, and rows, of its own. */
  const fresh = (): {
    id: string;
    insert: (tx: PostgresClient) => Promise<void>;
    count: () => Promise<number>;
  } => {
    query += 1;
    const own = query * -1;
    return {
      id: `q${query}`,
      insert: async (tx) => void (await tx.query('INSERT INTO out VALUES ($1, 1)', [own])),
      async count() {
        const { rows } = await client.query('SELECT 1 FROM out WHERE batch = $1', [own]);
        return rows.length;
      },
    };
  };

  it('refuses a second call of a name in one call of a handler, on any connection to the database', async () => {
    const { id, insert, count } = fresh();
    const other = await connect(server.address);
    try {
      const info = withOnceCalls(batch(0, 1, id));
      assert.equal(await onceInPostgres(client, info, insert), true);
      await assert.rejects(onceInPostgres(other, info, insert), {
        code: 'USAGE',
        message: /onceInPostgres: the handler calls it twice for batch 0/,
      });
      assert.equal(await onceInPostgres(other, info, insert, { name: 'audit' }), true);
      assert.equal(await count(), 2);
    } finally {
      await other.end();
    }
  });

  it('writes each batch once, through a process that is killed again and again', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'tallystream-once-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const checkpoint = join(folder, 'committed');
    const target = { kind: 'postgres', address: server.address, checkpoint } as const;
    const batches = await killAndFinish(target, KILLS, (text) => t.diagnostic(text));
    const { rows } = await client.query(
      `SELECT count(DISTINCT batch)::int AS batches, count(*)::int AS rows,
         count(DISTINCT batch || ':' || row)::int AS "distinct", (SELECT events FROM total)::int AS total
       FROM out WHERE batch >= 0`,
    );
    expectOnce(rows[0] as Outcome, batches);
  });

  it('runs the body where the pair is new, and says so', async () => {
    const { id, insert, count } = fresh();
    assert.equal(await onceInPostgres(client, batch(0, 1, id), insert), true);
    assert.equal(await onceInPostgres(client, batch(0, 1, id), insert), false);
    assert.equal(await onceInPostgres(client, batch(0, 2, id), insert), false);
    assert.equal(await onceInPostgres(client, batch(3, 2, id), insert), true);
    assert.equal(await onceInPostgres(client, batch(3, 2, id), insert, { name: 'other' }), true);
    assert.equal(await count(), 3);
  });

  it('throws what the body throws, with nothing written', async () => {
    const { id, insert, count } = fresh();
    const failing = async (tx: PostgresClient): Promise<void> => {
      await insert(tx);
      throw new Error('mine');
    };
    await assert.rejects(onceInPostgres(client, batch(0, 1, id), failing), /^Error: mine$/);
    assert.equal(await count(), 0);
    assert.equal(await onceInPostgres(client, batch(0, 1, id), insert), true);
    assert.equal(await count(), 1);
  });

  it('notes nothing where a statement has failed and the body went on', async () => {
    const { id, insert, count } = fresh();
    const careless = async (tx: PostgresClient): Promise<void> => {
      await insert(tx);
      await tx.query('SELECT * FROM there_is_none').catch(() => undefined);
    };
    await assert.rejects(onceInPostgres(client, batch(0, 1, id), careless), { code: '25P02' });
    assert.equal(await onceInPostgres(client, batch(0, 1, id), insert), true);
    assert.equal(await count(), 1);
  });

  it('refuses a body that ends the transaction, and a pool', async () => {
    const { id, insert } = fresh();
    const ends = async (tx: PostgresClient): Promise<void> => void (await tx.query('COMMIT'));
    await assert.rejects(onceInPostgres(client, batch(0, 1, id), ends), {
      code: 'USAGE',
      message: /ended the transaction/,
    });
    assert.equal(await onceInPostgres(client, batch(0, 1, id), insert), true, 'nothing was noted');
    const pool = await createPool(server.address);
    try {
      await assert.rejects(onceInPostgres(pool, batch(1, 1, id), insert), { code: 'USAGE', message: /pool/ });
    } finally {
      await pool.end();
    }
  });

  it('refuses a runner after which a newer one has written, and a checkpoint that is older', async () => {
    const { id, insert, count } = fresh();
    await onceInPostgres(client, batch(4, 2, id), insert);
    await assert.rejects(onceInPostgres(client, batch(5, 1, id), insert), { code: 'WRITER_FENCED' });
    await onceInPostgres(client, batch(5, 2, id), insert);
    await assert.rejects(onceInPostgres(client, batch(4, 3, id), insert), { code: 'CHECKPOINT_CORRUPT' });
    assert.equal(await count(), 2);
  });

  it('lets one of two runners write that come in the same moment, from the first batch on', async () => {
    const other = await connect(server.address);
    try {
      for (let round = 0; round < 5; round += 1) {
        const { id, insert, count } = fresh();
        for (let batchId = 0; batchId < 4; batchId += 1) {
          const ran = await Promise.all(
            [client, other].map((one) => onceInPostgres(one, batch(batchId, 1, id), insert)),
          );
          assert.equal(ran.filter(Boolean).length, 1);
          assert.equal(await count(), batchId + 1);
        }
      }
    } finally {
      await other.end();
    }
  });

  it('waits for the disk of a server that does not, within its own transaction', async () => {
    const { id } = fresh();
    const setting = async (tx: PostgresClient): Promise<unknown> =>
      (await tx.query("SELECT current_setting('synchronous_commit') AS it")).rows[0];
    await client.query('SET synchronous_commit = off');
    try {
      let within: unknown;
      await onceInPostgres(client, batch(0, 1, id), async (tx) => {
        within = await setting(tx);
      });
      assert.deepEqual([within, await setting(client)], [{ it: 'on' }, { it: 'off' }]);
    } finally {
      await client.query('RESET synchronous_commit');
    }
  });

  it('makes its table from two connections at once, and needs no right to where it is there', async () => {
    const others = await Promise.all([connect(server.address), connect(server.address)]);
    try {
      for (let round = 0; round < 5; round += 1) {
        await client.query('DROP TABLE IF EXISTS tallystream_batches');
        const { id, insert, count } = fresh();
        await Promise.all(others.map((one, at) => onceInPostgres(one, batch(0, 1, `${id}-${at}`), insert)));
        assert.equal(await count(), 2);
      }
    } finally {
      await Promise.all(others.map((one) => one.end()));
    }
  });
});
