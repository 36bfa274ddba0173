import assert from 'node:assert/strict';
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, before, beforeEach, describe, test } from 'node:test';
import fc from 'fast-check';
import type { Log } from '../../../src/contracts/log.ts';
import { createMemoryLog } from '../../../src/log/memory/log.ts';
import { deliverLines, type LineDeliveryOptions, type Resumed } from '../../../src/producer/lines/deliver.ts';
import { type Input, openFileInput, openStreamInput } from '../../../src/producer/lines/input.ts';
import { lockName } from '../../../src/producer/lines/name-lock.ts';
import { createRandom } from '../../../src/producer/random.ts';
import { openResumption, PRODUCER_HEADER } from '../../../src/producer/lines/resume.ts';
import { UNPACED } from '../../../src/producer/token-bucket.ts';
import { createManualClock, type ManualClock } from '../../../src/testing/manual-clock.ts';
import { drive } from '../drive.ts';

const TOPIC = 'purchases';
let root: string;
let folder: string;
let clock: ManualClock;
let log: Log;

before(async () => {
  root = await mkdtemp(join(tmpdir(), 'tallystream-resume-'));
});
after(() => rm(root, { recursive: true }));
beforeEach(async () => {
  folder = await mkdtemp(join(root, 'case-'));
  clock = createManualClock(Date.UTC(2026, 0, 1));
  log = createMemoryLog({ clock });
  await log.createTopic(TOPIC, { partitions: 3 });
});

interface Run extends Partial<Omit<LineDeliveryOptions, 'input' | 'resume'>> {
  readonly name?: string;
}

async function run(input: Input, { name = 'nightly', ...more }: Run = {}) {
  const never = new AbortController().signal;
  const seen: Resumed[] = [];
  const work = deliverLines({
    log,
    topic: TOPIC,
    input,
    fields: { keyField: 'customer_id', timestampField: 'timestamp' },
    pace: UNPACED,
    clock,
    random: createRandom(1),
    stop: never,
    abort: never,
    resume: { name, folder },
    onResumed: ({ from, foundInLog, sentAgain, finished }) =>
      seen.push({ from, foundInLog, sentAgain, finished }),
    ...more,
  });
  return { summary: await drive(clock, work), resumed: seen[0] };
}

/** Every record of the log: its text, and the line that its header names. */
async function inLog(): Promise<{ text: string; header: string }[]> {
  const all: { text: string; header: string }[] = [];
  for (const { partition, earliest, latest } of await log.offsets(TOPIC)) {
    for await (const chunk of log.read({ topic: TOPIC, partition, start: earliest, end: latest })) {
      for (let row = 0; row < chunk.count; row += 1) {
        const header = chunk.headers.get(row)?.find(({ name }) => name === PRODUCER_HEADER);
        all.push({
          text: Buffer.from(chunk.bytes.subarray(chunk.valueStart[row], chunk.valueEnd[row])).toString(),
          header: header === undefined ? 'none' : Buffer.from(header.value).toString(),
        });
      }
    }
  }
  return all;
}

const sortedTexts = async (): Promise<string[]> => (await inLog()).map(({ text }) => text).toSorted();

async function file(name: string, count: number): Promise<{ path: string; lines: string[] }> {
  const path = join(folder, name);
  // Some lines are equal, some are no JSON: nothing in a line tells whether it was delivered.
  const lines = Array.from({ length: count }, (_, index) => {
    if (index % 5 === 0) return 'no JSON';
    return index % 7 === 0 ? '' : `{"customer_id":"c${index % 11}","n":${index}}`;
  });
  await writeFile(path, lines.map((line) => `${line}\n`).join(''));
  return { path, lines };
}

/** A log that dies with the `fatalCall`-th append, after keeping of it what is said: no log promises all or nothing. */
function dyingLog(fatalCall: number, keeps: 'all' | 'none' | 'some'): Log {
  let call = 0;
  return withAppend(log, async (topic, records) => {
    call += 1;
    if (call < fatalCall) return log.append(topic, records);
    if (keeps === 'all') await log.append(topic, records);
    if (keeps === 'some') {
      const kept = records.filter((_, index) => index % 3 === 0);
      await log.append(topic, kept);
    }
    throw new Error('killed');
  });
}

