import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { createReportPrinter, OutputClosedError } from '../../src/sinks/console.ts';

const render = (report: unknown): string => `report ${String(report)}\n`;

/** A stream that answers each write when the test says so. */
function heldStream(): { stream: Writable; written: string[]; answer: (error?: Error) => void } {
  const held: ((error?: Error) => void)[] = [];
  const written: string[] = [];
  const stream = new Writable({
    decodeStrings: false,
    write(chunk, _encoding, done) {
      written.push(String(chunk));
      held.push(done);
    },
  });
  return { stream, written, answer: (error) => held.shift()?.(error) };
}

test('resolves only when the text was handed on', async () => {
  const { stream, written, answer } = heldStream();
  let resolved = false;
  const printing = createReportPrinter({ stream, render })
    .print(1)
    .then(() => (resolved = true));
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual([written, resolved], [['report 1\n'], false]);
  answer();
  await printing;
  assert.equal(resolved, true);
});

test('says that the output is closed, now and for every later report', async () => {
  const { stream, answer } = heldStream();
  const printer = createReportPrinter({ stream, render });
  const printing = printer.print(1);
  answer(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
  await assert.rejects(printing, OutputClosedError);
  await assert.rejects(printer.print(2), OutputClosedError);
});

test('names any other fault of the output, with what happens to the report', async () => {
  const { stream, answer } = heldStream();
  const printing = createReportPrinter({ stream, render }).print(1);
  answer(Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' }));
  await assert.rejects(printing, { code: 'SINK_FAILED', message: /no space left.*prints its report again/ });
});

test('writes nothing for an empty text', async () => {
  const { stream, written } = heldStream();
  await createReportPrinter({ stream, render: () => '' }).print(1);
  assert.deepEqual(written, []);
});

test('ends quietly where a real pipe is closed, with nothing on stderr', async () => {
  const program = `
    import { createReportPrinter, OutputClosedError } from ${JSON.stringify(new URL('../../src/sinks/console.ts', import.meta.url).href)};
    const printer = createReportPrinter({ stream: process.stdout, render: () => 'x'.repeat(10_000) + '\\n' });
    try {
      for (;;) await printer.print(1);
    } catch (error) {
      process.exitCode = error instanceof OutputClosedError ? 0 : 1;
    }`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program]);
  let stderr = '';
  child.stderr.on('data', (data) => (stderr += String(data)));
  child.stdout.once('data', () => child.stdout.destroy());
  const [code] = await once(child, 'close');
  assert.deepEqual([code, stderr], [0, '']);
});
