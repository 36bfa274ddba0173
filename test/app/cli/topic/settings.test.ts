import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { openEmbeddedLog } from '../../../../src/log/embedded/log.ts';
import { systemClock } from '../../../../src/observe/system-clock.ts';
import type { RecordInput } from '../../../../src/contracts/log.ts';
import { linesOf, Place } from '../../../e2e/run-cli.ts';

const TOPIC = 'purchasing_events';
/** 2026-01-02T03:04:05.000Z */
const START_MS = Date.UTC(2026, 0, 2, 3, 4, 5);

interface Shown {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: string;
  readonly key: string | null;
  readonly headers: readonly { name: string; value: string }[];
  readonly value: string | null;
}

function record(partition: number, second: number, value: string | Uint8Array | null): RecordInput {
  return {
    partition,
    key: Buffer.from(`key-${second}`),
    value: typeof value === 'string' ? Buffer.from(value) : value,
    timestampMs: START_MS + second * 1000,
  };
}

const texts = (shown: readonly Shown[]): string[] =>
  shown.map(({ value }) => Buffer.from(value ?? '', 'base64').toString());

async function append(place: Place, topic: string, records: readonly RecordInput[]): Promise<void> {
  const log = await openEmbeddedLog({ path: join(place.dataDir, 'log.db'), clock: systemClock });
  try {
    await log.createTopic(topic, { partitions: 3 });
    if (records.length > 0) await log.append(topic, records);
  } finally {
    await log.close();
  }
}

describe('topic', () => {
  const place = new Place();
  before(async () => {
    await place.ok(['config', 'show']);
    // Partition 0 holds 0 to 19, partition 1 the odd one in between, partition 2 nothing.
    const first = Array.from({ length: 20 }, (_, second) => record(0, second, `event ${second}`));
    await append(place, TOPIC, [...first, record(1, 17.5, 'in between')]);
    await append(place, 'another', []);
  });
  after(() => place.remove());

  test('list names every topic with its id, partitions and records', async () => {
    const topics = await place.jsonLines<Record<string, unknown>>(['topic', 'list']);
    assert.deepEqual(
      topics.map(({ name, partitions, records }) => [name, partitions, records]),
      [
        ['another', 3, 0],
        [TOPIC, 3, 21],
      ],
    );
    assert.equal(new Set(topics.map(({ id }) => id)).size, 2);
    const { stdout } = await place.ok(['topic', 'list']);
    assert.match(
      stdout,
      /^another +3 partitions +0 records +\S+\npurchasing_events +3 partitions +21 records +\S+\n$/,
    );
  });

  test('describe shows earliest, latest and count of every partition', async () => {
    const { id, ...described } = await place.json<Record<string, unknown>>(['topic', 'describe']);
    assert.equal(typeof id, 'string');
    assert.deepEqual(described, {
      schemaVersion: 1,
      name: TOPIC,
      records: 21,
      partitions: [
        { partition: 0, earliest: 0, latest: 20, records: 20 },
        { partition: 1, earliest: 0, latest: 1, records: 1 },
        { partition: 2, earliest: 0, latest: 0, records: 0 },
      ],
    });
    const { stdout } = await place.ok(['topic', 'describe', TOPIC]);
    assert.match(
      stdout,
      /^topic +purchasing_events\nid +\S+\npartitions +3\nrecords +21\n\npartition +earliest +latest +records\n/,
    );
    assert.match(stdout, /^ +0 +0 +20 +20$/m);
    assert.match((await place.ok(['topic', 'describe', 'another'])).stdout, /^records +0$/m);
  });

  test('tail shows the ten newest records over all partitions, in order of time', async () => {
    const shown = await place.jsonLines<Shown>(['topic', 'tail']);
    assert.deepEqual(texts(shown), [
      ...Array.from({ length: 7 }, (_, index) => `event ${index + 11}`),
      'in between',
      'event 18',
      'event 19',
    ]);
    assert.deepEqual(shown.at(-1), {
      topic: TOPIC,
      partition: 0,
      offset: 19,
      timestamp: '2026-01-02T03:04:24.000Z',
      key: Buffer.from('key-19').toString('base64'),
      headers: [],
      value: Buffer.from('event 19').toString('base64'),
    });
  });

  test('tail shows the records of one partition, from an offset on, and as many as are wanted', async () => {
    const tail = (...words: readonly string[]) => place.jsonLines<Shown>(['topic', 'tail', ...words]);
    assert.deepEqual(texts(await tail('--limit', '2')), ['event 18', 'event 19']);
    assert.deepEqual(texts(await tail('--limit', '0')), []);
    assert.deepEqual(texts(await tail('--partition', '1')), ['in between']);
    assert.deepEqual(texts(await tail('--partition', '0', '--offset', '3', '--limit', '2')), [
      'event 3',
      'event 4',
    ]);
    assert.equal((await tail('--partition', '0', '--offset', '3')).length, 10);
    assert.deepEqual(texts(await tail('--partition', '0', '--offset', '19')), ['event 19']);
    assert.deepEqual(await tail('--partition', '0', '--offset', '20'), []);
    assert.equal((await tail('--limit', '1000')).length, 21);
    assert.equal((await place.ok(['topic', 'tail', 'another'])).stdout, 'No records.\n');
  });

  const REFUSED: readonly (readonly [words: string, code: number, says: RegExp])[] = [
    ['tail --offset 3', 2, /--offset needs --partition\./],
    ['tail --limit 1001', 2, /--limit 1001 is more than 1000\./],
    ['tail --partition 3', 2, /has no partition 3\.\n {2}hint: Give a partition from 0 to 2\./],
    [
      'tail elsewhere',
      4,
      /has no topic elsewhere\.\n {2}hint: `tallystream topic list`.*\n {2}\(TOPIC_NOT_FOUND\)/,
    ],
    ['describe elsewhere', 4, /has no topic elsewhere\./],
    ['describe one two', 2, /too many arguments/],
    ['tail --partition x', 2, /It must be a whole number\./],
  ];
  for (const [words, code, says] of REFUSED) {
    test(`refuses \`topic ${words}\``, async () => {
      const ended = await place.run(['topic', ...words.split(' ')]);
      assert.deepEqual([ended.code, ended.stdout], [code, ''], ended.stderr);
      assert.match(ended.stderr, says);
    });
  }
});

