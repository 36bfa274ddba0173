/** The embedded log between processes: killed writers, several at once, and readers that wait. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { AppendedRange, Log } from '../../../src/contracts/log.ts';
import { readPartition, readRecords, type PlainRecord } from '../../contract/log/log-records.ts';
import { nameOf, recordsOfCall } from './children/calls.ts';
import { newFiles, record } from '../files.ts';
import { childFile } from '../../support/child-file.ts';

const TIMEOUT_MS = 300_000;
const UNTIL_KILLED = 1_000_000;

interface Acknowledged {
  readonly call: number;
  readonly ranges: readonly AppendedRange[];
}

function startChild(script: string, ...parameters: readonly (string | number)[]) {
  const file = childFile(`children/${script}`, import.meta.url);
  const child = spawn(process.execPath, [file, ...parameters.map(String)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  const reader = createInterface(child.stdout);
  reader.on('line', (line) => lines.push(line));
  const ended = Promise.all([once(child, 'exit'), once(reader, 'close')]).then(
    ([[code]]) => code as number | null,
  );
  /** Waits for a line. A child that ends before it writes one fails the test at once. */
  async function nextLine() {
    const early = ended.then((code) =>
      assert.fail(`${script} ended with ${String(code)} before it wrote a line`),
    );
    await Promise.race([once(reader, 'line'), early]);
  }
  return { child, reader, lines, ended, nextLine };
}

function acknowledged(lines: readonly string[]): Acknowledged[] {
  return lines.map((line) => JSON.parse(line) as Acknowledged);
}

test(
  'keeps every acknowledged record, and no part of a call, when its writer is killed',
  { timeout: TIMEOUT_MS },
  async (t) => {
    const { path, open } = await newFiles(t);
    const acks = new Map<string, Acknowledged[]>();
    for (let round = 0; round < 10; round += 1) {
      const label = `round-${round}`;
      const { child, lines, ended, nextLine } = startChild('append-calls.ts', path, 't', label, UNTIL_KILLED);
      await nextLine();
      const afterMs = randomInt(200);
      t.diagnostic(`round ${round}: killed ${afterMs} ms after the first acknowledged call`);
      await delay(afterMs);
      child.kill('SIGKILL');
      await ended;
      acks.set(label, acknowledged(lines));
    }
    const log = await open();
    const stored = await bothPartitions(log);
    for (const [label, calls] of acks) {
      for (const { call, ranges } of calls) assertStored(stored, label, call, ranges);
      // At most the call that was under way is there beside the acknowledged ones, and then as a whole.
      const names = stored
        .flat()
        .map(({ value }) => nameOf(value))
        .filter((name) => name.startsWith(`${label} `));
      const atLeast = Array.from({ length: calls.length }, (_, call) => recordsOfCall(label, call).length);
      const least = atLeast.reduce((sum, count) => sum + count, 0);
      assert.equal(new Set(names).size, names.length, `${label} has records twice`);
      assert.ok(
        [least, least + recordsOfCall(label, calls.length).length].includes(names.length),
        `${label} is torn`,
      );
    }
  },
);

test(
  'two writers and a reader at once lose, double and reorder nothing',
  { timeout: TIMEOUT_MS },
  async (t) => {
    const { path, open } = await newFiles(t);
    const log = await open();
    await log.createTopic('t', { partitions: 2 });
    const writers = ['left', 'right'].map((label) => ({
      label,
      ...startChild('append-calls.ts', path, 't', label, 150),
    }));
    const expected = Array.from({ length: 150 }, (_, call) => recordsOfCall('any', call).length * 2);
    const total = expected.reduce((sum, count) => sum + count, 0);
    const seen: PlainRecord[][] = [[], []];
    while (seen.flat().length < total) {
      const known = seen.map((records, partition) => ({ partition, earliest: 0, latest: records.length }));
      assert.equal(await log.waitForRecords('t', known, TIMEOUT_MS, t.signal), true);
      for (const { partition, latest } of await log.offsets('t')) {
        const start = seen[partition]?.length ?? 0;
        seen[partition]?.push(...(await readRecords(log, { topic: 't', partition, start, end: latest })));
      }
    }
    for (const records of seen) {
      for (const [index, { offset }] of records.entries()) assert.equal(offset, index);
    }
    for (const { label, lines, ended } of writers) {
      assert.equal(await ended, 0);
      const calls = acknowledged(lines);
      assert.equal(calls.length, 150);
      for (const { call, ranges } of calls) assertStored(seen, label, call, ranges);
    }
  },
);

test('processes that open a new file at once agree on it', { timeout: TIMEOUT_MS }, async (t) => {
  const { path, open } = await newFiles(t);
  const children = Array.from({ length: 6 }, (_, index) =>
    startChild('append-calls.ts', path, 't', `p${index}`, 2, 'together'),
  );
  await Promise.all(children.map(({ reader }) => once(reader, 'line')));
  for (const { child } of children) child.stdin.end();
  for (const { ended } of children) assert.equal(await ended, 0);
  const stored = await bothPartitions(await open());
  for (const [index, { lines }] of children.entries()) {
    for (const { call, ranges } of acknowledged(lines.slice(1)))
      assertStored(stored, `p${index}`, call, ranges);
  }
});

