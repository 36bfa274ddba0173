/** A program is told of its options, not of the keys and flags of the commands. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { createSession } from '../../src/compose/session.ts';
import { required, schema, types } from '../../src/columns/schema/schema.ts';
import { KEYS } from '../../src/app/config/key-list.ts';
import { TallystreamError } from '../../src/errors.ts';
import { silentLogger } from '../../src/observe/silent-logger.ts';
import { errorInWordsOfOptions, inWordsOfOptions } from '../../src/stream/option-words.ts';

const SOURCES = join(import.meta.dirname, '../../src');
/** Keys that a program has no option for: they are the configuration's in a program too. */
const CONFIGURATION_ONLY = [
  'kafka.allow_plaintext_password',
  'kafka.sasl_password',
  'kafka.sasl_password_file',
  'kafka.sasl_token_file',
  'log.retention',
  'log.type',
];

test('every key that a message of the engine, a log, a checkpoint or a sink names has its option', () => {
  const paths = KEYS.map(({ path }) => path).filter((path) => /\w\.\w+_|^query\.|^log\./.test(path));
  const left = new Set<string>();
  for (const folder of ['engine', 'checkpoint', 'log', 'sinks', 'operators', 'stream']) {
    for (const name of readdirSync(join(SOURCES, folder), { recursive: true, encoding: 'utf8' })) {
      if (!name.endsWith('.ts') || name.endsWith('option-words.ts')) continue;
      const text = readFileSync(join(SOURCES, folder, name), 'utf8');
      const sentences = text.match(/(?:what|why|hint|where): (?:[^;]|\n)*?(?=,\n|\}\))/g) ?? [];
      for (const sentence of sentences) {
        const told = inWordsOfOptions(sentence.replaceAll(/\$\{[^}]*\}/g, ''));
        for (const path of paths)
          if (new RegExp(`['\` ]${path.replaceAll('.', '\\.')}[ ,.:'\`]`).test(told)) left.add(path);
        if (/[ '`]--[a-z]+-/.test(told) && !told.includes('NODE_OPTIONS')) left.add(`${name}: ${told}`);
      }
    }
  }
  assert.deepEqual(
    [...left].filter((each) => !CONFIGURATION_ONLY.includes(each)),
    [],
  );
});

test('a key is replaced as a whole name, and an error keeps its code, its cause and its class', () => {
  assert.equal(
    inWordsOfOptions('Set query.state_bytes_max, not my.query.state_bytes_max or query.state_bytes_max_2.'),
    'Set stateBytesMax, not my.query.state_bytes_max or query.state_bytes_max_2.',
  );
  const cause = new Error('below');
  const error = new TallystreamError('STATE_TOO_LARGE', {
    what: 'Too much.',
    hint: 'Raise query.state_bytes_max.',
    cause,
  });
  const told = errorInWordsOfOptions(error);
  assert.ok(told instanceof TallystreamError);
  assert.deepEqual(
    [told.code, told.message, told.cause],
    ['STATE_TOO_LARGE', 'Too much. Raise stateBytesMax.', cause],
  );
  const plain = new Error('query.state_bytes_max');
  assert.equal(errorInWordsOfOptions(plain), plain);
});

const EVENT = schema([required('id', types.string(), 'which')]);

function readerOf(t: TestContext) {
  const dataDir = mkdtempSync(join(tmpdir(), 'tallystream-words-'));
  t.after(() => rmSync(dataDir, { recursive: true, force: true }));
  return createSession({ dataDir, logger: silentLogger }).readStream;
}

test('a state that is too large names the option of the program', async (t) => {
  const reader = readerOf(t).format('embedded').options({ subscribe: 'events', partitions: 1 });
  const writer = reader.load(EVENT).dropDuplicatesWithinWatermark('id').writeStream.queryName('q');
  await assert.rejects(writer.option('stateBytesMax', 1).start(), {
    code: 'STATE_TOO_LARGE',
    message: /Start again with a larger stateBytesMax; the query continues/,
  });
});

for (const [options, says] of [
  [
    { subscribe: 'x', 'kafka.bootstrap.server': 'a:1' },
    /^option kafka\.bootstrap\.server: There is no setting .* Did you mean kafka\.bootstrap\.servers/,
  ],
  [
    { subscribe: 'x', 'kafka.group.id': 'g' },
    /does not take the option kafka\.group\.id\. A query is no member of a consumer group/,
  ],
  [
    { subscribe: 'x', 'kafka.auto.offset.reset': 'latest' },
    /option kafka\.auto\.offset\.reset: .*Use failOnDataLoss .* another queryName/,
  ],
  [
    { subscribe: 'x', startingOffsets: 'latest' },
    /The option startingOffsets of the kafka source cannot be "latest"\. Use earliest/,
  ],
  [
    { subscribe: 'x', endingOffsets: 'latest' },
    /does not take the option endingOffsets\..*availableNow.*The options are subscribe,/,
  ],
  [{ subscribePattern: 'x.*' }, /does not take the option subscribePattern\. A query reads one topic/],
  [{ subscribe: 'x,y' }, /The option subscribe .* cannot be "x,y"\. Use one name .* a query reads one topic/],
  [{ subscribe: 'x', partitions: 'many' }, /The option partitions of the kafka source cannot be "many"/],
  [
    { subscribe: 'x', offsets: 'y' },
    /The kafka source has no option offsets\. The options are subscribe, partitions/,
  ],
  [{}, /format\('kafka'\) needs a topic\. Call option\('subscribe'/],
] as const) {
  test(`the Kafka source answers ${JSON.stringify(options)} in words of options`, async (t) => {
    await assert.rejects(
      async () =>
        readerOf(t)
          .format('kafka')
          .options(options as Record<string, string>)
          .load(EVENT)
          .writeStream.queryName('q')
          .start(),
      (error: unknown) => {
        assert.ok(error instanceof TallystreamError);
        assert.match(error.message, says);
        assert.doesNotMatch(error.message, /-X|--[a-z]|query\.[a-z]+_/);
        return true;
      },
    );
  });
}

test('options that Spark has on the reader are those of the query, and the writer has the last word', async (t) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'tallystream-words-'));
  t.after(() => rmSync(dataDir, { recursive: true, force: true }));
  const session = createSession({ logger: silentLogger, dataDir });
  const source = session.memoryStream(EVENT);
  await source.addData(Array.from({ length: 6 }, (_, index) => ({ id: `${index}` })));
  const run = async (name: string, writerMax?: number) => {
    const writer = session.readStream
      .format('memory', source)
      .options({ ...({ maxoffsetspertrigger: 2 } as object), failOnDataLoss: false })
      .load(EVENT)
      .writeStream.queryName(name)
      .trigger({ availableNow: true });
    const sizes: number[] = [];
    const asked = writerMax === undefined ? writer : writer.option('maxOffsetsPerTrigger', writerMax);
    const query = await asked.foreachBatch((batch) => void sizes.push(batch.count())).start();
    await query.awaitTermination();
    return sizes;
  };
  assert.deepEqual(await run('a'), [2, 2, 2]);
  assert.deepEqual(await run('b', 3), [3, 3]);
  assert.throws(
    // @ts-expect-error the option of another source
    () => session.readStream.format('memory', source).option('rowsPerSecond', 1),
    { code: 'USAGE', message: /The memory source has no option rowsPerSecond/ },
  );
});
