/** The file source between processes: killed between seeing and committing, several at once, and how much memory they take. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { lookAt, newSourceFiles, valuesOf } from './source-files.ts';
import { childFile } from '../../support/child-file.ts';

const TIMEOUT_MS = 300_000;

function startChild(script: string, ...parameters: readonly (string | number)[]) {
  const file = childFile(`children/${script}`, import.meta.url);
  const child = spawn(process.execPath, [file, ...parameters.map(String)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  const reader = createInterface(child.stdout);
  reader.on('line', (line) => lines.push(line));
  const ended = Promise.all([once(child, 'exit'), once(reader, 'close')]).then(
    ([[code]]) => code as number | null,
  );
  return { child, reader, lines, ended };
}

/** Notes what a process said of where lines lie, and holds it to what others said. */
function note(places: string[], printed: readonly string[]): void {
  for (const text of printed) {
    const { start, lines } = JSON.parse(text) as { start: number; lines: string[] };
    for (const [index, line] of lines.entries()) {
      places[start + index] ??= line;
      assert.equal(places[start + index], line, `offset ${start + index}`);
    }
  }
}

test(
  'a line keeps the offset that it was seen at, however its reader is killed',
  { timeout: TIMEOUT_MS },
  async (t) => {
    const { root, open, put } = newSourceFiles(t);
    const places: string[] = [];
    let files = 0;
    // The later a file comes, the older it is: taken in anew, they would be in another order.
    const more = (count: number) => {
      for (let index = 0; index < count; index += 1) {
        files += 1;
        put(`${files}`, `${files}.1\n${files}.2${files % 2 ? '\n' : ''}`, 1_000_000 - files);
      }
    };
    more(20);
    for (let round = 0; round < 8; round += 1) {
      const { child, reader, lines, ended } = startChild('look-and-read.ts', root, 1 + (round % 3));
      await Promise.race([once(reader, 'line'), ended]);
      const afterMs = randomInt(60);
      t.diagnostic(`round ${round}: killed ${afterMs} ms after the first lines`);
      const killAt = performance.now() + afterMs;
      while (performance.now() < killAt) {
        more(3);
        await delay(3);
      }
      child.kill('SIGKILL');
      await ended;
      note(places, lines);
    }
    const log = await open();
    const all = await valuesOf(log);
    assert.deepEqual(all.slice(0, places.length), places);
    assert.equal(all.length, 2 * files);
    assert.equal(new Set(all).size, all.length);
    await log.close();
  },
);

test(
  'two processes at once take every file in once, and agree on the offsets',
  { timeout: TIMEOUT_MS },
  async (t) => {
    const { root, open, put } = newSourceFiles(t);
    for (let file = 0; file < 100; file += 1) put(`${file}`, `${file}.1\n${file}.2`);
    const children = [1, 2, 3].map((perLook) => startChild('look-and-read.ts', root, perLook, 150));
    for (let file = 100; file < 200; file += 1) {
      put(`${file}`, `${file}.1\n${file}.2`, 1_000_000 - file);
      await delay(2);
    }
    const places: string[] = [];
    for (const { ended, lines } of children) {
      assert.equal(await ended, 0);
      note(places, lines);
    }
    const log = await open();
    const all = await valuesOf(log);
    assert.equal(await lookAt(log), 400);
    assert.equal(new Set(all).size, 400);
    assert.deepEqual(all.slice(0, places.length), places);
  },
);

for (const { packed, grownBytesMax } of [
  { packed: false, grownBytesMax: 60e6 },
  // zlib's blocks are small, and wait for the garbage collector.
  { packed: true, grownBytesMax: 140e6 },
]) {
  const title = `a large ${packed ? 'packed' : 'plain'} file, and many small ones, take little memory`;
  test(title, { timeout: TIMEOUT_MS }, async (t) => {
    const { root, put } = newSourceFiles(t);
    const line = `{"id":"0123456789","note":"${'some text '.repeat(7)}"}\n`;
    const large = line.repeat(1_500_000);
    if (packed) put('large.gz', gzipSync(large, { level: 1 }));
    else put('large', large);
    for (let file = 0; file < 3_000; file += 1) put(`small-${file}`, line);
    const { ended, lines } = startChild('read-large.ts', root);
    assert.equal(await ended, 0);
    const { count, grownBytes } = JSON.parse(lines[0] ?? '') as { count: number; grownBytes: number };
    assert.equal(count, 1_503_000);
    t.diagnostic(
      `${(large.length / 1e6).toFixed(0)} MB read, memory grew by ${(grownBytes / 1e6).toFixed(0)} MB`,
    );
    assert.ok(grownBytes < grownBytesMax, `memory grew by ${grownBytes} bytes`);
  });
}
