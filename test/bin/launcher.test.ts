import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import type { Readable, Writable } from 'node:stream';
import { findPackagedNode, shortfall } from '../../bin/launcher.js';

const LAUNCH = fileURLToPath(new URL('./fixtures/launch.js', import.meta.url));
/** It ends at once; one that does not would go on for days. */
const END_WITHIN_MS = 60_000;
/** Longer than the time in which signals are taken for one under `npm run`, where these tests usually run. */
const BETWEEN_SIGNALS_MS = 400;
const TEST_TIMEOUT_MS = 180_000;

const own = findPackagedNode(process.platform, process.arch);
const needsOwnNode = { skip: 'missing' in own ? own.missing : false, timeout: TEST_TIMEOUT_MS };
const needsSignals = {
  ...needsOwnNode,
  skip: process.platform === 'win32' ? 'signals are POSIX' : needsOwnNode.skip,
};

test('says nothing against a Node that is new enough', () => {
  assert.equal(shortfall({ node: '24.0.0', sqlite: '3.51.3' }), undefined);
  assert.equal(shortfall({ node: '26.10.0', sqlite: '3.60.0' }), undefined);
});

test('names what a Node falls short of', () => {
  assert.equal(shortfall({ node: '20.20.2' }), "this machine's Node is v20.20.2");
  assert.equal(shortfall({ node: '9.9.9', sqlite: '3.60.0' }), "this machine's Node is v9.9.9");
  assert.equal(shortfall({ node: '24.1.0' }), "this machine's Node v24.1.0 has no SQLite");
  assert.equal(
    shortfall({ node: '24.1.0', sqlite: '3.51.2' }),
    "this machine's Node v24.1.0 has SQLite 3.51.2",
  );
});

test('finds the Node that the package brings', needsOwnNode, () => {
  assert.ok('path' in own);
  assert.ok(existsSync(own.path));
  assert.match(own.version, /^\d+\.\d+\.\d+$/);
});

test('runs in this process where Node is new enough, and adds nothing to stderr', async () => {
  const { stdout, stderr, exitCode } = await run('new', 'version');
  assert.deepEqual({ stdout, stderr, exitCode }, { stdout: process.version, stderr: '', exitCode: 0 });
});

test(
  'runs on the package’s own Node where the host’s is too old, and says so in one line',
  needsOwnNode,
  async () => {
    assert.ok('path' in own);
    const { stdout, stderr, exitCode } = await run('old', 'version');
    assert.deepEqual(
      { stdout, stderr, exitCode },
      {
        stdout: `v${own.version}`,
        stderr: `tallystream: this machine's Node is v20.20.2; running on the package's own v${own.version}\n`,
        exitCode: 0,
      },
    );
  },
);

test('exits 3 and says what, why and how to fix it where no Node will do', async () => {
  const { stdout, stderr, exitCode } = await run('old-without-package', 'version');
  assert.equal(exitCode, 3);
  assert.equal(stdout, '');
  assert.match(
    stderr,
    /cannot start: this machine's Node is v22\.1\.0, and Tallystream needs Node 24 or newer/,
  );
  assert.match(stderr, /No npm package has a Node for plan9-/);
  assert.match(stderr, /\nInstall Node 24 or newer/);
});

for (const host of ['new', 'old']) {
  test(`passes arguments, exit code and stdin through (${host} Node)`, needsOwnNode, async () => {
    const words = ['--a', 'with space', '', '"quoted"', 'ünï'];
    assert.equal((await run(host, 'echo', ...words)).stdout, JSON.stringify(words));
    assert.equal((await run(host, 'exit', '5')).exitCode, 5);
    assert.equal((await run(host, 'cat')).stdout, 'from stdin');
  });

  test(`lets all of stdout through before it ends (${host} Node)`, needsOwnNode, async () => {
    assert.equal((await run(host, 'large', '3000000')).stdout.length, 3_000_000);
  });

  test(
    `exits 1 with a message and no stack where the command throws (${host} Node)`,
    needsOwnNode,
    async () => {
      const { stderr, exitCode } = await run(host, 'throw');
      assert.equal(exitCode, 1);
      assert.match(stderr, /tallystream: failed: the fixture threw\n$/);
      assert.match((await run(host, 'throw', '--log-level', 'debug')).stderr, /\n {4}at /);
    },
  );
}

