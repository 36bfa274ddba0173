import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { optional, schema, types } from '../../src/columns/schema/schema.ts';
import type { Cell } from '../../src/columns/set-cell.ts';
import type { Sink } from '../../src/contracts/sink.ts';
import { createFileSink } from '../../src/sinks/file.ts';
import { isMissing } from './missing-package.ts';
import { EVERYTHING, EVERYTHING_ROWS, resultOf, tableOf } from './results.ts';
import { childFile } from '../support/child-file.ts';

const KILLS = 8;
const STEP_TIMEOUT_MS = 300_000;
const CHILD = childFile('children/file-batches.ts', import.meta.url);

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'tallystream-file-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const WORDS = schema([optional('word', types.string(), '')]);

async function write(sink: Sink, batchId: number, rows: readonly (readonly Cell[])[], output = 'words') {
  const table = tableOf(WORDS, rows);
  await sink.write(resultOf(batchId, [{ name: output, table }]), { queryId: 'q', batchId, epoch: 1 });
}

test('a line is an event as JSON, with exact numbers, and without what is null', async (t) => {
  const path = folderOf(t);
  const table = tableOf(EVERYTHING, EVERYTHING_ROWS);
  for (const [batchId, numbers] of (['exact', 'text'] as const).entries()) {
    const sink = createFileSink({ path, format: 'ndjson', numbers });
    await sink.write(resultOf(batchId, [{ name: 'all', table }]), { queryId: 'q', batchId, epoch: 1 });
  }
  const linesOf = (name: string): string[] => readFileSync(join(path, 'all', name), 'utf8').split('\n');
  const [exact, text] = [linesOf('batch-00000000.ndjson'), linesOf('batch-00000001.ndjson')];
  const sums = `[${'9'.repeat(29)}.9,-0.1]`;
  assert.equal(
    exact[0],
    `{"text":"a \\"quoted\\" 家\u2028text","word":"word","flag":true,"small":-2147483648,"large":9223372036854775807,` +
      `"ratio":0.1,"price":-9999999.99,"amount":12345678901234.5678,"huge":-${'9'.repeat(36)}.99,` +
      `"at":"2025-06-26T14:11:33.250001Z","day":"1969-12-31","tags":["x",null,""],"sums":${sums},` +
      `"place":{"city":"Berlin","code":10}}`,
  );
  assert.equal(exact[1], '{"text":"","amount":0.0000,"sums":[]}');
  assert.match(text[0] ?? '', /"large":"9223372036854775807".*"price":"-9999999.99"/);
  assert.equal(exact.at(-1), '');
});

test('a batch that is written again replaces its file with the same bytes', async (t) => {
  for (const gzip of [false, true]) {
    const path = folderOf(t);
    const rows = Array.from({ length: 30_000 }, (_, row) => [`word ${row} of the batch`]);
    const file = join(path, 'words', gzip ? 'batch-00000012.ndjson.gz' : 'batch-00000012.ndjson');
    await write(createFileSink({ path, format: 'ndjson', gzip }), 12, rows);
    const first = readFileSync(file);
    writeFileSync(file, 'damaged');
    await write(createFileSink({ path, format: 'ndjson', gzip }), 12, rows);
    assert.ok(readFileSync(file).equals(first));
    const lines = (gzip ? gunzipSync(first) : first).toString().split('\n');
    assert.deepEqual([lines.length, lines[29_999]], [30_001, '{"word":"word 29999 of the batch"}']);
    assert.deepEqual(readdirSync(join(path, 'words')).length, 1);
  }
});

test('an output without rows has no file, and leaves none of an earlier call', async (t) => {
  const path = folderOf(t);
  const sink = createFileSink({ path, format: 'ndjson' });
  await write(sink, 0, []);
  assert.equal(existsSync(join(path, 'words')), false);
  await write(sink, 1, [['a']]);
  await write(sink, 1, []);
  assert.deepEqual(readdirSync(join(path, 'words')), []);
});

test('a batch that comes again in another format has one file', async (t) => {
  const path = folderOf(t);
  await write(createFileSink({ path, format: 'ndjson' }), 3, [['a']]);
  await write(createFileSink({ path, format: 'ndjson', gzip: true }), 3, [['a']]);
  assert.deepEqual(readdirSync(join(path, 'words')), ['batch-00000003.ndjson.gz']);
});