test(
  'opening waits for a process that is in the way of the write-ahead log',
  { timeout: TIMEOUT_MS },
  async (t) => {
    const { path, open } = await newFiles(t);
    await (await open()).close();
    // A file that is new to the write-ahead log: the moment in which others can be in the way.
    const { ended, nextLine } = startChild('hold-write-lock.ts', path, 'PRAGMA journal_mode = DELETE', '');
    await nextLine();
    const log = await open();
    assert.deepEqual(await log.listTopics(), []);
    assert.equal(await ended, 0);
  },
);

test(
  'a process that comes second to a new file takes the tables of the first',
  { timeout: TIMEOUT_MS },
  async (t) => {
    const { folder, path, open } = await newFiles(t);
    const model = join(folder, 'model.db');
    await (await open({ path: model })).close();
    const { ended, nextLine } = startChild('hold-write-lock.ts', path, '', schemaOf(model));
    await nextLine();
    assert.deepEqual(await (await open()).listTopics(), []);
    assert.equal(await ended, 0);
  },
);

test(
  'a process that comes second to a new topic takes the topic of the first',
  { timeout: TIMEOUT_MS },
  async (t) => {
    const { path, open } = await newFiles(t);
    const log = await open();
    const first = `INSERT INTO topics (name, id, partitions) VALUES ('t', 'of the first', 3)`;
    const { ended, nextLine } = startChild('hold-write-lock.ts', path, '', first);
    await nextLine();
    const topic = await log.createTopic('t', { partitions: 8 });
    assert.deepEqual(topic, { name: 't', id: 'of the first', partitions: 3 });
    assert.equal(await ended, 0);
  },
);

test('a reader that waits sees a record of another process', { timeout: TIMEOUT_MS }, async (t) => {
  const { path, open } = await newFiles(t);
  const log = await open();
  await log.createTopic('t', { partitions: 2 });
  const waiting = log.waitForRecords('t', await log.offsets('t'), TIMEOUT_MS, t.signal);
  const { ended } = startChild('append-calls.ts', path, 't', 'other', 1);
  assert.equal(await waiting, true);
  assert.equal(await ended, 0);
});

test(
  'a wait that was given up leaves nothing that keeps the process alive',
  { timeout: TIMEOUT_MS },
  async (t) => {
    const { path } = await newFiles(t);
    const { lines, ended } = startChild('wait-and-abort.ts', path);
    assert.equal(await ended, 0);
    assert.deepEqual(lines, ['embedded false', 'memory false']);
  },
);

test(
  'the space of a large topic comes back while another process appends',
  { timeout: TIMEOUT_MS },
  async (t) => {
    const { path, open } = await newFiles(t);
    const log = await open();
    await log.createTopic('large', { partitions: 1, retentionBytes: 0 });
    for (let round = 0; round < 20; round += 1) await log.append('large', [record(new Uint8Array(900_000))]);
    const { lines, ended } = startChild('append-calls.ts', path, 't', 'beside', 100);
    while (lines.length === 0) await delay(1);
    const [removed] = await log.enforceRetention();
    assert.deepEqual([removed?.start, removed?.end], [0, 20]);
    assert.equal(await ended, 0);
    const stored = await bothPartitions(log);
    for (const { call, ranges } of acknowledged(lines)) assertStored(stored, 'beside', call, ranges);
  },
);

async function bothPartitions(log: Log): Promise<PlainRecord[][]> {
  return [await readPartition(log, 't', 0), await readPartition(log, 't', 1)];
}

/** Each record of an acknowledged call lies at the offset that the acknowledgement gave it. */
function assertStored(
  stored: readonly (readonly PlainRecord[])[],
  label: string,
  call: number,
  ranges: readonly AppendedRange[],
): void {
  const records = recordsOfCall(label, call);
  for (const { partition, baseOffset, count } of ranges) {
    const appended = records.filter((appendedRecord) => appendedRecord.partition === partition);
    assert.equal(count, appended.length);
    for (const [index, { value }] of appended.entries()) {
      const found = stored[partition]?.[baseOffset + index];
      assert.equal(found?.offset, baseOffset + index);
      assert.equal(found.value, Buffer.from(value as Uint8Array).toString());
    }
  }
}

/** The statements that make an empty file a log. */
function schemaOf(path: string): string {
  const db = new DatabaseSync(path);
  const made = db
    .prepare(`SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'`)
    .all();
  const marks = ['application_id', 'user_version'].map((name) => {
    const value = Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0];
    return `PRAGMA ${name} = ${Number(value)}`;
  });
  db.close();
  const identity = 'INSERT INTO log_identity VALUES (0, randomblob(16))';
  return [...made.map(({ sql }) => String(sql)), identity, ...marks].join('; ');
}
