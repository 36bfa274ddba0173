import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { openEmbeddedLog } from '../../../src/log/embedded/log.ts';
import { systemClock } from '../../../src/observe/system-clock.ts';
import { oldNode, Place, withoutOldNode } from '../../e2e/run-cli.ts';

const TOPIC = 'purchasing_events';

interface Summary {
  readonly schemaVersion: number;
  readonly acknowledged: number;
  readonly unacknowledged: number;
  readonly lastOffsets: readonly number[];
}

function placeOf(t: TestContext, env: Readonly<Record<string, string>> = {}): Place {
  const place = new Place(env);
  t.after(() => place.remove());
  return place;
}

/** Every value in the log, by partition and offset. */
async function valuesIn(place: Place): Promise<string[]> {
  const log = await openEmbeddedLog({
    path: join(place.dataDir, 'log.db'),
    clock: systemClock,
    readOnly: true,
  });
  try {
    const values: string[] = [];
    for (const { partition, earliest, latest } of await log.offsets(TOPIC)) {
      for await (const chunk of log.read({ topic: TOPIC, partition, start: earliest, end: latest })) {
        for (let row = 0; row < chunk.count; row += 1) {
          values.push(
            Buffer.from(chunk.bytes.subarray(chunk.valueStart[row], chunk.valueEnd[row])).toString('latin1'),
          );
        }
      }
    }
    return values;
  } finally {
    await log.close();
  }
}

type Purchase = Record<string, unknown> & { event_id: string; timestamp: string };

async function purchasesIn(place: Place): Promise<Purchase[]> {
  return (await valuesIn(place)).map(
    (value) => JSON.parse(Buffer.from(value, 'latin1').toString()) as Purchase,
  );
}

describe('a signal lets produce finish what is in flight', () => {
  const nodes = [
    ['this Node', undefined, false],
    ['an old host', oldNode, withoutOldNode],
  ] as const;
  for (const [where, node, skip] of nodes) {
    for (const [signal, exitCode] of [
      ['SIGINT', 130],
      ['SIGTERM', 143],
    ] as const) {
      test(
        `${signal} on ${where}: exit code ${exitCode}, and all that is in the log is acknowledged`,
        { skip },
        async (t) => {
          const place = placeOf(t, {
            TALLYSTREAM_PRODUCER_LINGER: '1 minute',
            TALLYSTREAM_PRODUCER_BATCH_RECORDS_MAX: '40',
          });
          const cli = place.start(['produce', '--rate', '400', '--json'], node === undefined ? {} : { node });
          await cli.until(({ stderr }) => stderr.includes('Producing purchase events'));
          // Before the first append there is no topic.
          await waitFor(async () => (await valuesIn(place).catch(() => [])).length > 40);
          cli.kill(signal);
          const { code, stdout, stderr } = await cli.end();
          assert.equal(code, exitCode, stderr);
          const summary = JSON.parse(stdout) as Summary;
          assert.equal(summary.unacknowledged, 0);
          assert.ok(summary.acknowledged > 40, stderr);
          assert.match(stderr, new RegExp(`^Stopped: ${summary.acknowledged} events delivered`, 'm'));
          assert.equal((await valuesIn(place)).length, summary.acknowledged);
        },
      );
    }
  }
});

describe('--from', () => {
  test('a file that cannot be read ends with one clear error', async (t) => {
    const place = placeOf(t);
    for (const [path, says] of [
      ['missing.ndjson', /missing\.ndjson cannot be read\.\n {2}why: {2}There is no such file\./],
      ['.', /\. is a folder\./],
    ] as const) {
      const { code, stdout, stderr } = await place.run(['produce', '--from', path]);
      assert.deepEqual([code, stdout], [1, '']);
      assert.match(stderr, says);
      assert.match(stderr, /\(INPUT_UNREADABLE\)\n$/);
    }
  });

  test('a log that cannot be opened ends with exit code 4, and the file is closed', async (t) => {
    const place = placeOf(t);
    // A folder in the place of the log's file.
    mkdirSync(join(place.dataDir, 'log.db'), { recursive: true });
    const file = join(place.folder, 'in.ndjson');
    writeFileSync(file, '{}\n');
    // Node finds a file that was forgotten when it collects garbage.
    const collect = 'data:text/javascript,process.once(%22beforeExit%22,()=>{gc();setImmediate(()=>gc())})';
    const env = { NODE_OPTIONS: `--expose-gc --import=${collect}` };
    const { code, stdout, stderr } = await place.run(['produce', '--from', file], { env });
    assert.deepEqual([code, stdout], [4, ''], stderr);
    assert.match(stderr, /log\.db is not a regular file.*\n.*\n {2}\(LOG_UNAVAILABLE\)\n$/);
  });

  test('- carries standard input byte for byte, its last line without an end included', async (t) => {
    const place = placeOf(t, { TALLYSTREAM_LOG_PARTITIONS: '1' });
    const lines = ['{"customer_id":"a"}', '', '\r', '\u0000\u00ff\u00fe', '  [] ', 'no end'];
    await place.ok(['produce', '--from', '-'], { input: Buffer.from(lines.join('\n'), 'latin1') });
    assert.deepEqual(await valuesIn(place), lines);
  });

  test('- delivers what has come while more is awaited', async (t) => {
    const place = placeOf(t);
    const cli = place.start(['produce', '--from', '-', '--json'], { inputStaysOpen: true });
    cli.stdin.write('one\ntwo\nhalf');
    await waitFor(async () => (await valuesIn(place).catch(() => [])).length === 2);
    cli.stdin.end(' a line\n');
    const { code, stdout } = await cli.end();
    assert.equal(code, 0);
    assert.equal((JSON.parse(stdout) as Summary).acknowledged, 3);
  });

  test('warns of a file that is out of order of time, and of one in order says nothing', async (t) => {
    const place = placeOf(t);
    const at = (hour: number): string => `{"customer_id":"c","timestamp":"2024-06-26T${hour}:00:00Z"}\n`;
    const back = await place.ok(['produce', '--from', '-'], { input: at(12) + at(14) + at(13) + at(11) });
    assert.match(
      back.stderr,
      /Warning: standard input is not in time order: line 3 is 1\.0 h earlier than a line above it/,
    );
    assert.match(back.stderr, /2 lines of standard input were not in order of time/);
    const inOrder = await place.ok(['produce', '--from', '-'], { input: at(12) + at(13) });
    assert.doesNotMatch(inOrder.stderr, /Warning/);
  });

  test('--resume goes on after the last line, and names what it found', async (t) => {
    const place = placeOf(t, { TALLYSTREAM_LOG_PARTITIONS: '1' });
    const path = join(place.folder, 'lines.ndjson');
    writeFileSync(path, 'a\nb\nc\n');
    const words = ['produce', '--from', path, '--resume', 'nightly', '--json'];
    const acknowledged = async (more: readonly string[]): Promise<[number, string]> => {
      const { stdout, stderr } = await place.ok([...words, ...more]);
      return [(JSON.parse(stdout) as Summary).acknowledged, stderr];
    };
    assert.equal((await acknowledged(['--events', '2']))[0], 2);
    const [rest, said] = await acknowledged([]);
    assert.equal(rest, 1);
    assert.match(said, /nightly: continuing after line 2/);
    assert.match((await acknowledged([]))[1], /nightly: all 3 lines are already in the log\./);
    appendFileSync(path, 'd\n');
    assert.equal((await acknowledged([]))[0], 1);
    assert.deepEqual(await valuesIn(place), ['a', 'b', 'c', 'd']);

    writeFileSync(path, 'x\ny\nz\nand more\n');
    const other = await place.run(words);
    assert.equal(other.code, 2, other.stderr);
    assert.match(other.stderr, /\(USAGE\)\n$/);
  });
});

