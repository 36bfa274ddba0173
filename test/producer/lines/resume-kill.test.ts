import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openEmbeddedLog } from '../../../src/log/embedded/log.ts';
import { systemClock } from '../../../src/observe/system-clock.ts';
import { createRandom } from '../../../src/producer/random.ts';
import { PRODUCER_HEADER } from '../../../src/producer/lines/resume.ts';
import { childFile } from '../../support/child-file.ts';

const CHILD = childFile('children/deliver-lines.ts', import.meta.url);
const KILLS = 10;
const LINES = 20_000;

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tallystream-kill-'));
});
after(() => rm(folder, { recursive: true }));

/** Runs the child; with a delay, kills it that long after it began. Answers how it ended and what it wrote. */
async function runChild(path: string, killAfterMs?: number) {
  const child = spawn(process.execPath, [CHILD, join(folder, 'log.db'), join(folder, 'producers'), path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  const started = Promise.withResolvers<undefined>();
  child.stdout.on('data', (data: Buffer) => {
    output += data.toString();
    started.resolve(undefined);
  });
  const ended = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  if (killAfterMs !== undefined) {
    await started.promise;
    await sleep(killAfterMs);
    child.kill('SIGKILL');
  }
  const [code, signal] = await ended;
  return { code, signal, output };
}

async function deliveredLines(): Promise<{ header: string | undefined; text: string }[]> {
  const log = await openEmbeddedLog({ path: join(folder, 'log.db'), clock: systemClock });
  const all: { header: string | undefined; text: string }[] = [];
  for (const { partition, earliest, latest } of await log.offsets('purchases')) {
    for await (const chunk of log.read({ topic: 'purchases', partition, start: earliest, end: latest })) {
      for (let row = 0; row < chunk.count; row += 1) {
        const header = chunk.headers.get(row)?.find(({ name }) => name === PRODUCER_HEADER);
        const value = chunk.bytes.subarray(chunk.valueStart[row], chunk.valueEnd[row]);
        all.push({
          header: header && Buffer.from(header.value).toString(),
          text: Buffer.from(value).toString(),
        });
      }
    }
  }
  await log.close();
  return all;
}

test('a producer that is killed again and again brings every line into the log exactly once', async () => {
  const path = join(folder, 'lines.ndjson');
  const lines = Array.from({ length: LINES }, (_, index) =>
    index % 9 === 0 ? 'no JSON' : `{"customer_id":"c${index % 97}","n":${index}}`,
  );
  await writeFile(path, lines.join('\n'));

  const random = createRandom('kills');
  let killed = 0;
  for (let round = 0; round < KILLS; round += 1) {
    // The first at once: it is not to come to the end of the file before it is killed.
    const killAfterMs = round === 0 ? 0 : random.below(120);
    if ((await runChild(path, killAfterMs)).signal === 'SIGKILL') killed += 1;
  }
  assert.ok(killed > 0, 'no round was killed before its end');
  const last = await runChild(path);
  assert.equal(last.code, 0);

  const delivered = await deliveredLines();
  assert.equal(delivered.length, LINES);
  const textOf = new Map(delivered.map(({ header, text }) => [header, text]));
  lines.forEach((line, index) => assert.equal(textOf.get(`nightly:${index + 1}`), line));

  assert.match((await runChild(path)).output, /^started\n0\n$/, 'a finished file is delivered again');
});