test('names of outputs stay within the folder, and are none that readers pass over', async (t) => {
  const path = folderOf(t);
  const sink = createFileSink({ path, format: 'ndjson' });
  for (const output of ['../up', '..', '_hidden', 'a b/c', 'day*']) await write(sink, 0, [['a']], output);
  const folders = readdirSync(path).filter((name) => name !== '_tallystream.json');
  assert.deepEqual(folders.toSorted(), ['%2E.%2Fup', '%2E.', '%5Fhidden', 'a%20b%2Fc', 'day%2A'].toSorted());
});

test('opening clears away what a killed writer left hidden, and nothing else', async (t) => {
  const path = folderOf(t);
  const sink = createFileSink({ path, format: 'ndjson' });
  await write(sink, 0, [['a']]);
  const folder = join(path, 'words');
  writeFileSync(join(folder, '.batch-00000001.ndjson.1.tmp'), '{"wo');
  writeFileSync(join(folder, '.mine.tmp'), '');
  mkdirSync(join(path, 'mine'));
  assert.equal(await sink.open?.({ queryId: 'q', epoch: 2 }, 0), 0);
  assert.deepEqual(readdirSync(folder).toSorted(), ['.mine.tmp', 'batch-00000000.ndjson']);
  assert.ok(existsSync(join(path, 'mine')));
});

test('refuses the folder of another query before anything is written', async (t) => {
  const path = folderOf(t);
  await createFileSink({ path, format: 'ndjson' }).open?.({ queryId: 'q', epoch: 1 }, undefined);
  const other = createFileSink({ path, format: 'ndjson' });
  const opening = other.open?.({ queryId: 'r', epoch: 1 }, undefined) ?? Promise.resolve();
  await assert.rejects(opening, { code: 'CONFIG_INVALID', message: /another query \(q\)/ });
  writeFileSync(join(path, '_tallystream.json'), '{');
  const damaged = createFileSink({ path, format: 'ndjson' }).open?.({ queryId: 'q', epoch: 1 }, undefined);
  await assert.rejects(damaged ?? Promise.resolve(), { code: 'CONFIG_INVALID', message: /\(unknown\)/ });
});

test('says what the system says where a file cannot be written', async (t) => {
  const path = join(folderOf(t), 'file');
  writeFileSync(path, '');
  const writing = write(createFileSink({ path, format: 'ndjson' }), 0, [['a']]);
  await assert.rejects(writing, { code: 'SINK_FAILED', message: /The system says: E(NOTDIR|EXIST)/ });
});

test(
  'says what to install where Parquet is asked for and its package is missing',
  { skip: !isMissing('hyparquet-writer') && 'the package hyparquet-writer is installed' },
  async (t) => {
    const sink = createFileSink({ path: folderOf(t), format: 'parquet' });
    const opening = sink.open?.({ queryId: 'q', epoch: 1 }, undefined) ?? Promise.resolve();
    await assert.rejects(opening, { code: 'CONFIG_INVALID', message: /npm install hyparquet-writer/ });
  },
);

test('whoever looks while writers are killed sees whole files only', async (t) => {
  const path = folderOf(t);
  let seen = 0;
  const check = (): void => {
    const folder = join(path, 'words');
    const names = existsSync(folder) ? readdirSync(folder).filter((name) => !name.startsWith('.')) : [];
    for (const name of names) {
      const lines = gunzipSync(readFileSync(join(folder, name)))
        .toString()
        .split('\n');
      assert.equal(lines.length, 20_001, name);
      seen += 1;
    }
  };
  for (let kill = 0; kill < KILLS; kill += 1) {
    const child = spawn(process.execPath, [CHILD, path, String(kill + 1)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(child, 'close', { signal: AbortSignal.timeout(STEP_TIMEOUT_MS) });
    await once(child.stdout, 'data', { signal: AbortSignal.timeout(STEP_TIMEOUT_MS) });
    check();
    child.kill('SIGKILL');
    await ended;
    check();
  }
  const left = readdirSync(join(path, 'words')).filter((name) => name.startsWith('.'));
  t.diagnostic(`${seen} looks at files, ${left.length} hidden files after the last kill`);
  assert.ok(seen > 0, 'no file was there');
  await createFileSink({ path, format: 'ndjson', gzip: true }).open?.({ queryId: 'q', epoch: 99 }, undefined);
  assert.ok(readdirSync(join(path, 'words')).every((name) => !name.startsWith('.')));
});
