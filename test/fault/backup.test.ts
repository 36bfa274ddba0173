/** Backup and restore as docs/how-to/back-up-and-restore.md describes them. */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { jsonOf } from './support/cli.ts';
import { PRODUCER } from './support/producer-kills.ts';
import { createCases, expect, type Case } from './support/purchases.ts';
import { createWorkplace, type Workplace } from './support/workplace.ts';

const LINES = 1_500;
let place: Workplace;
let cases: readonly Case[];
let produce: readonly string[];
beforeEach(() => {
  place = createWorkplace();
  cases = createCases('backup', LINES);
  produce = ['produce', '--from', place.write(cases), '--resume', PRODUCER];
});
afterEach(() => place.remove());

describe('a backup', () => {
  test('made while a producer and a query run is restored, and both go on to the exact totals', async () => {
    const producer = place.start([...produce, '--rate', '400']);
    const query = place.start(['run', '--json']);
    await query.until(() => query.stdout.split('\n').length > 4, 'report four batches');
    await backUp(['producers', 'checkpoint', 'log']);
    await query.until(() => query.stdout.split('\n').length > 8, 'report eight batches');
    await producer.kill();
    await query.kill();
    restore(['producers', 'checkpoint', 'log']);

    const resumed = await place.run(produce);
    assert.equal(resumed.code, 0, resumed.stderr);
    const run = await place.run(['run', '--available-now']);
    assert.equal(run.code, 0, run.stderr);
    await assertExact();
  });

  test('without the producers is refused by --resume with the lines that are gone, which --resend-lost sends', async () => {
    const first = await place.run([...produce, '--events', '500']);
    assert.equal(first.code, 0, first.stderr);
    await runQuery();
    await backUp(['checkpoint', 'log']);
    assert.equal((await place.run([...produce, '--events', '600'])).code, 0);
    await runQuery();
    restore(['checkpoint', 'log']);
    for (let start = 0; start < 2; start += 1) {
      const refused = await place.run(produce);
      assert.equal(refused.code, 5, refused.stderr);
      assert.match(
        refused.stderr,
        /600 lines that 'nightly' delivered .* no longer in the log: lines 501 to 1100\./,
      );
      assert.match(refused.stderr, /\(DATA_LOSS\)\n$/);
    }
    const again = await place.run([...produce, '--resend-lost']);
    assert.equal(again.code, 0, again.stderr);
    assert.match(
      again.stderr,
      /continuing after line 500; .* 600 lines that the log has lost are sent again/,
    );
    await runQuery();
    await assertExact();
  });
});

type Part = 'producers' | 'checkpoint' | 'log';

/** In this order, so that neither a position nor a checkpoint is ahead of the log. */
async function backUp(parts: readonly Part[]): Promise<void> {
  const to = join(place.folder, 'backup');
  mkdirSync(join(to, 'checkpoint'), { recursive: true });
  for (const part of parts) {
    if (part === 'producers') cpSync(join(place.dataDir, part), join(to, part), { recursive: true });
    else if (part === 'log') await backUpDatabase(place.logPath, join(to, 'log.db'));
    else {
      await backUpDatabase(join(place.checkpoint, 'checkpoint.db'), join(to, part, 'checkpoint.db'));
      cpSync(join(place.checkpoint, 'lock.db'), join(to, part, 'lock.db'));
    }
  }
}

async function backUpDatabase(from: string, to: string): Promise<void> {
  const database = new DatabaseSync(from, { readOnly: true, timeout: 60_000 });
  try {
    await backup(database, to);
  } finally {
    database.close();
  }
}

function restore(parts: readonly Part[]): void {
  const from = join(place.folder, 'backup');
  for (const part of parts) {
    if (part === 'log') {
      for (const file of readdirSync(place.dataDir)) {
        if (file.startsWith('log.db')) rmSync(join(place.dataDir, file));
      }
      cpSync(join(from, 'log.db'), place.logPath);
      continue;
    }
    const to = part === 'checkpoint' ? place.checkpoint : join(place.dataDir, part);
    rmSync(to, { recursive: true });
    cpSync(join(from, part), to, { recursive: true });
  }
}

async function runQuery(): Promise<void> {
  const { code, stderr } = await place.run(['run', '--available-now']);
  assert.equal(code, 0, stderr);
}

async function assertExact(): Promise<void> {
  const { lastBatchId: _last, ...totals } = await jsonOf(
    ['totals', '--data-dir', place.dataDir],
    place.options,
  );
  assert.deepEqual(totals, expect(cases).totals);
}
