import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { createLogger, type LoggerOptions } from '../../src/observe/logger.ts';
import { silentLogger } from '../../src/observe/silent-logger.ts';
import { startupFields } from '../../src/observe/startup.ts';
import { createManualClock } from '../../src/testing/manual-clock.ts';

const CANARY = 'canary7f3a';
const LOGGER_URL = new URL('../../src/observe/logger.ts', import.meta.url).href;

async function logged(options: Partial<LoggerOptions> = {}) {
  let text = '';
  const logger = await createLogger({
    level: 'info',
    format: 'json',
    mask: true,
    isTerminal: false,
    clock: createManualClock(Date.UTC(2025, 5, 26, 14)),
    writer: { write: (line) => void (text += line) },
    ...options,
  });
  return { logger, text: () => text };
}

/** Runs a module in a process of its own: what it loads, and how it ends, cannot be seen from inside. */
function inProcess(source: string, command: string[] = []) {
  const prelude = `import { createLogger } from ${JSON.stringify(LOGGER_URL)};
    import { createRequire } from 'node:module';
    const loaded = () => Object.keys(createRequire(${JSON.stringify(LOGGER_URL)}).cache).join();
    const options = { level: 'info', format: 'json', mask: true, isTerminal: false };`;
  const args = ['--input-type=module', '--eval', prelude + source];
  const [file, ...before] = [...command, process.execPath];
  return spawnSync(file, [...before, ...args], { encoding: 'utf8', timeout: 240_000 });
}

test('a line is JSON with level, time, component, the fields and the message', async () => {
  const { logger, text } = await logged();
  logger
    .child({ component: 'engine' })
    .info({ operation: 'commit', batchId: 3, durationMs: 4.5 }, 'The batch is committed.');
  assert.ok(text().endsWith('\n'));
  const { pid, ...line } = JSON.parse(text()) as Record<string, unknown>;
  assert.equal(pid, process.pid);
  assert.deepEqual(line, {
    level: 'info',
    time: '2025-06-26T14:00:00.000Z',
    component: 'engine',
    operation: 'commit',
    batchId: 3,
    durationMs: 4.5,
    msg: 'The batch is committed.',
  });
});

test('writes its own level and those above', async () => {
  const levels = ['debug', 'info', 'warn', 'error'] as const;
  for (const [index, level] of levels.entries()) {
    const { logger, text } = await logged({ level });
    for (const each of levels) logger[each]({ operation: each }, 'A line.');
    const written = text()
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { level: string }).level);
    assert.deepEqual(written, levels.slice(index));
  }
});

test('no canary appears in any form of a line, by whatever way it came in', async () => {
  for (const format of ['json', 'pretty'] as const) {
    const { logger, text } = await logged({ level: 'debug', format });
    const error = Object.assign(new Error(`password=${CANARY}`), {
      sasl: { user: CANARY },
      cause: { token: CANARY },
    });
    logger.error(
      {
        operation: 'x',
        customer_id: CANARY,
        deep: [{ customerId: CANARY, key: Buffer.from(CANARY) }],
        error,
      },
      'A line.',
    );
    logger.info({ operation: 'x', text: `{"customer_id":"${CANARY}"}` }, `The secret=${CANARY} is out.`);
    assert.equal(text().trim().split('\n').length, 2);
    assert.ok(!text().includes(CANARY), text());
  }
});

test('event text cannot act on the terminal nor forge a line, in either form', async () => {
  const hostile = 'a\u001b[2J\u009b31m\u202e\u2028b\nforged';
  for (const format of ['json', 'pretty'] as const) {
    const { logger, text } = await logged({ format });
    logger.warn({ operation: 'x', [hostile]: hostile, error: new Error(hostile) }, hostile);
    assert.doesNotMatch(text().slice(0, -1), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    assert.ok(text().endsWith('\n'));
  }
});

test('auto is pretty on a terminal, with colours, and JSON elsewhere', async () => {
  const terminal = await logged({ format: 'auto', isTerminal: true });
  terminal.logger.child({ component: 'engine' }).info({ operation: 'x' }, 'A line.');
  assert.match(terminal.text(), /\u001b\[32mINFO.*engine: A line\./);
  const file = await logged({ format: 'auto' });
  file.logger.info({ operation: 'x' }, 'A line.');
  assert.equal((JSON.parse(file.text()) as { msg: string }).msg, 'A line.');
  const asked = await logged({ format: 'pretty' });
  asked.logger.info({ operation: 'x' }, 'A line.');
  assert.match(asked.text(), /^\[.*\] INFO: A line\./);
});

test('a stack is written at debug level only', async () => {
  for (const level of ['info', 'debug'] as const) {
    const { logger, text } = await logged({ level });
    logger.error({ operation: 'x', error: new Error('no') }, 'A line.');
    assert.equal(text().includes('logger.test.ts'), level === 'debug');
  }
});

test('neither pino nor pino-pretty is loaded before it is needed', () => {
  const { stdout, stderr, status } = inProcess(`
    console.log(/pino/.test(loaded()));
    await createLogger(options);
    console.log(/pino/.test(loaded()), /pino-pretty/.test(loaded()));
    await createLogger({ ...options, format: 'pretty' });
    console.log(/pino-pretty/.test(loaded()));`);
  assert.deepEqual([stdout, stderr, status], ['false\ntrue false\ntrue\n', '', 0]);
});

test('no line is lost when the process is killed right after it', () => {
  const { stderr, signal } = inProcess(`
    const logger = await createLogger(options);
    for (let i = 0; i < 500; i++) logger.info({ operation: 'x', i }, 'A line.');
    process.kill(process.pid, 'SIGKILL');`);
  assert.equal(stderr.trim().split('\n').length, 500);
  if (process.platform !== 'win32') assert.equal(signal, 'SIGKILL');
});

test(
  'a stderr that is closed, or whose reader has gone, does not end the process',
  { skip: process.platform === 'win32' },
  () => {
    const source = `
    const logger = await createLogger(options);
    for (let i = 0; i < 100; i++) { logger.info({ operation: 'x' }, 'A line.'); await new Promise((r) => setTimeout(r, 2)); }
    console.log('done');`;
    for (const script of ['exec "$@" 2>&-', '{ "$@" 2>&1 >&3 | true; } 3>&1']) {
      const { stdout } = inProcess(source, ['sh', '-c', script, 'sh']);
      assert.equal(stdout, 'done\n', script);
    }
  },
);

test('the start line names platform, Node, SQLite and paths', () => {
  const fields = startupFields({ dataDir: 'data', configFile: null });
  assert.equal(fields.execPath, process.execPath);
  assert.match(fields.sqlite, /^3\.\d+\.\d+$/);
  assert.equal(fields.dataDir, 'data');
  for (const [name, value] of Object.entries(fields)) assert.notEqual(value, '', name);
});

test('the silent logger says nothing, nor do its children', () => {
  silentLogger.child({ component: 'x' }).error({ operation: 'x' }, 'Nobody hears this.');
  assert.equal(silentLogger.child({ component: 'x' }), silentLogger);
});
