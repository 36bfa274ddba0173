/** What a command does not use, it does not load: starting is most of what a short command costs. */
import assert from 'node:assert/strict';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Place } from '../../e2e/run-cli.ts';

const RECORDER = new URL('fixtures/record-modules.js', import.meta.url).href;

const place = new Place();
before(async () => {
  await place.ok(['produce', '--events', '20', '--rate', 'max']);
  await place.ok(['run', '--available-now']);
});
after(() => place.remove());

/** Parts of modules' addresses, by what they are for. */
const KAFKA = ['/@platformatic/', '/src/log/kafka/'];
const EMBEDDED = ['/src/log/embedded/', '/src/log/shared/record-batch'];
const STATE = ['/src/checkpoint/', 'node:sqlite'];
const ENGINE = ['/src/engine/', '/src/operators/', '/src/stream/', '/src/plan/expression/functions'];
const LOGGER = ['/pino/', '/pino-pretty/', '/src/observe/logger'];
const OTHER_FORMATS = ['/src/log/rate/', '/src/log/file/', '/src/log/memory/', '/src/sinks/file'];
/** No command needs them as it is started here. */
const NEVER = ['/yaml/', '/pino-pretty/', '/apache-arrow/', '/hyparquet-writer/', '/src/stream/session.ts'];

const COMMANDS: readonly (readonly [words: string, unused: readonly string[], used: readonly string[]])[] = [
  ['--version', [...KAFKA, ...EMBEDDED, ...STATE, ...ENGINE, ...LOGGER, '/src/app/config/load.ts'], []],
  ['--help', [...KAFKA, ...EMBEDDED, ...STATE, ...ENGINE, ...LOGGER, '/src/app/config/load.ts'], []],
  ['totals', [...KAFKA, ...EMBEDDED, ...ENGINE, ...LOGGER, '/src/checkpoint/runner.ts'], STATE],
  [
    'produce --events 1 --rate max',
    [...KAFKA, '/src/checkpoint/', ...ENGINE, ...LOGGER, ...OTHER_FORMATS],
    EMBEDDED,
  ],
  [
    'run --available-now',
    [...KAFKA, ...OTHER_FORMATS, '/src/producer/', '/src/checkpoint/verify', '/src/checkpoint/view.ts'],
    [...EMBEDDED, ...STATE, '/src/engine/', '/pino/'],
  ],
  ['topic list', [...KAFKA, '/src/checkpoint/', ...ENGINE, ...LOGGER, ...OTHER_FORMATS], EMBEDDED],
  ['checkpoint show', [...KAFKA, ...EMBEDDED, ...ENGINE, ...LOGGER, '/src/checkpoint/runner.ts'], STATE],
];

for (const [words, unused, used] of COMMANDS) {
  test(`\`${words}\` loads nothing that it does not use`, async () => {
    const modules = await modulesOf(words.split(' '), 0);
    assert.deepEqual(loadedOf(modules, [...unused, ...NEVER]), []);
    for (const part of used) assert.notDeepEqual(loadedOf(modules, [part]), [], part);
  });
}

test('a command on Kafka loads of the client what it uses of it', async () => {
  // Nobody listens at this port.
  const words = ['topic', 'list', '--log', 'kafka', '--bootstrap-servers', '127.0.0.1:1'];
  const modules = await modulesOf([...words, '-X', 'kafka.socket.connection.setup.timeout.ms=100'], 4);
  const client = loadedOf(modules, ['/@platformatic/kafka/']);
  assert.ok(client.some((url) => url.endsWith('/network/connection.js')));
  assert.ok(client.length < 60, `${client.length} modules of the client are loaded`);
  assert.deepEqual(
    loadedOf(modules, ['/ajv/', '/mnemonist/', '/avsc/', '/src/log/embedded/', ...STATE, ...NEVER]),
    [],
  );
});

async function modulesOf(words: readonly string[], exitCode: number): Promise<string[]> {
  const record = join(place.folder, 'modules.txt');
  rmSync(record, { force: true });
  const env = { NODE_OPTIONS: `--import=${RECORDER}`, RECORD_MODULES: record };
  const { code, stderr } = await place.run(words, { env });
  assert.equal(code, exitCode, stderr);
  return readFileSync(record, 'utf8').split('\n');
}

function loadedOf(modules: readonly string[], parts: readonly string[]): string[] {
  return modules.filter((url) => parts.some((part) => url.includes(part)));
}