describe('topic tail', () => {
  test('shows text on one line each, escaped and shortened, and JSON in full', async (t) => {
    const place = new Place();
    t.after(() => place.remove());
    await place.ok(['config', 'show']);
    const hostile = '\u001b[2J\nforged line';
    const long = `${'é'.repeat(300)}end`;
    await append(place, TOPIC, [
      record(0, 0, hostile),
      record(0, 1, long),
      record(0, 2, null),
      record(0, 3, Uint8Array.of(0xff, 0xfe)),
      {
        ...record(0, 4, 'with headers'),
        key: null,
        headers: [
          { name: 'trace', value: Buffer.from('a\u0007b') },
          { name: 'ü'.repeat(50), value: Buffer.from('v') },
        ],
      },
    ]);
    const { stdout } = await place.ok(['topic', 'tail']);
    const lines = linesOf(stdout);
    assert.equal(lines.length, 5);
    assert.match(
      lines[0] ?? '',
      /^0:0 +2026-01-02T03:04:05\.000Z +key-0 {2}\\u\{1b\}\[2J\\u\{a\}forged line$/,
    );
    assert.equal(lines[1]?.split('  ').at(-1), `${'é'.repeat(160)}… (603 bytes)`);
    assert.match(lines[2] ?? '', /key-2 {2}\(no value\)$/);
    assert.match(lines[3] ?? '', /key-3 {2}\ufffd\ufffd$/);
    assert.match(lines[4] ?? '', /\(no key\) {2}trace=a\\u\{7\}b {2}ü{40}… \(100 bytes\)=v {2}with headers$/);

    const shown = await place.jsonLines<Shown>(['topic', 'tail']);
    assert.deepEqual(texts(shown).slice(0, 2), [hostile, long]);
    assert.deepEqual([shown[2]?.value, shown[3]?.value, shown[4]?.key], [null, '//4=', null]);
    assert.deepEqual(shown[4]?.headers[0], {
      name: 'trace',
      value: Buffer.from('a\u0007b').toString('base64'),
    });
  });

  test('keeps the newest where all that is asked for would be too many bytes, and says so', async (t) => {
    const place = new Place();
    t.after(() => place.remove());
    await place.ok(['config', 'show']);
    const twelve = new Uint8Array(12 * 1024 * 1024);
    for (let second = 0; second < 4; second += 1) await append(place, TOPIC, [record(0, second, twelve)]);
    const newest = await place.ok(['topic', 'tail', '--json']);
    const offsets = (stdout: string) => linesOf(stdout).map((line) => (JSON.parse(line) as Shown).offset);
    assert.deepEqual(offsets(newest.stdout), [2, 3]);
    assert.match(
      newest.stderr,
      /^tallystream: only 2 of the requested records are shown, .* more than 32 MiB\.\n$/,
    );
    const first = await place.ok(['topic', 'tail', '--json', '--partition', '0', '--offset', '0']);
    assert.deepEqual(offsets(first.stdout), [0, 1]);
    // As text they are short.
    const text = await place.ok(['topic', 'tail']);
    assert.deepEqual([linesOf(text.stdout).length, text.stderr], [4, '']);
  });

  test('does not make a log that is not there', async (t) => {
    const place = new Place();
    t.after(() => place.remove());
    for (const words of [['list'], ['describe'], ['tail']]) {
      const { code, stdout, stderr } = await place.run(['topic', ...words]);
      assert.deepEqual([code, stdout], [4, ''], stderr);
      assert.match(stderr, /\(LOG_UNAVAILABLE\)\n$/);
    }
  });
});
