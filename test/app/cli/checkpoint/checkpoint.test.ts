import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, test } from 'node:test';
import { renderVerification } from '../../../../src/app/cli/checkpoint/checkpoint.ts';
import { renderSummary, summaryJson } from '../../../../src/app/cli/checkpoint/show.ts';
import { readSummary } from '../../../../src/checkpoint/summary.ts';
import {
  commitOf,
  freshLocation,
  letterOf,
  open,
  planOf,
  QUERY,
} from '../../../checkpoint/support/batches.ts';
import { CHECKPOINT, Place } from '../../../e2e/run-cli.ts';

interface Verified {
  readonly schemaVersion: number;
  readonly sound: boolean;
  readonly findings: readonly Record<string, string>[];
}

describe('checkpoint', () => {
  const place = new Place();
  const file = join(place.dataDir, CHECKPOINT, 'checkpoint.db');
  before(async () => {
    await place.ok(['produce', '--events', '50', '--rate', 'max', '--seed', '1']);
    await place.ok(['run', '--available-now']);
  });
  after(() => place.remove());

  test('show says what it holds, in text and in JSON, and leaves the folder as it was', async () => {
    const files = readdirSync(join(place.dataDir, CHECKPOINT));
    const { stdout } = await place.ok(['checkpoint', 'show']);
    assert.match(stdout, /^query +purchase-totals \(/m);
    assert.match(stdout, /^last commit +batch 0 at /m);
    assert.match(stdout, /^accounting +50 read = 50 accepted/m);
    const shown = await place.json<Record<string, unknown>>(['checkpoint', 'show']);
    assert.equal(shown['schemaVersion'], 1);
    assert.deepEqual(shown['ids'], { remembered: 50, segments: 0, bytes: 1600 });
    assert.deepEqual(readdirSync(join(place.dataDir, CHECKPOINT)), files);
  });

  test('both work while the query runs', async () => {
    const query = place.start(['run']);
    await query.until(({ stdout }) => stdout.includes('STARTED'));
    await place.ok(['checkpoint', 'verify']);
    await place.ok(['checkpoint', 'show']);
    query.kill('SIGTERM');
    assert.equal((await query.end()).code, 143);
  });

  test('verify ends with 0, and with 5 and every finding once something is wrong', async () => {
    assert.match((await place.ok(['checkpoint', 'verify'])).stdout, /is sound/);
    const sound = await place.json<Verified>(['checkpoint', 'verify']);
    assert.deepEqual([sound.schemaVersion, sound.sound, sound.findings], [1, true, []]);
    const database = new DatabaseSync(file);
    database.exec('UPDATE partitions SET next_offset = next_offset + 1 WHERE "partition" = 0');
    database.exec("UPDATE commits SET report = 'x'");
    database.close();
    const text = await place.run(['checkpoint', 'verify']);
    assert.equal(text.code, 5);
    assert.match(text.stdout, /^There are 3 findings/);
    const ended = await place.run(['checkpoint', 'verify', '--json']);
    assert.equal(ended.code, 5);
    const { sound: isSound, findings } = JSON.parse(ended.stdout) as Verified;
    assert.equal(isSound, false);
    assert.deepEqual(
      findings.map((finding) => [finding['check'], Object.keys(finding)]),
      ['seal', 'json', 'protocol'].map((check) => [check, ['check', 'what', 'where', 'why', 'hint']]),
    );
  });

  test('both say where no checkpoint is, and that the demo has its own', async () => {
    for (const word of ['show', 'verify']) {
      const { code, stderr } = await place.run(['checkpoint', word, '--topic', 'other']);
      assert.equal(code, 5);
      assert.match(stderr, /CHECKPOINT_NOT_FOUND/);
    }
  });
});

test('shows every part of a checkpoint', async (t) => {
  const location = freshLocation(t);
  const first = await open(location);
  first.stageDeadLetter(letterOf(0, { headers: [{ name: 'abc', value: new Uint8Array(5) }] }));
  first.stageDuplicate(0, 1);
  const entries = new Uint8Array(64);
  first.commit(
    commitOf(0, {
      accounting: { read: 2, accepted: 0, invalid: 1, duplicate: 1, late: 0 },
      aggregates: [
        {
          aggregate: 'categories',
          added: [],
          removed: [],
          closed: [{ key: ['2025-06-26', 'Old'], measures: ['1.00', 1] }],
          totals: [
            { key: ['2025-06-26', 'A'], measures: ['1.00', 1] },
            { key: ['2025-06-26', 'B'], measures: ['1.00', 1] },
          ],
        },
      ],
      dedupe: { appended: entries.subarray(0, 32), sealed: [{ segment: 0, entries }], evicted: [] },
      redriven: [{ topicId: 't', partition: 0, offset: 1 }],
      lost: [{ partition: 2, start: 3, end: 5 }],
    }),
  );
  first.close();
  const [categories] = QUERY.aggregates;
  assert.ok(categories !== undefined);
  const added = { name: 'cities', keys: [], measures: [{ kind: 'count' as const, name: 'n' }] };
  const second = await open(location, { plan: { ...QUERY, aggregates: [categories, added] } });
  second.writePlan(planOf(1));
  second.close();

  const summary = readSummary({ location });
  assert.equal(summary.epoch, 2);
  assert.equal(summary.holder?.pid, process.pid);
  assert.deepEqual(summary.topic, { name: 'purchases', log: 'embedded', id: 'topic-1' });
  assert.deepEqual(summary.lastPlan, {
    batchId: 1,
    clockMs: 1_750_000_000_001,
    watermarkMicros: 1_750_000_000_000_001,
    offsets: 2,
  });
  assert.deepEqual(summary.lastCommit, {
    batchId: 0,
    clockMs: 1_750_000_000_000,
    watermarkMicros: null,
    isPrinted: false,
  });
  assert.deepEqual(
    summary.aggregates.map((each) => Object.values(each)),
    [
      ['categories', 2, 1, null, null],
      ['all', 0, 0, null, 1],
      ['cities', 0, 0, 1, null],
    ],
  );
  assert.deepEqual(summary.ids, { remembered: 3, segments: 1, bytes: 96 });
  assert.deepEqual(summary.deadLetters, {
    bytes: 10,
    reasons: [{ reason: 'MALFORMED_JSON', count: 1, bytes: 2 }],
    duplicates: 1,
  });
  assert.equal(summary.redriven, 1);
  assert.deepEqual(summary.lostRanges, [{ batchId: 0, partition: 2, start: 3, end: 5 }]);
  assert.deepEqual(
    summary.files.map(({ name }) => name),
    ['checkpoint.db', 'last-commit', 'lock.db'],
  );

  const text = renderSummary(summary);
  for (const line of [
    /^last plan +batch 1 at 2025-06-15T15:06:40\.001Z, watermark 2025-06-15T15:06:40\.000001Z, 2 offsets$/m,
    /^last commit +batch 0 at 2025-06-15T15:06:40\.000Z, watermark none, report not marked as printed$/m,
    /^0 +2 +none$/m,
    /^categories +2 +1 +all$/m,
    /^all +0 +0 +until before batch 1$/m,
    /^cities +0 +0 +since batch 1$/m,
    /^MALFORMED_JSON +1 +2$/m,
    /^DUPLICATE +1 +0$/m,
    /^10 bytes with their headers$/m,
    /^0 +2 +3 +5$/m,
    /^checkpoint\.db +\d+$/m,
  ]) {
    assert.match(text, line);
  }
  const shown = summaryJson(summary) as Record<string, unknown>;
  assert.deepEqual(shown['lastCommit'], {
    batchId: 0,
    clock: '2025-06-15T15:06:40.000Z',
    watermark: null,
    printed: false,
  });
  assert.deepEqual(shown['lostRanges'], summary.lostRanges);
});

test('what stands in a checkpoint does nothing to the terminal', () => {
  const finding = { check: 'json', what: 'It\u001b[31m is.', where: 'a\nb', why: 'w', hint: 'm' };
  const text = renderVerification({ location: '/x', isSealed: true, checks: [], findings: [finding] });
  assert.doesNotMatch(text, /\u001b/);
  assert.equal(text.split('\n').length, 7);
});
