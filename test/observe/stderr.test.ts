import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLineWriter } from '../../src/observe/stderr.ts';

/** A file descriptor that takes what the script says: a number of bytes, or an error's code. */
function scripted(script: (number | string)[]) {
  let text = '';
  let calls = 0;
  const write = (_fd: number, bytes: Uint8Array, offset: number): number => {
    calls++;
    const step = script.shift() ?? bytes.length;
    if (typeof step === 'string') throw Object.assign(new Error(step), { code: step });
    const part = bytes.subarray(offset, offset + step);
    text += Buffer.from(part).toString();
    return part.length;
  };
  return { writer: createLineWriter(2, write), text: () => text, calls: () => calls, script };
}

test('a line written in parts comes out whole', () => {
  const fd = scripted([1, 'EAGAIN', 2, 'EAGAIN', 'EAGAIN', 100]);
  fd.writer.write('a whole line\n');
  assert.equal(fd.text(), 'a whole line\n');
});

test('a closed pipe silences the log and does not throw', () => {
  for (const code of ['EPIPE', 'EBADF']) {
    const fd = scripted([code]);
    fd.writer.write('one\n');
    fd.writer.write('two\n');
    assert.equal(fd.text(), '');
    assert.equal(fd.calls(), 1);
  }
});

test('a full disk costs the line, and the next one is tried again', () => {
  const fd = scripted(['ENOSPC']);
  fd.writer.write('lost\n');
  fd.writer.write('kept\n');
  assert.equal(fd.text(), 'kept\n');
});

test('a reader that has stopped reading costs one wait, not one for every line', () => {
  const fd = scripted(new Array<string>(1000).fill('EAGAIN'));
  const before = performance.now();
  for (let i = 0; i < 50; i++) fd.writer.write('lost\n');
  assert.ok(performance.now() - before < 30_000);
  fd.script.length = 0;
  fd.writer.write('kept\n');
  assert.equal(fd.text(), 'kept\n');
});

test('a line that broke off is ended before the next', () => {
  const fd = scripted([3, 'ENOSPC']);
  fd.writer.write('broken\n');
  fd.writer.write('whole\n');
  assert.equal(fd.text(), 'bro\nwhole\n');
});
