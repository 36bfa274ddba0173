import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { checkpointFile } from '../../src/checkpoint/connection.ts';
import { openCheckpointView } from '../../src/checkpoint/view.ts';
import type { DeadLetterFilter } from '../../src/contracts/checkpoint.ts';
import { systemClock } from '../../src/observe/system-clock.ts';
import {
  commitOf,
  freshLocation,
  hasCode,
  letterOf,
  open,
  planOf,
  QUERY,
  TOPIC_ID,
} from './support/batches.ts';
import { startChild } from './support/child.ts';

test('says that there is no checkpoint, and creates nothing', (t) => {
  const location = freshLocation(t);
  const isMissing = hasCode('CHECKPOINT_NOT_FOUND', location, 'Run the query first');
  assert.throws(() => openCheckpointView({ location }), isMissing);
  assert.equal(existsSync(dirname(location)), false);
  mkdirSync(location, { recursive: true });
  assert.throws(() => openCheckpointView({ location }), isMissing);
  assert.deepEqual(readdirSync(location), []);
});

test('reads an empty checkpoint', async (t) => {
  const location = freshLocation(t);
  (await open(location)).close();
  const view = openCheckpointView({ location });
  assert.equal(view.queryName, QUERY.name);
  assert.equal(view.topic, QUERY.topic);
  assert.equal(view.lastBatchId(), null);
  assert.equal(view.topicId(), undefined);
  assert.equal(view.latestClockMs(), undefined);
  assert.deepEqual(view.accounting(), { read: 0, accepted: 0, invalid: 0, duplicate: 0, late: 0 });
  assert.deepEqual([...view.groups('categories'), ...view.deadLetters({}), ...view.recentProgress()], []);
  view.close();
  view.close();
});

test('leaves the folder as it was', async (t) => {
  const location = freshLocation(t);
  (await open(location)).close();
  const files = readdirSync(location);
  assert.deepEqual(files, ['checkpoint.db', 'last-commit', 'lock.db']);
  const view = openCheckpointView({ location });
  assert.deepEqual([...view.deadLetters({})], []);
  view.close();
  assert.deepEqual(readdirSync(location), files);
});

test('sees each commit of a runner in another process while that is at work', async (t) => {
  const location = freshLocation(t);
  const child = startChild(t, 'series', location);
  await child.line();
  const view = openCheckpointView({ location });
  let last = -1;
  for (let round = 0; round < 200; round += 1) {
    view.atOneCommit(() => {
      const batches = (view.lastBatchId() ?? -1) + 1;
      assert.ok(batches > last);
      last = batches - 1;
      assert.equal(view.accounting().read, batches * 2);
      const counts = Array.from(view.groups('categories'), (group) => Number(group.measures[1]));
      assert.equal(
        counts.reduce((sum, count) => sum + count, 0),
        batches,
      );
      assert.deepEqual([...view.groups('all')], [{ key: [], measures: [batches] }]);
    });
    await new Promise((resolve) => setImmediate(resolve));
  }
  view.close();
});

test('does not hold the runner up, nor end with it', async (t) => {
  const location = freshLocation(t);
  const runner = await open(location);
  const view = openCheckpointView({ location });
  runner.stageDeadLetter(letterOf(0));
  runner.commit(commitOf(0));
  const letters = view.deadLetters({})[Symbol.iterator]();
  assert.equal(letters.next().value?.batchId, 0);
  // A reader that pauses here would otherwise read the past, and keep the runner's WAL from starting again.
  runner.stageDeadLetter(letterOf(1));
  runner.commit(commitOf(1));
  runner.close();
  assert.equal(letters.next().value?.batchId, 1);
  assert.equal(letters.next().done, true);
  assert.equal(view.topicId(), TOPIC_ID);
  assert.equal(view.latestClockMs(), planOf(1).clockMs);
  view.close();
});

