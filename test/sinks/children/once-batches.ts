/**
 * Plays the query: batches through a helper that makes them once, with a checkpoint of its own, until it is killed.
 * TARGET ADDRESS CHECKPOINT EPOCH BATCHES HANG_AT, where TARGET is `sqlite` or `postgres`, and HANG_AT may be `body`
 * (after half of a batch's rows) or `noted` (behind the helper, before the checkpoint): there it says `hangs` and waits.
 */
import { existsSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from '../postgres-client.ts';
import { onceInPostgres } from '../../../src/sinks/once-postgres.ts';
import { onceInSqlite } from '../../../src/sinks/once-sqlite.ts';
import { ROWS_PER_BATCH } from '../once-rounds.ts';

const [target, address = '', checkpoint = '', epoch = '', batches = '', hangAt] = process.argv.slice(2);

const HANG_MS = 600_000;

const say = (word: string): void => void writeSync(process.stdout.fd, `${word}\n`);

function hangsAt(place: 'body' | 'noted'): boolean {
  if (hangAt !== place) return false;
  say('hangs');
  return true;
}

const rows = Array.from({ length: ROWS_PER_BATCH }, (_, row) => row);

async function sqlite(): Promise<(batchId: number) => boolean> {
  const database = new DatabaseSync(address, { timeout: 60_000 });
  const insert = database.prepare('INSERT INTO out (batch, row) VALUES (?, ?)');
  return (batchId) =>
    onceInSqlite(database, { queryId: 'q', batchId, epoch: Number(epoch) }, () => {
      for (const row of rows) {
        insert.run(batchId, row);
        if (row === ROWS_PER_BATCH / 2 && hangsAt('body')) {
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, HANG_MS);
        }
      }
      database.exec(`UPDATE total SET events = events + ${ROWS_PER_BATCH}`);
    });
}

async function postgres(): Promise<(batchId: number) => Promise<boolean>> {
  const client = await connect(address);
  return (batchId) =>
    onceInPostgres(client, { queryId: 'q', batchId, epoch: Number(epoch) }, async (tx) => {
      for (const row of rows) {
        await tx.query('INSERT INTO out (batch, row) VALUES ($1, $2)', [batchId, row]);
        if (row === ROWS_PER_BATCH / 2 && hangsAt('body')) await sleep(HANG_MS);
      }
      await tx.query(`UPDATE total SET events = events + ${ROWS_PER_BATCH}`);
    });
}

const once = target === 'sqlite' ? await sqlite() : await postgres();
let committed = existsSync(checkpoint) ? Number(readFileSync(checkpoint, 'utf8')) : -1;
say('runs');
while (committed < Number(batches) - 1) {
  const ran = await once(committed + 1);
  if (!ran) say('repeat');
  if (hangsAt('noted')) await sleep(HANG_MS);
  committed += 1;
  writeFileSync(`${checkpoint}.tmp`, String(committed));
  renameSync(`${checkpoint}.tmp`, checkpoint);
}
process.exit(0);
