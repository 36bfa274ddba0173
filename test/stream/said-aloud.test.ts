/** What a program that asks nothing is told all the same: failures, and input that is rejected whole. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { pathToFileURL } from 'node:url';
import { createSession } from '../../src/compose/session.ts';
import { required, schema, types } from '../../src/columns/schema/schema.ts';
import type { LogFields, Logger } from '../../src/contracts/logger.ts';
import { createWarningLogger } from '../../src/observe/warning-logger.ts';
import { createManualClock } from '../../src/testing/manual-clock.ts';

const SALE = schema([required('id', types.string(), 'which'), required('at', types.timestamp(), 'when')]);

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'tallystream-aloud-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A program of its own, since it is its exit code that counts. `then` is what it does after the start. */
function runProgram(t: TestContext, then: string) {
  const folder = folderOf(t);
  const program = join(folder, 'program.mjs');
  const index = pathToFileURL(join(import.meta.dirname, '../../src/index.ts')).href;
  writeFileSync(
    program,
    `import { createSession, required, schema, types } from ${JSON.stringify(index)};
    const SALE = schema([required('id', types.string(), 'which')]);
    const session = createSession({ dataDir: ${JSON.stringify(join(folder, 'data'))} });
    const source = session.memoryStream(SALE);
    await source.addData([{ id: 'a' }]);
    const query = await session.readStream.format('memory', source).load(SALE)
      .writeStream.queryName('sales')
      .foreachBatch(() => { throw new Error('the database is down'); })
      .start();
    ${then}`,
  );
  return spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', program], {
    encoding: 'utf8',
    timeout: 120_000,
  });
}

for (const [what, then, exitCode, isSaid] of [
  ['nothing asks about', '', 1, true],
  ['only stop comes after', 'await new Promise((r) => setTimeout(r, 500)); await query.stop();', 1, true],
  ['awaitTermination tells', 'await query.awaitTermination().catch(() => undefined);', 0, false],
  [
    'awaitAnyTermination tells',
    'await session.streams.awaitAnyTermination().catch(() => undefined);',
    0,
    false,
  ],
  ['a listener is told of', 'session.streams.addListener({ onQueryTerminated() {} });', 0, false],
  ['exception tells later', 'await new Promise((r) => setTimeout(r, 500)); query.exception;', 0, true],
  ['a program has an exit code for', 'process.exitCode = 7;', 7, true],
] as const) {
  test(`a failure that ${what} ${isSaid ? 'is an error on stderr' : 'is not said twice'}, and the process ends with ${exitCode}`, (t) => {
    const { status, stderr } = runProgram(t, then);
    assert.equal(status, exitCode, stderr);
    assert.equal(
      /ERROR tallystream query: A query has failed.*the database is down/.test(stderr),
      isSaid,
      stderr,
    );
  });
}

function recorded(): { logger: Logger; warnings: { fields: LogFields; message: string }[] } {
  const warnings: { fields: LogFields; message: string }[] = [];
  const logger: Logger = {
    child: () => logger,
    debug() {},
    info() {},
    warn: (fields, message) => void warnings.push({ fields, message }),
    error() {},
  };
  return { logger, warnings };
}

async function runBatch(t: TestContext, values: readonly string[]) {
  const { logger, warnings } = recorded();
  const clock = createManualClock(Date.UTC(2026, 0, 2));
  const session = createSession({ dataDir: folderOf(t), clock, logger });
  const source = session.memoryStream(SALE);
  await source.addBytes(values);
  const query = await session.readStream
    .format('memory', source)
    .load(SALE)
    .writeStream.queryName('sales')
    .trigger({ availableNow: true })
    .foreachBatch(() => {})
    .start();
  await query.awaitTermination();
  return warnings;
}

test('a batch without an accepted event is a warning with the most frequent reason, its field and one example', async (t) => {
  const warnings = await runBatch(t, [
    '{',
    '{"id":"a","at":1735689600000}',
    '{"id":"b","at":"\\u001b[31mnever"}',
  ]);
  assert.equal(warnings.length, 1);
  const [{ fields, message }] = warnings as [(typeof warnings)[number]];
  assert.match(
    message,
    /^No event of this batch was accepted: 2 of 3 are WRONG_TYPE in at, expected an RFC 3339/,
  );
  assert.deepEqual(fields, {
    operation: 'rejected',
    batchId: 0,
    read: 3,
    reason: 'WRONG_TYPE',
    field: 'at',
    events: 2,
    example: { partition: 0, offset: 1, at: '1735689600000' },
  });
});

test('a batch with one accepted event is none', async (t) => {
  assert.deepEqual(await runBatch(t, ['{', '{"id":"a","at":"2026-01-01T00:00:00Z"}']), []);
});

test('without a logger a program has warnings and errors on stderr, in which no event acts on a terminal', () => {
  const lines: string[] = [];
  const logger = createWarningLogger({ write: (line) => void lines.push(line) }, createManualClock(0));
  const query = logger.child({ component: 'query' });
  query.debug({ operation: 'a' }, 'a detail');
  query.info({ operation: 'a' }, 'a batch');
  query.warn({ operation: 'a', actual: '\u001b[31mred', customer_id: 'c-1' }, 'a warning');
  query.error({ operation: 'a', error: new Error('down\nforged') }, 'an error');
  assert.deepEqual(lines, [
    '1970-01-01T00:00:00.000Z WARN tallystream query: a warning {"actual":"\\u001b[31mred","customer_id":"********"}\n',
    '1970-01-01T00:00:00.000Z ERROR tallystream query: an error {"error":{"name":"Error","message":"down\\nforged"}}\n',
  ]);
});