test('does not write', async (t) => {
  const location = freshLocation(t);
  (await open(location)).close();
  const view = openCheckpointView({ location }) as unknown as {
    database: { exec(sql: string): void };
    close(): void;
  };
  assert.throws(() => view.database.exec('DELETE FROM meta'), /readonly|read-only/);
  view.close();
});

test('finds dead letters by every filter, in order of batch, partition and offset', async (t) => {
  const location = freshLocation(t);
  const runner = await open(location);
  const staged = [
    [0, 1, 5, 'LATE'],
    [0, 0, 9, 'EMPTY'],
    [0, 0, 4, 'LATE'],
    [1, 1, 2, 'EMPTY'],
    [1, 0, 11, 'LATE'],
    [2, 2, 5, 'LATE'],
  ] as const;
  for (const batchId of [0, 1, 2]) {
    for (const [, partition, offset, reason] of staged.filter((each) => each[0] === batchId)) {
      runner.stageDeadLetter(letterOf(batchId, { partition, offset, reason }));
      runner.stageDuplicate(partition, offset + 100);
    }
    runner.commit(commitOf(batchId));
  }
  const view = openCheckpointView({ location });
  const find = (filter: DeadLetterFilter) =>
    Array.from(view.deadLetters(filter), (letter) => [
      letter.batchId,
      letter.partition,
      letter.offset,
      letter.reason,
    ]);
  const ordered = staged.toSorted((a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2]);
  for (const reason of [undefined, 'LATE', 'EMPTY', 'TOO_LARGE', 'DUPLICATE'] as const) {
    for (const partition of [undefined, 0, 1, 2, 3]) {
      for (const offset of [undefined, 2, 4, 5, 9, 11, 12, 105]) {
        const filter = {
          ...(reason && { reason }),
          ...(partition !== undefined && { partition }),
          ...(offset !== undefined && { offset }),
        };
        const known =
          reason === 'DUPLICATE' ? ordered.map((o) => [o[0], o[1], o[2] + 100, reason] as const) : ordered;
        const expected = known.filter(
          (each) =>
            (reason === undefined || each[3] === reason) &&
            (partition === undefined || each[1] === partition) &&
            (offset === undefined || each[2] === offset),
        );
        assert.deepEqual(find(filter), expected, JSON.stringify(filter));
      }
    }
  }
  view.close();
});

test('looks for the letters of one partition without going through all of them for each', async (t) => {
  const location = freshLocation(t);
  const runner = await open(location);
  for (let offset = 0; offset < 8_000; offset += 1) runner.stageDeadLetter(letterOf(0, { offset }));
  runner.commit(commitOf(0));
  const view = openCheckpointView({ location });
  const timeMs = (filter: DeadLetterFilter): number => {
    const startMs = systemClock.monotonicMs();
    assert.equal([...view.deadLetters(filter)].length, 8_000);
    return systemClock.monotonicMs() - startMs;
  };
  // By the wrong index it would take some fifty times as long.
  const allMs = timeMs({});
  assert.ok(timeMs({ partition: 0 }) < allMs * 10);
  view.close();
});

test('gives log timestamps of any 64 bits back, staged and committed, in order', async (t) => {
  const location = freshLocation(t);
  const runner = await open(location);
  const timestamps = [
    2n ** 63n - 1n,
    -(2n ** 63n),
    1_785_000_000_123_456_789n,
    -1,
    0,
    2 ** 53 - 1,
    2n ** 53n + 1n,
  ];
  const letters = timestamps.map((timestampMs, offset) => letterOf(0, { offset, timestampMs }));
  for (const letter of letters) runner.stageDeadLetter(letter);
  assert.deepEqual(
    [...runner.stagedDeadLetters()].map(({ timestampMs }) => timestampMs),
    timestamps,
  );
  runner.commit(commitOf(0));
  runner.close();
  const view = openCheckpointView({ location });
  const read = [...view.deadLetters({})];
  assert.deepEqual(
    read.map(({ timestampMs }) => timestampMs),
    timestamps,
  );
  assert.deepEqual(
    read.map(({ offset, batchId, partition }) => [offset, batchId, partition]),
    letters.map(({ offset }) => [offset, 0, 0]),
  );
  assert.equal([...view.deadLetters({ partition: 0, offset: 1 })].length, 1);
  view.close();
});

