import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { openEmbeddedLog } from '../../src/log/embedded/log.ts';
import { systemClock } from '../../src/observe/system-clock.ts';
import { ESCAPES, POISON, type PoisonCase } from './poison-cases.ts';
import { linesOf, Place } from './run-cli.ts';

interface Letter {
  readonly reason: string;
  readonly field: string | null;
  readonly expected: string;
  readonly actual: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly batchId: number;
  readonly timestamp: string;
  readonly value: string | null;
}

interface Totals {
  readonly accounting: { read: number; accepted: number; invalid: number; duplicate: number; late: number };
  readonly categories: { category: string; total: string; transactions: number }[];
}

const TOPIC = 'purchasing_events';
/** Everything that acts on a terminal or cannot be seen on it, but the end of a line. */
const ACTS_ON_TERMINAL = /[^\P{C}\n\p{Cn}\p{Co}]|[\p{Zl}\p{Zp}]/u;

describe('a topic full of poison', () => {
  const place = new Place({ TALLYSTREAM_LOG_PARTITIONS: '1', TALLYSTREAM_LOGGING_FORMAT: 'pretty' });
  let letters: Letter[] = [];
  const printed = new Map<string, string>();

  before(async () => {
    const lines = POISON.flatMap(({ bytes }) => (bytes === null ? [] : [bytes, Buffer.from('\n')]));
    const path = join(place.folder, 'poison.ndjson');
    writeFileSync(path, Buffer.concat(lines));
    await place.ok(['produce', '--from', path]);
    await appendNull(place);
    const run = await place.ok(['run', '--available-now']);
    printed.set('run', run.stdout).set('what run logs', run.stderr);
    letters = await place.jsonLines<Letter>(['dead-letters', 'list']);
  });
  after(() => place.remove());

  /** The offset of a case: its place among the lines, and the record without a value behind them all. */
  const offsets = new Map<PoisonCase, number>();
  for (const poison of POISON.filter(({ bytes }) => bytes !== null)) offsets.set(poison, offsets.size);
  for (const poison of POISON.filter(({ bytes }) => bytes === null)) offsets.set(poison, offsets.size);
  const offsetOf = (poison: PoisonCase): number => offsets.get(poison) as number;
  const titled = (title: string): PoisonCase => {
    const found = POISON.find((poison) => poison.title === title);
    assert.ok(found !== undefined, title);
    return found;
  };

  for (const poison of POISON) {
    const { title, verdict, bytes } = poison;
    test(`${title} is ${verdict === 'accepted' ? 'accepted' : `${verdict[0]} (${verdict[1] ?? 'the event'})`}`, () => {
      const letter = letters.find(({ offset }) => offset === offsetOf(poison));
      if (verdict === 'accepted') {
        assert.equal(letter, undefined);
        return;
      }
      assert.ok(letter !== undefined, 'it has a dead letter');
      assert.deepEqual([letter.reason, letter.field], verdict, `${letter.expected}; ${letter.actual}`);
      assert.ok(
        letter.expected !== '' && [...letter.actual].length <= 130,
        'it says what was expected and found',
      );
      if (bytes === null) assert.equal(letter.value, null);
      else assert.ok(Buffer.from(letter.value ?? '', 'base64').equals(bytes), 'its bytes are unchanged');
    });
  }

  test('every record has a verdict, and the accepted ones are counted where they belong', async () => {
    const totals = await place.json<Totals>(['totals']);
    const accepted = POISON.filter(({ verdict }) => verdict === 'accepted');
    const invalid = POISON.length - accepted.length;
    assert.deepEqual(totals.accounting, {
      read: POISON.length,
      accepted: accepted.length,
      invalid,
      duplicate: 0,
      late: 0,
    });
    const sums = new Map<string, bigint>();
    for (const { counts } of accepted) {
      const { category = 'Books', total = '1.00' } = counts ?? {};
      sums.set(category, (sums.get(category) ?? 0n) + BigInt(total.replace('.', '')));
    }
    assert.deepEqual(
      new Map(totals.categories.map(({ category, total }) => [category, BigInt(total.replace('.', ''))])),
      sums,
    );
  });

  test('the list is in order and has the fields of the contract, and only those', async () => {
    assert.deepEqual(
      letters.map(({ offset }) => offset),
      letters.map(({ offset }) => offset).toSorted((a, b) => a - b),
    );
    for (const letter of letters) {
      assert.deepEqual(Object.keys(letter), [
        'reason',
        'field',
        'expected',
        'actual',
        'topic',
        'partition',
        'offset',
        'batchId',
        'timestamp',
        'value',
      ]);
      assert.deepEqual([letter.topic, letter.partition, letter.batchId], [TOPIC, 0, 0]);
      assert.match(letter.timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      assert.ok(
        Math.abs(Date.parse(letter.timestamp) - systemClock.nowMs()) < 600_000,
        'when it was appended',
      );
      const { value } = letter;
      if (value !== null)
        assert.ok(Buffer.from(value, 'base64').toString('base64') === value, 'it is base64');
    }
  });

  test('the list can be cut by reason, partition and number', async () => {
    const empty = await place.jsonLines<Letter>(['dead-letters', 'list', '--reason', 'empty']);
    assert.deepEqual(
      empty,
      letters.filter(({ reason }) => reason === 'EMPTY'),
    );
    assert.equal(empty.length, 2);
    assert.deepEqual(await place.jsonLines(['dead-letters', 'list', '--partition', '1']), []);
    assert.deepEqual(await place.jsonLines(['dead-letters', 'list', '--limit', '3']), letters.slice(0, 3));
  });

  const shown = [
    'a surrogate in UTF-8',
    'a byte order mark',
    'UTF-16',
    '16 MiB, the most that the log takes',
    'NUL behind the object',
    'terminal escapes as they are',
    'no bytes',
  ];
  for (const title of shown) {
    test(`show --raw gives ${title} back unchanged`, async () => {
      const poison = titled(title);
      const { bytes } = await place.ok(['dead-letters', 'show', `0:${offsetOf(poison)}`, '--raw']);
      assert.ok(bytes.equals(poison.bytes as Buffer), `${bytes.length} bytes`);
    });
  }

  test('show --raw of a record without a value says that there are no bytes, and fails', async () => {
    const ended = await place.run(['dead-letters', 'show', `0:${offsetOf(titled('no value'))}`, '--raw']);
    assert.deepEqual([ended.code, ended.stdout], [1, '']);
    assert.match(ended.stderr, /has no bytes \(EMPTY\)/);
  });

  test('show tells all about one, for people and as JSON', async () => {
    const poison = titled('terminal escapes in what is quoted');
    const at = `0:${offsetOf(poison)}`;
    const [text, json] = await Promise.all([
      place.ok(['dead-letters', 'show', at]),
      place.json<Letter>(['dead-letters', 'show', at]),
    ]);
    printed.set('show', text.stdout);
    assert.deepEqual(
      json,
      letters.find(({ offset }) => offset === offsetOf(poison)),
    );
    for (const part of [
      'OUT_OF_RANGE',
      'currency',
      TOPIC,
      at,
      'an ISO 4217 code',
      '\\u{9b}31m',
      '\\u{202e}',
    ]) {
      assert.ok(text.stdout.includes(part), `${part} in ${text.stdout}`);
    }
  });

  test('show lets a byte order mark be seen, and of 10 MB only as much as a person reads', async () => {
    const mark = await place.ok(['dead-letters', 'show', `0:${offsetOf(titled('a byte order mark'))}`]);
    assert.ok(mark.stdout.includes('\n\\u{feff}{"event_id"'), mark.stdout);
    const large = await place.ok(['dead-letters', 'show', `0:${offsetOf(titled('10 MB'))}`]);
    assert.ok(large.stdout.length < 100_000);
    assert.match(large.stdout, /\n… and 9934464 more bytes\n/);
  });

  test('nothing that an event brings acts on the terminal', async () => {
    const commands = [
      ['dead-letters', 'list'],
      ['totals'],
      ['totals', '--json'],
      ['dead-letters', 'list', '--json'],
    ];
    const texts = await Promise.all(commands.map((words) => place.ok(words)));
    commands.forEach((words, index) => printed.set(words.join(' '), texts[index]?.stdout ?? ''));
    const at = `0:${offsetOf(titled('terminal escapes as they are'))}`;
    for (const words of [
      ['dead-letters', 'show', at],
      ['dead-letters', 'show', at, '--json'],
    ]) {
      printed.set(words.join(' '), (await place.ok(words)).stdout);
    }
    for (const [what, text] of printed) {
      assert.ok(text.length > 100, `${what} printed something`);
      const found = ACTS_ON_TERMINAL.exec(text);
      const context =
        found === null ? '' : JSON.stringify(text.slice(Math.max(0, found.index - 60), found.index + 20));
      assert.equal(found, null, `${what} prints a raw character: ${context}`);
    }
    assert.ok(printed.get('run')?.includes('\\u{1b}[2J'), 'the report shows it escaped');
  });

  test('the escaping loses nothing for programs', async () => {
    const { categories } = await place.json<Totals>(['totals']);
    assert.ok(categories.some(({ category }) => category === ESCAPES.replace('\0', '')));
  });
});

test('a line that no record holds ends produce with its number, after every line before it', async (t) => {
  const place = new Place();
  t.after(() => place.remove());
  const path = join(place.folder, 'large.ndjson');
  writeFileSync(
    path,
    Buffer.concat([Buffer.from('{}\n[]\n'), Buffer.alloc(16 * 1024 * 1024 + 1, 0x78), Buffer.from('\n{}\n')]),
  );
  const { code, stderr } = await place.run(['produce', '--from', path]);
  assert.equal(code, 1);
  assert.match(stderr, /Line 3 of the input has 16777217 bytes/);
  await place.ok(['run', '--available-now']);
  const { accounting } = await place.json<Totals>(['totals']);
  assert.equal(accounting.read, 2);
});

test('dead letters at their limit end the query with the reason, and with positions it goes on', async (t) => {
  const place = new Place({ TALLYSTREAM_QUERY_DEAD_LETTER_BYTES_MAX: '20 B' });
  t.after(() => place.remove());
  await place.ok(['produce', '--from', '-'], { input: 'not JSON at all\nnor is this one\n' });
  const full = await place.run(['run', '--available-now']);
  assert.equal(full.code, 1);
  assert.match(full.stderr, /\(DEAD_LETTERS_FULL\)/);
  assert.equal((await place.run(['totals'])).code, 0);
  const env = { TALLYSTREAM_QUERY_DEAD_LETTERS_WHEN_FULL: 'positions' };
  await place.ok(['run', '--available-now'], { env });
  const list = linesOf((await place.ok(['dead-letters', 'list', '--json'])).stdout);
  assert.deepEqual(
    list.map((line) => (JSON.parse(line) as Letter).value === null),
    [false, true],
  );
});

/** A record without a value cannot be a line of a file; other producers write them. */
async function appendNull(place: Place): Promise<void> {
  const log = openEmbeddedLog({ path: join(place.dataDir, 'log.db'), clock: systemClock });
  try {
    await (await log).append(TOPIC, [{ key: null, value: null }]);
  } finally {
    await (await log).close();
  }
}