function withAppend(inner: Log, append: Log['append']): Log {
  return new Proxy(inner, {
    get(target, property) {
      const value: unknown = property === 'append' ? append : Reflect.get(target, property);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

describe('a named delivery', () => {
  test('goes on after the last acknowledged line, and marks every record with its name and line', async () => {
    const { path, lines } = await file('a.ndjson', 100);
    await run(await openFileInput(path), { recordsMax: 40 });
    const { summary, resumed } = await run(await openFileInput(path));
    assert.equal(summary.acknowledged, 60);
    assert.equal(resumed?.from.lines, 40);
    assert.deepEqual(await sortedTexts(), lines.toSorted());
    const headers = (await inLog()).map(({ header }) => header);
    assert.deepEqual(headers.toSorted(), lines.map((_, index) => `nightly:${index + 1}`).toSorted());
  });

  test('of a finished file says so and delivers nothing, until the file grows', async () => {
    const { path, lines } = await file('b.ndjson', 10);
    await run(await openFileInput(path));
    const again = await run(await openFileInput(path));
    assert.deepEqual([again.summary.acknowledged, again.resumed?.finished], [0, true]);
    await appendFile(path, 'more\n');
    const grown = await run(await openFileInput(path));
    assert.deepEqual([grown.summary.acknowledged, grown.resumed?.finished], [1, false]);
    assert.deepEqual(await sortedTexts(), [...lines, 'more'].toSorted());
  });

  test('brings every line into the log exactly once, whatever dies when, and whatever the log kept of it', async () => {
    const deaths = fc.array(
      fc.record({
        fatalCall: fc.integer({ min: 1, max: 6 }),
        keeps: fc.constantFrom('all', 'none', 'some'),
      }),
      { maxLength: 5 },
    );
    let round = 0;
    const exact = fc.asyncProperty(
      deaths,
      fc.integer({ min: 1, max: 30 }),
      async (script, batchRecordsMax) => {
        round += 1;
        const name = `round-${round}`;
        log = createMemoryLog({ clock });
        await log.createTopic(TOPIC, { partitions: 3 });
        const { path, lines } = await file(`${name}.ndjson`, 120);
        const limits = { batchRecordsMax };
        for (const { fatalCall, keeps } of script) {
          await run(await openFileInput(path), { name, limits, log: dyingLog(fatalCall, keeps) }).catch(
            (error: unknown) => assert.equal((error as Error).message, 'killed'),
          );
        }
        await run(await openFileInput(path), { name, limits });
        const headers = (await inLog()).map(({ header }) => header);
        assert.deepEqual(headers.toSorted(), lines.map((_, index) => `${name}:${index + 1}`).toSorted());
      },
    );
    await fc.assert(exact, { numRuns: 25 });
  });

  test('finds its lines among those of others', async () => {
    const { path, lines } = await file('c.ndjson', 30);
    const killed = { limits: { batchRecordsMax: 10 }, log: dyingLog(2, 'all') };
    await assert.rejects(run(await openFileInput(path), killed), { message: 'killed' });
    const others = await file('others.ndjson', 50);
    await run(await openFileInput(others.path), { name: 'nightly-2' });
    const { resumed, summary } = await run(await openFileInput(path));
    assert.deepEqual([resumed?.from.lines, resumed?.foundInLog, summary.acknowledged], [10, 10, 10]);
    assert.deepEqual(await sortedTexts(), [...lines, ...others.lines].toSorted());
  });

  test('counts the lines that it found in the log as delivered, once it is at their end', async () => {
    const { path } = await file('end.ndjson', 20);
    const killed = { limits: { batchRecordsMax: 10 }, log: dyingLog(2, 'all') };
    await assert.rejects(run(await openFileInput(path), killed), { message: 'killed' });
    const second = await run(await openFileInput(path));
    assert.deepEqual([second.resumed?.finished, second.summary.acknowledged], [false, 0]);
    const third = await run(await openFileInput(path));
    assert.deepEqual([third.resumed?.finished, third.resumed?.foundInLog], [true, 0]);
  });

  test('passes over the first lines of a stream', async () => {
    const stream = (text: string): Input => openStreamInput(Readable.from([Buffer.from(text)]));
    await run(stream('a\nb\n'));
    const { summary } = await run(stream('a\nb\nc\nd'));
    assert.equal(summary.acknowledged, 2);
    assert.deepEqual(await sortedTexts(), ['a', 'b', 'c', 'd']);
  });

  test('stores its position after every so many lines, and not only at the end', async () => {
    const { path } = await file('d.ndjson', 25_000);
    const stored: number[] = [];
    await run(await openFileInput(path), {
      limits: { batchRecordsMax: 5_000 },
      log: withAppend(log, async (topic, records) => {
        stored.push(
          (JSON.parse(await readFile(join(folder, 'nightly.json'), 'utf8')) as { lines: number }).lines,
        );
        return log.append(topic, records);
      }),
    });
    assert.ok(stored[0] === 0 && stored.length >= 5);
    assert.ok(
      stored.some((lines) => lines >= 10_000 && lines < 25_000),
      stored.join(' '),
    );
  });
});

describe('a last line without LF', () => {
  test('may get its LF later', async () => {
    const path = join(folder, 'tail.ndjson');
    await writeFile(path, 'a\nb');
    await run(await openFileInput(path));
    await appendFile(path, '\nc\n');
    await run(await openFileInput(path));
    assert.deepEqual(await sortedTexts(), ['a', 'b', 'c']);
  });

  test('that has grown is refused, because half of it is in the log', async () => {
    const path = join(folder, 'grown.ndjson');
    await writeFile(path, 'a\nb');
    await run(await openFileInput(path));
    await appendFile(path, 'bb\n');
    await assert.rejects(run(await openFileInput(path)), {
      code: 'USAGE',
      message: /Line 2 .* was extended/,
    });
  });
});

describe('a name is refused', () => {
  test('that cannot be the name of a file of its own', async () => {
    const { path } = await file('e.ndjson', 1);
    for (const name of ['', '.', '..', 'a/b', 'a\\b', '../x', 'a:b', '-x', 'a\n', 'x'.repeat(65)]) {
      await assert.rejects(run(await openFileInput(path), { name }), { code: 'USAGE' }, JSON.stringify(name));
    }
  });

  test('that belongs to another file, a shorter one, or a stream', async () => {
    const { path } = await file('f.ndjson', 50);
    await run(await openFileInput(path), { recordsMax: 20 });
    const other = join(folder, 'other.ndjson');
    await writeFile(other, 'x\n'.repeat(1_000));
    const refused = { code: 'USAGE', message: /'nightly' belongs to a different input/ };
    await assert.rejects(run(await openFileInput(other)), refused);
    await writeFile(other, (await readFile(path)).subarray(0, 20));
    await assert.rejects(run(await openFileInput(other)), refused);
    await assert.rejects(run(openStreamInput(Readable.from([]))), refused);
  });

  test('that belongs to another topic, or to one that was created anew since', async () => {
    const { path } = await file('g.ndjson', 5);
    await run(await openFileInput(path));
    await log.createTopic('returns', { partitions: 1 });
    await assert.rejects(run(await openFileInput(path), { topic: 'returns' }), {
      code: 'USAGE',
      message: /belongs to a delivery to topic 'purchases'/,
    });
    await log.deleteTopic(TOPIC);
    await log.createTopic(TOPIC, { partitions: 3 });
    await assert.rejects(run(await openFileInput(path)), { code: 'TOPIC_RECREATED', message: /5 lines/ });
  });

  test('that another producer is using, until that one ends', async () => {
    const { path } = await file('h.ndjson', 5);
    const lock = await lockName(join(folder, 'nightly.lock'), 'nightly', clock);
    await assert.rejects(run(await openFileInput(path)), { code: 'CHECKPOINT_LOCKED', message: /'nightly'/ });
    lock.release();
    assert.equal((await run(await openFileInput(path))).summary.acknowledged, 5);
  });

  test('whose position is damaged, rather than beginning again', async () => {
    const { path } = await file('i.ndjson', 5);
    for (const text of ['', '{', 'null', '{"schemaVersion":2}', '{"schemaVersion":1,"lines":-1}']) {
      await writeFile(join(folder, 'nightly.json'), text);
      await assert.rejects(run(await openFileInput(path)), {
        code: 'INPUT_UNREADABLE',
        message: /nightly\.json/,
      });
    }
  });
});

test('a line that a log kept ahead of others is found again, however often the run dies before it gets there', async () => {
  const path = join(folder, 'input.ndjson');
  await writeFile(path, 'a\nb\nc\n');
  const topic = await log.describeTopic(TOPIC);
  assert.ok(topic !== undefined);
  const input = await openFileInput(path);
  const open = async () => openResumption({ name: 'n', folder, log, topic, input, clock });
  const record = (line: number, partition: number) => {
    const header = { name: PRODUCER_HEADER, value: Buffer.from(`n:${line}`) };
    return { key: null, value: Buffer.from('x'), partition, line, endByte: line * 2, headers: [header] };
  };
  const first = await open();
  await log.append(TOPIC, [record(3, 0)]);
  await first.close();
  const second = await open();
  assert.equal(second.marks.isDelivered(3), true);
  const batch = [record(1, 0), record(2, 1)];
  await second.acknowledged(batch, await log.append(TOPIC, batch));
  await second.close();
  const third = await open();
  assert.deepEqual([third.from.lines, third.marks.isDelivered(3)], [2, true]);
  await third.close();
  // A file that is left to the garbage collector ends the process with an error.
  await input.close();
});
