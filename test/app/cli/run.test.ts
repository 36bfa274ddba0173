import assert from 'node:assert/strict';
import { cpSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';
import { linesOf, logLines, oldNode, Place, withoutOldNode } from '../../e2e/run-cli.ts';
import { stopAndTakeOver } from '../../e2e/take-over.ts';

interface Report {
  readonly batchId: number;
  readonly epoch: number;
  readonly runId: string;
  readonly accounting: { read: number; accepted: number };
}

interface Totals {
  readonly lastBatchId: number;
  readonly accounting: { read: number; accepted: number; duplicate: number };
}

const EVENTS = 600;

function placeOf(t: TestContext, env: Readonly<Record<string, string>> = {}): Place {
  const place = new Place(env);
  t.after(() => place.remove());
  return place;
}

describe('run', () => {
  const place = new Place();
  before(() => place.ok(['produce', '--events', String(EVENTS), '--rate', 'max', '--seed', '1']));
  after(() => place.remove());
  const named = (name: string, more: Readonly<Record<string, string>> = {}) => ({
    env: { TALLYSTREAM_QUERY_NAME: name, ...more },
  });

  test('--available-now reports what is there and ends; a second one finds nothing', async () => {
    const { stdout, stderr } = await place.ok(['run', '--available-now'], named('now'));
    assert.match(stdout, /^={80}\nSTREAMING DATA PIPELINE - STARTED\n={80}\nQuery: {6}now\n/);
    assert.equal(stdout.match(/STREAMING DATA PIPELINE OUTPUT - BATCH/g)?.length, 1);
    const [start, batch] = logLines(stderr);
    assert.equal(start?.['operation'], 'start');
    for (const field of ['platform', 'node', 'sqlite', 'dataDir', 'workingDirectory'])
      assert.ok(field in start, field);
    assert.deepEqual([batch?.['operation'], batch?.['batchId'], batch?.['read']], ['batch', 0, EVENTS]);
    assert.doesNotMatch((await place.ok(['run', '--available-now'], named('now'))).stdout, /OUTPUT - BATCH/);
  });

  test('--json prints one line of JSON a batch and nothing else', async () => {
    const options = named('json', { TALLYSTREAM_QUERY_MAX_OFFSETS_PER_TRIGGER: '150' });
    const reports = await place.jsonLines<Report>(['run', '--available-now'], options);
    assert.deepEqual(
      reports.map(({ batchId }) => batchId),
      reports.map((_, index) => index),
    );
    assert.ok(reports.length >= 4);
    assert.equal(
      reports.reduce((sum, { accounting }) => sum + accounting.read, 0),
      EVENTS,
    );
  });

  test('tells a batch from another one with its id, after an older copy of the checkpoint was put back', async () => {
    const options = named('restored', { TALLYSTREAM_QUERY_MAX_OFFSETS_PER_TRIGGER: '100' });
    const checkpoint = join(place.dataDir, 'checkpoints', 'restored-embedded-purchasing_events');
    const runs: Report[][] = [];
    const lines: (unknown[] | undefined)[] = [];
    const run = async (): Promise<void> => {
      const { stdout, stderr } = await place.ok(['run', '--max-batches', '1', '--json'], options);
      runs.push(linesOf(stdout).map((line) => JSON.parse(line) as Report));
      const batch = logLines(stderr).find(({ operation }) => operation === 'batch');
      lines.push(batch && [batch['batchId'], batch['epoch'], batch['runId']]);
    };
    await run();
    cpSync(checkpoint, `${checkpoint}-copy`, { recursive: true });
    await run();
    rmSync(checkpoint, { recursive: true });
    renameSync(`${checkpoint}-copy`, checkpoint);
    await run();
    const reports = runs.flat();
    assert.deepEqual(
      reports.map(({ batchId, epoch }) => [batchId, epoch]),
      [
        [0, 1],
        [1, 2],
        [1, 2],
      ],
    );
    assert.equal(new Set(reports.map(({ runId }) => runId)).size, 3);
    assert.deepEqual(
      lines,
      reports.map(({ batchId, epoch, runId }) => [batchId, epoch, runId]),
    );
  });

  test('--max-batches ends after so many, and the next goes on behind them', async () => {
    const options = named('counted', { TALLYSTREAM_QUERY_MAX_OFFSETS_PER_TRIGGER: '100' });
    const ids = async (words: readonly string[]): Promise<number[]> =>
      (await place.jsonLines<Report>(['run', ...words], options)).map(({ batchId }) => batchId);
    assert.deepEqual(await ids(['--max-batches', '1']), [0]);
    assert.deepEqual(await ids(['--max-batches', '2']), [1, 2]);
    const rest = await ids(['--available-now']);
    assert.equal(rest[0], 3);
    const { accounting } = await place.json<Totals>(['totals'], options);
    assert.deepEqual([accounting.read, accounting.duplicate], [EVENTS, 0]);
  });

  test('--max-batches does not wait for the trigger after its last batch', async () => {
    const options = named('prompt', { TALLYSTREAM_QUERY_TRIGGER: '1 hour' });
    const reports = await place.jsonLines<Report>(['run', '--max-batches', '1'], options);
    assert.deepEqual(
      reports.map(({ accounting }) => accounting.read),
      [EVENTS],
    );
  });

  test('refuses a query that has changed, with exit code 5 and the difference', async () => {
    await place.ok(['run', '--available-now'], named('changed'));
    const changed = {
      TALLYSTREAM_QUERY_TIME_ZONE: 'Europe/Berlin',
      TALLYSTREAM_QUERY_WATERMARK_DELAY: '2 hours',
    };
    const { code, stdout, stderr } = await place.run(['run', '--available-now'], named('changed', changed));
    assert.deepEqual([code, stdout], [5, '']);
    assert.match(stderr, /query\.time_zone was "UTC" and is now "Europe\/Berlin"/);
    assert.match(stderr, /query\.watermark_delay was /);
    assert.match(stderr, /\n {2}hint: .*\n {2}\(CHECKPOINT_QUERY_CHANGED\)\n$/);
    await place.ok(['run', '--available-now'], named('changed', { TALLYSTREAM_QUERY_TRIGGER: '1 second' }));
  });

  test('is the only one on its checkpoint: a second ends with exit code 5 and leaves the first alone', async () => {
    const first = place.start(['run'], named('alone'));
    try {
      await first.until(({ stdout }) => stdout.includes('RUNNING TOTAL'));
      const { code, stdout, stderr } = await place.run(['run'], named('alone'));
      assert.deepEqual([code, stdout], [5, '']);
      assert.match(stderr, /is in use by another query process/);
      assert.match(stderr, /\(CHECKPOINT_LOCKED\)\n$/);
      // Looking is for everybody.
      assert.equal((await place.json<Totals>(['totals'], named('alone'))).lastBatchId, 0);
    } finally {
      first.kill('SIGTERM');
      assert.equal((await first.end()).code, 143);
    }
  });

  const nodes = [
    ['this Node', undefined, false],
    ['an old host', oldNode, withoutOldNode],
  ] as const;
  for (const [where, node, skip] of nodes) {
    test(`SIGTERM finishes the batch in hand and exits with 143, on ${where}`, { skip }, async () => {
      const options = named(`stopped-${where.length}`, {
        TALLYSTREAM_QUERY_MAX_OFFSETS_PER_TRIGGER: '1',
        TALLYSTREAM_QUERY_TRIGGER: '0 seconds',
      });
      const cli = place.start(['run', '--json'], node === undefined ? options : { ...options, node });
      await cli.until(({ stdout }) => stdout.split('\n').length > 3);
      cli.kill('SIGTERM');
      const { code, stdout, stderr } = await cli.end();
      assert.equal(code, 143, stderr);
      const reports = stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Report);
      const totals = await place.json<Totals>(['totals'], options);
      assert.equal(reports.at(-1)?.batchId, totals.lastBatchId, 'what is committed is reported, and no more');
      assert.ok(totals.accounting.read < EVENTS, 'it was stopped on the way');
    });
  }

  test('SIGTERM ends one that waits for its trigger at once', async () => {
    const cli = place.start(['run'], named('waiting', { TALLYSTREAM_QUERY_TRIGGER: '1 day' }));
    await cli.until(({ stdout }) => stdout.includes('RUNNING TOTAL'));
    cli.kill('SIGTERM');
    assert.equal((await cli.end()).code, 143);
  });
});