test('--resume refuses a pipe of another input, before a line of it is in the log', async (t) => {
  const place = placeOf(t, { TALLYSTREAM_LOG_PARTITIONS: '1' });
  const words = ['produce', '--from', '-', '--resume', 'shop'];
  const lines = (first: number, count: number): string =>
    Array.from({ length: count }, (_, index) => `{"n":${first + index}}\n`).join('');
  await place.ok(words, { input: lines(0, 5) });
  const other = await place.run(words, { input: lines(100, 12) });
  assert.equal(other.code, 2, other.stderr);
  assert.match(other.stderr, /The name 'shop' belongs to a different input than standard input: its first/);
  assert.deepEqual(await valuesIn(place), lines(0, 5).trim().split('\n'));
  await place.ok(words, { input: lines(0, 12) });
  assert.deepEqual(await valuesIn(place), lines(0, 12).trim().split('\n'));
});

describe('generated events', () => {
  test('are the same for the same seed, but for the time', async (t) => {
    const [one, two, three] = await Promise.all(
      ['42', '42', '43'].map(async (seed) => {
        const place = placeOf(t, { TALLYSTREAM_LOG_PARTITIONS: '1' });
        await place.ok(['produce', '--events', '300', '--rate', 'max', '--seed', seed]);
        return (await purchasesIn(place)).map(({ timestamp, event_id, ...rest }) => {
          assert.match(timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
          return { ...rest, id: event_id.replace(/^purchase_\d{13}_/, '') };
        });
      }),
    );
    assert.equal(one?.length, 300);
    assert.deepEqual(one, two);
    assert.notDeepEqual(one, three);
  });

  test('go through several days from --start-time, in order, with --time-scale', async (t) => {
    const place = placeOf(t, { TALLYSTREAM_LOG_PARTITIONS: '1' });
    const start = ['--start-time', '2024-06-01', '--time-scale', String(3 * 86_400)];
    await place.ok(['produce', '--events', '200', '--rate', '200', ...start]);
    const times = (await purchasesIn(place)).map(({ timestamp }) => timestamp);
    assert.deepEqual(times, times.toSorted());
    assert.ok(times[0]?.startsWith('2024-06-01T'));
    const days = new Set(times.map((time) => time.slice(0, 10)));
    assert.ok(days.size >= 3 && days.size <= 30, [...days].join());
  });

  test('say on stderr with which seed they can be made again, and nothing on stdout', async (t) => {
    const place = placeOf(t);
    const { stdout, stderr } = await place.ok(['produce', '--events', '10', '--rate', 'max']);
    assert.equal(stdout, '');
    assert.match(
      stderr,
      /^Producing purchase events to purchasing_events\. --seed \d+ generates the same events again, except for their time\.\n10 events delivered in /,
    );
  });

  test('keep to the rate that is asked for', async (t) => {
    const place = placeOf(t);
    const summary = await place.json<Summary & { elapsedMs: number }>([
      'produce',
      '--events',
      '40',
      '--rate',
      '20',
    ]);
    assert.equal(summary.acknowledged, 40);
    assert.ok(summary.elapsedMs > 1_850 && summary.elapsedMs < 60_000, `${summary.elapsedMs} ms`);
  });
});

async function waitFor(isSo: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 4_000; tries += 1) {
    if (await isSo()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.fail('it did not become so');
}