test('exits with 128 + n where signal n ended the child', needsSignals, async () => {
  assert.equal((await run('old', 'die')).exitCode, 128 + 9);
});

for (const [signal, exitCode] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const) {
  test(`forwards ${signal} sent to the launcher alone`, needsSignals, async () => {
    const started = await start('old', 'count');
    started.launcher.kill(signal);
    await started.nextLine(`${signal} 1`);
    await sleep(BETWEEN_SIGNALS_MS);
    started.launcher.kill(signal);
    await started.nextLine(`${signal} 2`);
    assert.equal(await started.exit, exitCode);
  });

  test(`ends at ${signal} where nobody listens`, needsSignals, async () => {
    const started = await start('old', 'idle');
    started.launcher.kill(signal);
    assert.equal(await started.exit, exitCode);
  });
}

test('counts a Ctrl-C that reaches launcher and child as one, and two as two', needsSignals, async () => {
  const started = await start('old', 'count');
  signalGroup(started.launcher);
  await started.nextLine('SIGINT 1');
  // Long enough for the forwarded copy to arrive, which must not count as a second.
  await sleep(BETWEEN_SIGNALS_MS);
  assert.equal(started.launcher.exitCode, null);
  signalGroup(started.launcher);
  await started.nextLine('SIGINT 2');
  assert.equal(await started.exit, 130);
});

for (const command of ['idle', 'flood']) {
  for (const reader of ['reading', 'stalled', 'gone']) {
    test(`the child of a killed launcher ends (${command}, stdout ${reader})`, needsSignals, async () => {
      const started = await start('old', command);
      if (reader === 'stalled') started.launcher.stdout.pause();
      if (reader === 'gone') started.launcher.stdout.destroy();
      // Lets a flood fill the pipe first.
      await sleep(100);
      // The child holds the other end of stderr, so its end is the child's end, and needs nobody to reap the process.
      const childEnded = new Promise<string>((resolve) =>
        started.launcher.stderr.on('end', () => resolve('ended')),
      );
      started.launcher.kill('SIGKILL');
      const outcome = await Promise.race([
        childEnded,
        sleep(END_WITHIN_MS, 'outlives its launcher', { ref: false }),
      ]);
      if (outcome !== 'ended') process.kill(started.childPid, 'SIGKILL');
      assert.equal(outcome, 'ended');
    });
  }
}

type Launcher = ChildProcessByStdio<Writable, Readable, Readable>;

/** A group of its own, so that a test can do what a terminal does at Ctrl-C without reaching the test runner. */
function spawnLauncher(words: string[]): Launcher {
  return spawn(process.execPath, [LAUNCH, ...words], { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
}

async function run(...words: string[]) {
  const launcher = spawnLauncher(words);
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    launcher[name].setEncoding('utf8');
    launcher[name].on('data', (text: string) => (output[name] += text));
  }
  launcher.stdin.on('error', () => {});
  launcher.stdin.end('from stdin');
  const exitCode = await new Promise<number | null>((resolve) => launcher.on('close', resolve));
  return { ...output, exitCode };
}

/** Starts a command that prints its process id first, and hands over once it has. */
async function start(...words: string[]) {
  const launcher = spawnLauncher(words);
  launcher.stderr.resume();
  const exit = new Promise<number | null>((resolve) => launcher.on('exit', resolve));
  let text = '';
  launcher.stdout.setEncoding('utf8');
  launcher.stdout.on('data', (chunk: string) => (text = (text + chunk).slice(0, 1_000)));
  const nextLine = async (expected?: string): Promise<string> => {
    while (!text.includes('\n')) {
      assert.equal(launcher.exitCode, null, 'the launcher ended before it printed a line');
      await sleep(5);
    }
    const [line = ''] = text.split('\n', 1);
    text = text.slice(line.length + 1);
    if (expected !== undefined) assert.equal(line, expected);
    return line;
  };
  return { launcher, exit, nextLine, childPid: Number(await nextLine()) };
}

function signalGroup(launcher: Launcher): void {
  assert.ok(launcher.pid !== undefined);
  process.kill(-launcher.pid, 'SIGINT');
}