test('run may start before its producer, and sees events as they come', async (t) => {
  const place = placeOf(t, { TALLYSTREAM_QUERY_TRIGGER: '0 seconds' });
  const cli = place.start(['run', '--json', '--max-batches', '1']);
  await cli.until(({ stderr }) => stderr.includes('tallystream starts'));
  await place.ok(['produce', '--events', '1', '--rate', 'max']);
  const { code, stdout } = await cli.end();
  assert.equal(code, 0);
  assert.equal((JSON.parse(stdout) as Report).accounting.accepted, 1);
});

test(
  'a run that is taken over is refused when it goes on',
  { skip: process.platform === 'win32' },
  async (t) => {
    const place = placeOf(t, { TALLYSTREAM_QUERY_TRIGGER: '0 seconds' });
    await place.ok(['produce', '--events', '5', '--rate', 'max']);
    const frozen = place.start(['run', '--json']);
    await frozen.until(({ stdout }) => stdout.includes('"batchId":0'));
    try {
      await stopAndTakeOver(frozen, place, ['run', '--available-now']);
      await place.ok(['produce', '--events', '7', '--rate', 'max']);
      const reports = await place.jsonLines<Report>(['run', '--available-now', '--take-over']);
      assert.deepEqual(
        reports.map(({ batchId, accounting }) => [batchId, accounting.read]),
        [[1, 7]],
      );
    } finally {
      frozen.kill('SIGCONT');
    }
    const woken = frozen.end();
    await place.ok(['produce', '--events', '1', '--rate', 'max']);
    const { code, stderr } = await woken;
    assert.equal(code, 5, stderr);
    assert.match(stderr, /\(CHECKPOINT_FENCED\)\n$/);
    assert.equal((await place.json<Totals>(['totals'])).accounting.read, 12);
  },
);