test('gives letters back byte for byte', async (t) => {
  const location = freshLocation(t);
  const runner = await open(location);
  const every = Uint8Array.from({ length: 70_000 }, (_, index) => (index * 7) & 0xff);
  const letters = [
    letterOf(0, {
      offset: 0,
      key: null,
      value: every,
      field: 'location.city',
      actual: 'a\u0000b',
      timestampMs: -1,
    }),
    letterOf(0, { offset: 1, key: new Uint8Array(0), value: new Uint8Array(0), reason: 'EMPTY' }),
    letterOf(0, { offset: 2, key: every.subarray(3, 9), value: null, reason: 'EMPTY' }),
    letterOf(0, { offset: 2 ** 53 - 1, expected: '€ 𝒳', actual: '\u001b[2J\u202e' }),
  ];
  for (const letter of letters) runner.stageDeadLetter(letter);
  runner.stageDuplicate(3, 4);
  runner.commit(commitOf(0));
  const view = openCheckpointView({ location });
  const plain = (letter: (typeof letters)[number]) => ({
    ...letter,
    key: letter.key && [...letter.key],
    value: letter.value && [...letter.value],
  });
  assert.deepEqual(Array.from(view.deadLetters({}), plain), letters.map(plain));
  assert.deepEqual(
    [...view.deadLetters({ reason: 'DUPLICATE' })],
    [
      {
        ...letterOf(0, { reason: 'DUPLICATE', partition: 3, offset: 4, key: null, value: null }),
        expected: '',
        actual: '',
        timestampMs: null,
      },
    ],
  );
  view.close();
});

test('names the totals there are where others are asked for', async (t) => {
  const location = freshLocation(t);
  const runner = await open(location);
  const view = openCheckpointView({ location });
  for (const checkpoint of [runner, view]) {
    assert.throws(
      () => checkpoint.groups('weeks'),
      hasCode('CHECKPOINT_QUERY_CHANGED', 'weeks', 'categories, all'),
    );
  }
  view.close();
});

test('knows the topic from the first plan on', async (t) => {
  const location = freshLocation(t);
  const runner = await open(location);
  const view = openCheckpointView({ location });
  runner.writePlan(planOf(0, { topicId: 'another' }));
  assert.equal(view.topicId(), 'another');
  view.close();
});

test(
  'keeps the folder and its files private',
  { skip: process.platform === 'win32' && 'no modes there' },
  async (t) => {
    const location = freshLocation(t);
    (await open(location)).commit(commitOf(0));
    assert.equal(statSync(location).mode & 0o777, 0o700);
    for (const file of ['checkpoint.db', 'checkpoint.db-wal', 'checkpoint.db-shm']) {
      assert.equal(statSync(join(location, file)).mode & 0o777, 0o600, file);
    }
  },
);

test(
  'says so where the folder cannot be used',
  { skip: process.platform === 'win32' && 'no modes there' },
  async (t) => {
    const location = freshLocation(t);
    (await open(location)).close();
    chmodSync(checkpointFile(location), 0o444);
    chmodSync(location, 0o555);
    const everybody = dirname(dirname(location));
    chmodSync(everybody, 0o755);
    chmodSync(dirname(location), 0o755);
    // Root may do anything, so this test becomes somebody else for a moment.
    const isRoot = process.geteuid?.() === 0;
    if (isRoot) process.seteuid?.(65_534);
    try {
      const isRefused = hasCode('CONFIG_INVALID', location, 'Allow this user to write');
      assert.throws(() => openCheckpointView({ location }), isRefused);
      await assert.rejects(open(location), isRefused);
    } finally {
      if (isRoot) process.seteuid?.(0);
      chmodSync(location, 0o700);
    }
  },
);
