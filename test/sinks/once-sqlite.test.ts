import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { withOnceCalls } from '../../src/contracts/once-calls.ts';
import { onceInSqlite } from '../../src/sinks/once-sqlite.ts';
import { expectOnce, killAndFinish, type Outcome } from './once-rounds.ts';

const KILLS = 10;

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'tallystream-once-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function memory(t: TestContext, options = {}): DatabaseSync {
  const database = new DatabaseSync(':memory:', options);
  t.after(() => database.close());
  database.exec('CREATE TABLE out (batch, row)');
  return database;
}

const batch = (batchId: number, epoch = 1, queryId = 'q') => ({ queryId, batchId, epoch });

function count(database: DatabaseSync): unknown {
  const statement = database.prepare('SELECT count(*) FROM out');
  statement.setReturnArrays(true);
  return Number((statement.get() as unknown as [number | bigint])[0]);
}

const insert = (tx: DatabaseSync): void => tx.exec('INSERT INTO out VALUES (1, 1)');

for (const journal of ['WAL', 'DELETE']) {
  test(`a process that is killed again and again writes each batch once, in journal mode ${journal}`, async (t) => {
    const folder = folderOf(t);
    const address = join(folder, 'out.db');
    const database = new DatabaseSync(address, { timeout: 60_000 });
    t.after(() => database.close());
    database.exec(`
      PRAGMA journal_mode = ${journal};
      CREATE TABLE out (batch INTEGER, row INTEGER);
      CREATE TABLE total (events INTEGER);
      INSERT INTO total VALUES (0);
    `);
    const target = { kind: 'sqlite', address, checkpoint: join(folder, 'committed') } as const;
    const batches = await killAndFinish(target, KILLS, (text) => t.diagnostic(text));
    const outcome = database
      .prepare(
        `SELECT count(DISTINCT batch) AS batches, count(*) AS rows, count(DISTINCT batch || ':' || row) AS "distinct",
           (SELECT events FROM total) AS total FROM out`,
      )
      .get();
    expectOnce({ ...outcome } as unknown as Outcome, batches);
  });
}

test('runs the body where the pair is new, and says so', (t) => {
  const database = memory(t);
  assert.equal(onceInSqlite(database, batch(0), insert), true);
  assert.equal(onceInSqlite(database, batch(0), insert), false);
  assert.equal(onceInSqlite(database, batch(0, 2), insert), false);
  assert.equal(onceInSqlite(database, batch(3, 2), insert), true, 'batches without rows may be left out');
  assert.equal(onceInSqlite(database, batch(0, 1, 'r'), insert), true);
  assert.equal(onceInSqlite(database, batch(0, 1, 'r'), insert, { name: 'other' }), true);
  assert.equal(count(database), 4);
});

test('works with a connection that gives rows as arrays and numbers as bigints', (t) => {
  const database = memory(t, { returnArrays: true, readBigInts: true });
  assert.equal(onceInSqlite(database, batch(0), insert), true);
  assert.equal(onceInSqlite(database, batch(0), insert), false);
  assert.equal(count(database), 1);
});

test('what the body throws is thrown, and nothing is written', (t) => {
  const database = memory(t);
  const failing = (tx: DatabaseSync): void => {
    insert(tx);
    throw new Error('mine');
  };
  assert.throws(() => onceInSqlite(database, batch(0), failing), /^Error: mine$/);
  assert.equal(count(database), 0);
  assert.equal(database.isTransaction, false);
  assert.equal(onceInSqlite(database, batch(0), insert), true);
});

test('refuses a runner after which a newer one has written, and a checkpoint that is older than the file', (t) => {
  const database = memory(t);
  onceInSqlite(database, batch(4, 2), insert);
  assert.throws(() => onceInSqlite(database, batch(5, 1), insert), { code: 'WRITER_FENCED' });
  onceInSqlite(database, batch(5, 2), insert);
  assert.throws(() => onceInSqlite(database, batch(4, 3), insert), { code: 'CHECKPOINT_CORRUPT' });
  assert.equal(count(database), 2);
});

test('refuses bodies whose writes would not be in its transaction', (t) => {
  const database = memory(t);
  assert.throws(() => onceInSqlite(database, batch(0), () => Promise.resolve() as unknown as undefined), {
    code: 'USAGE',
    message: /asynchronous/,
  });
  assert.throws(() => onceInSqlite(database, batch(0), (tx) => tx.exec('COMMIT')), {
    code: 'USAGE',
    message: /ended the transaction/,
  });
  database.exec('BEGIN');
  assert.throws(() => onceInSqlite(database, batch(0), insert), {
    code: 'USAGE',
    message: /in a transaction/,
  });
  database.exec('ROLLBACK');
  assert.equal(onceInSqlite(database, batch(0), insert), true);
});

test('waits for the disk also on a connection that does not, and leaves it as it was', (t) => {
  const database = memory(t);
  database.exec('PRAGMA synchronous = OFF');
  const synchronous = (): unknown => database.prepare('PRAGMA synchronous').get()?.['synchronous'];
  let within: unknown;
  onceInSqlite(database, batch(0), () => {
    within = synchronous();
  });
  assert.deepEqual([within, synchronous()], [2, 0]);
});

test('a second call of a name in one call of a handler is refused, and one of another name or database is not', (t) => {
  const [database, other] = [memory(t), memory(t)];
  const info = withOnceCalls(batch(0));
  assert.equal(onceInSqlite(database, info, insert), true);
  assert.throws(() => onceInSqlite(database, { ...info }, insert), {
    code: 'USAGE',
    message: /the handler calls it twice for batch 0, both times without a name\..*name: 'audit'/,
  });
  assert.equal(count(database), 1);
  assert.equal(onceInSqlite(database, info, insert, { name: 'audit' }), true);
  assert.equal(onceInSqlite(other, info, insert), true);
  // A new call of the handler, for a repeat of the batch.
  const again = withOnceCalls(batch(0, 2));
  assert.equal(onceInSqlite(database, again, insert), false);
  assert.throws(() => onceInSqlite(database, again, insert), { code: 'USAGE' });
});

test('a call that has failed may be repeated', (t) => {
  const database = memory(t);
  const info = withOnceCalls(batch(0));
  assert.throws(() => onceInSqlite(database, info, () => assert.fail('a fault')), /a fault/);
  assert.equal(onceInSqlite(database, info, insert), true);
});

test('two connections to one file are one database', (t) => {
  const address = join(folderOf(t), 'out.db');
  const [first, second] = [new DatabaseSync(address), new DatabaseSync(address)];
  t.after(() => first.close());
  t.after(() => second.close());
  first.exec('CREATE TABLE out (batch, row)');
  const info = withOnceCalls(batch(0));
  assert.equal(onceInSqlite(first, info, insert), true);
  assert.throws(() => onceInSqlite(second, info, insert), { code: 'USAGE' });
});
