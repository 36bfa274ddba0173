import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { pass, type Check, type CheckResult } from '../../../src/app/cli/doctor/check.ts';
import { runChecks } from '../../../src/app/cli/doctor.ts';
import { installSignals } from '../../../src/app/cli/signals.ts';
import { systemClock } from '../../../src/observe/system-clock.ts';
import { filesIn, temporaryFolder } from './doctor/folders.ts';

const SCRIPT = fileURLToPath(new URL('../../../bin/tallystream.js', import.meta.url));
const NAMES = [
  'Node',
  'SQLite',
  'configuration',
  'data folder',
  'privacy',
  'disk space',
  'disk flush',
  'port',
  'log',
  'checkpoint',
  'lag',
  'clock',
  'event generation',
];
/** A port that is taken, or a slow disk, is the machine's and no fault of this test. */
const OF_THE_MACHINE = new Set(['port', 'disk flush', 'disk space']);

interface Answer {
  readonly schemaVersion: number;
  readonly ok: boolean;
  readonly checks: readonly CheckResult[];
}

interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number | null;
}

async function run(folder: string, ...words: string[]): Promise<Outcome> {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('TALLYSTREAM_'));
  const child = spawn(process.execPath, [SCRIPT, ...words], { cwd: folder, env: Object.fromEntries(own) });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8');
    child[name].on('data', (text: string) => (output[name] += text));
  }
  const [exitCode] = (await once(child, 'close')) as [number | null];
  return { ...output, exitCode };
}

async function diagnose(folder: string, ...flags: string[]): Promise<Outcome & { answer: Answer }> {
  const outcome = await run(folder, 'doctor', '--json', ...flags);
  return { ...outcome, answer: JSON.parse(outcome.stdout) as Answer };
}

function named(answer: Answer, name: string): CheckResult {
  const found = answer.checks.find((check) => check.name === name);
  assert.ok(found !== undefined, name);
  return found;
}

/** The checks that are no pass, leaving those aside that depend on the machine. */
function troubled({ checks }: Answer): string[] {
  return checks
    .filter(({ name, status }) => status !== 'pass' && !OF_THE_MACHINE.has(name))
    .map(({ name, status }) => `${name}: ${status}`);
}

test('finds nothing wrong before the first start, and leaves nothing behind', async (t) => {
  const folder = temporaryFolder(t);
  const { answer, exitCode, stderr } = await diagnose(folder, '--ui-port', 'off');
  assert.equal(answer.schemaVersion, 1);
  assert.deepEqual(
    answer.checks.map(({ name }) => name),
    NAMES,
  );
  assert.deepEqual(troubled(answer), []);
  assert.deepEqual([exitCode, answer.ok, stderr], [0, true, '']);
  assert.deepEqual(filesIn(folder), []);
});

test('says it in aligned lines for people, with the counts at the end', async (t) => {
  const { stdout, exitCode } = await run(temporaryFolder(t), 'doctor', '--ui-port', 'off');
  assert.equal(exitCode, 0);
  assert.match(stdout, /^pass {2}Node {14}v\d/);
  assert.match(stdout, /\npass {2}port {14}off: /);
  assert.match(stdout, /\n\n\d+ pass, \d+ warn, 0 fail\n$/);
  assert.ok(!stdout.includes('\u{1b}'), 'no colour where nobody looks at a terminal');
});

test('finds nothing wrong after events were produced and counted, and changes nothing', async (t) => {
  const folder = temporaryFolder(t);
  assert.equal((await run(folder, 'produce', '--events', '50', '--rate', 'max')).exitCode, 0);
  assert.equal((await run(folder, 'run', '--available-now')).exitCode, 0);
  const files = filesIn(folder);
  const { answer, exitCode } = await diagnose(folder, '--ui-port', 'off');
  assert.deepEqual([troubled(answer), exitCode], [[], 0]);
  assert.match(named(answer, 'log').found, /50 records in 4 partitions/);
  assert.match(named(answer, 'checkpoint').found, /50 read = 50 accepted/);
  assert.equal(named(answer, 'lag').found, 'query purchase-totals has read everything');
  assert.deepEqual(filesIn(folder), files);
});

test('exits 1 where the data folder is a file, and says how to fix it', async (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'data'), '');
  const { answer, exitCode } = await diagnose(folder);
  assert.deepEqual([exitCode, answer.ok], [1, false]);
  assert.deepEqual(troubled(answer), ['data folder: fail', 'checkpoint: fail']);
  const { stdout } = await run(folder, 'doctor');
  assert.match(
    stdout,
    /\nfail {2}data folder {7}\/.* is not writable: .*\n {24}hint: Allow this user to write/,
  );
});

test('exits 0 with a warning where the port is taken', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const { answer, exitCode } = await diagnose(temporaryFolder(t), '--ui-port', String(port));
  assert.deepEqual([named(answer, 'port').status, exitCode], ['warn', 0]);
});

test('exits 1 where log and checkpoint are damaged, a line each', async (t) => {
  const folder = temporaryFolder(t);
  const location = join(folder, 'data', 'checkpoints', 'purchase-totals-embedded-purchasing_events');
  mkdirSync(location, { recursive: true, mode: 0o700 });
  const noise = Uint8Array.from({ length: 20_000 }, (_, index) => (index * 31) % 251);
  writeFileSync(join(folder, 'data', 'log.db'), noise);
  writeFileSync(join(location, 'checkpoint.db'), noise);
  const { answer, exitCode } = await diagnose(folder);
  assert.equal(exitCode, 1);
  assert.deepEqual(troubled(answer), ['log: fail', 'checkpoint: fail', 'lag: warn']);
});

test('reports a wrong configuration as a line, and goes on without it', async (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'wrong.yaml'), 'query:\n  trigger: soon\nlogg:\n  topic: a\n');
  const { answer, exitCode, stderr } = await diagnose(folder, '--config', 'wrong.yaml', '--data-dir', 'mine');
  assert.deepEqual([exitCode, stderr], [1, '']);
  assert.deepEqual(troubled(answer), ['configuration: fail']);
  const { found } = named(answer, 'configuration');
  assert.match(found, /wrong\.yaml:2:12: query\.trigger must be a duration/);
  assert.match(found, /wrong\.yaml:3:1: There is no .*"logg"/);
  assert.match(named(answer, 'data folder').found, /mine does not exist yet/);
});

test('every other command still refuses that configuration, with exit code 3', async (t) => {
  assert.equal((await run(temporaryFolder(t), 'totals', '--config', 'none.yaml')).exitCode, 3);
});

test('ends at a signal when the check in hand is done', async () => {
  const host = Object.assign(new EventEmitter(), { exit: () => {} });
  const signals = installSignals(host, { mergeWithinMs: 0, nowMs: () => 0 });
  const ran: string[] = [];
  const check = (name: string, act: () => void): Check => ({
    name,
    run: async () => {
      act();
      await new Promise((resolve) => setImmediate(resolve));
      ran.push(name);
      return pass('fine');
    },
  });
  const checks = [check('a', () => {}), check('b', () => host.emit('SIGINT')), check('c', () => {})];
  const reported: string[] = [];
  const outcome = await runChecks(checks, { clock: systemClock, signals }, async ({ name }) => {
    reported.push(name);
  });
  assert.deepEqual(outcome, { kind: 'interrupted', exitCode: 130 });
  assert.deepEqual([ran, reported], [['a', 'b'], ['a']]);
});

test('refuses a flag that there is not, with exit code 2', async (t) => {
  assert.equal((await run(temporaryFolder(t), 'doctor', '--fix')).exitCode, 2);
});
