import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { test } from 'node:test';
import { installSignals } from '../../../src/app/cli/signals.ts';

class FakeProcess extends EventEmitter {
  readonly exits: number[] = [];
  unrefs = 0;
  readonly channel = { unref: () => (this.unrefs += 1) };

  exit(code: number): void {
    this.exits.push(code);
  }

  forward(signal: string): void {
    this.emit('message', { tallystreamSignal: signal });
  }
}

/** Without npm between the terminal and the process, whatever runs these tests. */
const everyOne = { mergeWithinMs: 0, nowMs: () => 0 };

function listen(options = everyOne) {
  const host = new FakeProcess();
  const signals = installSignals(host, options);
  const heard: string[] = [];
  const stop = signals.onSignal((signal, count) => heard.push(`${signal} ${count}`));
  return { host, signals, heard, stop };
}

test('counts a signal that arrives both ways once', () => {
  const { host, heard } = listen();
  host.emit('SIGINT');
  host.forward('SIGINT');
  assert.deepEqual(heard, ['SIGINT 1']);
});

test('counts it once whichever way comes first', () => {
  const { host, heard } = listen();
  host.forward('SIGINT');
  host.emit('SIGINT');
  assert.deepEqual(heard, ['SIGINT 1']);
});

test('counts two as two, in any interleaving of the two ways', () => {
  for (const order of ['ddff', 'dfdf', 'fdfd', 'ffdd', 'dffd', 'dd', 'ff']) {
    const { host, heard } = listen();
    for (const way of order) {
      if (way === 'd') host.emit('SIGINT');
      else host.forward('SIGINT');
    }
    assert.deepEqual(heard, ['SIGINT 1', 'SIGINT 2'], order);
  }
});

test('takes the copy that npm sends along for the one it copies', () => {
  let nowMs = 1_000;
  const { host, heard } = listen({ mergeWithinMs: 250, nowMs: () => nowMs });
  for (const atMs of [1_000, 1_005, 1_249]) {
    nowMs = atMs;
    host.emit('SIGINT');
    host.forward('SIGINT');
  }
  assert.deepEqual(heard, ['SIGINT 1']);
  nowMs = 1_250;
  host.forward('SIGINT');
  host.emit('SIGINT');
  assert.deepEqual(heard, ['SIGINT 1', 'SIGINT 2']);
});

test('counts each signal by its own name', () => {
  const { host, heard } = listen();
  host.emit('SIGTERM');
  host.forward('SIGHUP');
  host.emit('SIGINT');
  assert.deepEqual(heard, ['SIGTERM 1', 'SIGHUP 1', 'SIGINT 1']);
});

test('ends the process at once where nobody listens', () => {
  for (const [signal, exitCode] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    const host = new FakeProcess();
    const signals = installSignals(host, everyOne);
    host.emit(signal);
    assert.deepEqual(host.exits, [exitCode]);
    assert.equal(signals.exitCodeFor(signal), exitCode);
  }
});

test('ends the process again after the last listener was taken back', () => {
  const { host, heard, stop } = listen();
  stop();
  stop();
  host.emit('SIGTERM');
  assert.deepEqual(heard, []);
  assert.deepEqual(host.exits, [143]);
});

test('tells every listener, one registered twice included', () => {
  const host = new FakeProcess();
  const signals = installSignals(host, everyOne);
  let calls = 0;
  const listener = () => (calls += 1);
  signals.onSignal(listener);
  signals.onSignal(listener);
  host.emit('SIGINT');
  assert.equal(calls, 2);
  assert.deepEqual(host.exits, []);
});

test('ignores messages that are not the launcher’s', () => {
  const { host, heard } = listen();
  for (const message of [null, undefined, 'SIGINT', 7, {}, { tallystreamSignal: 'SIGKILL' }]) {
    host.emit('message', message);
  }
  assert.deepEqual(heard, []);
  assert.deepEqual(host.exits, []);
});

test('lets the process end while its channel is open', () => {
  const { host } = listen();
  assert.equal(host.unrefs, 1);
});

test('leaves the signals to the system for a command that only reads, but not as the first process of a container', () => {
  for (const [pid, listeners] of [
    [7, 0],
    [1, 1],
  ] as const) {
    const host = Object.assign(new FakeProcess(), { pid });
    installSignals(host, everyOne).leaveToSystem();
    assert.deepEqual(
      ['SIGINT', 'SIGTERM', 'SIGHUP'].map((signal) => host.listenerCount(signal)),
      [listeners, listeners, listeners],
    );
  }
});

test(
  'ends a process that is deep in a long call where signals are left to the system',
  { skip: process.platform === 'win32' && 'Windows ends a process at any signal' },
  async () => {
    const signals = new URL('../../../src/app/cli/signals.ts', import.meta.url).href;
    const script = `import { installSignals } from ${JSON.stringify(signals)};
      installSignals().leaveToSystem();
      process.stdout.write('busy', () => { for (;;); });`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(child, 'exit');
    await once(child.stdout, 'data');
    child.kill('SIGTERM');
    assert.deepEqual(await ended, [null, 'SIGTERM']);
  },
);
