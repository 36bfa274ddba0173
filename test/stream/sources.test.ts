/** Sources as a program names them: what a session gives them beside their options. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { createSession } from '../../src/compose-session.ts';
import { required, schema, types } from '../../src/columns/schema.ts';
import { createManualClock } from '../../src/testing/manual-clock.ts';

const START_MS = Date.UTC(2026, 0, 2);
const RATE = schema([
  required('timestamp', types.timestamp(), 'when'),
  required('value', types.long(), 'which'),
]);

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'tallystream-sources-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test('a rate stream goes on where the clock was set back over a restart', async (t) => {
  const dataDir = folderOf(t);
  const values: bigint[] = [];
  /** A run on a machine whose clock says this at first, and is moved on before the query looks. */
  const run = async (nowMs: number, onMs: number): Promise<void> => {
    const clock = createManualClock(nowMs);
    const query = await createSession({ dataDir, clock })
      .readStream.format('rate')
      .option('rowsPerSecond', '2')
      .load(RATE)
      .writeStream.queryName('rows')
      .foreachBatch((batch) => {
        for (const { value } of batch) values.push(value);
      })
      .start();
    await query.processAllAvailable();
    clock.advance(onMs);
    await query.processAllAvailable();
    await query.stop();
  };
  await run(START_MS, 3_000);
  assert.deepEqual(values, [0n, 1n, 2n, 3n, 4n, 5n]);
  // An hour back: nothing is new until the clock has come to where it was.
  await run(START_MS - 3_600_000, 3_000);
  assert.equal(values.length, 6);
  await run(START_MS + 2_000, 2_000);
  assert.deepEqual(values.slice(6), [6n, 7n]);
});
