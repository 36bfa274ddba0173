/** The log's file keeps the definitions of its tables as text: a flipped bit there must not be believed. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { openEmbeddedLog } from '../../../src/log/embedded/log.ts';
import { systemClock } from '../../../src/observe/system-clock.ts';

async function logFile(t: TestContext): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'tallystream-schema-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'log.db');
  const log = await openEmbeddedLog({ path, clock: systemClock });
  await log.createTopic('purchases', { partitions: 1 });
  await log.append('purchases', [{ key: null, value: Buffer.from('{}'), headers: [] }]);
  await log.close();
  return path;
}

/** One bit of the definition of a table, named by a text in it and the place of the letter in that text. */
const FLIPPED: [name: string, text: string, letter: number, bit: number][] = [
  ['the case of the column latest', 'latest INTEGER', 0, 5],
  ['the case of the column earliest', 'earliest INTEGER', 3, 5],
  ['the case of the column partition', 'partition INTEGER', 8, 5],
  ['the case of the column body', 'body BLOB', 1, 5],
  ['the name of the table topics', 'TABLE topics', 6, 0],
  ['the first offset of a partition', 'latest INTEGER NOT NULL DEFAULT 0', 32, 3],
  ['the end of a definition', 'body BLOB NOT NULL', 9, 5],
];

for (const [name, text, letter, bit] of FLIPPED) {
  test(`refuses a log with one flipped bit in its definitions: ${name}`, async (t) => {
    const path = await logFile(t);
    const file = readFileSync(path);
    const at = file.indexOf(text) + letter;
    file[at] = (file[at] as number) ^ (1 << bit);
    writeFileSync(path, file);
    for (const readOnly of [true, false]) {
      await assert.rejects(openEmbeddedLog({ path, clock: systemClock, readOnly }), {
        code: 'LOG_CORRUPT',
      });
    }
  });
}
