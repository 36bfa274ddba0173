import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { diskFlushCheck, judgeFlush } from '../../../../src/app/cli/doctor/disk-flush.ts';
import { systemClock } from '../../../../src/observe/system-clock.ts';
import { temporaryFolder } from './folders.ts';

test('goes by the median, so that one slow write does not count', () => {
  assert.deepEqual(judgeFlush([1, 900, 2]), {
    status: 'pass',
    found: '2.00 ms for one fsync (median of 3)',
    hint: null,
  });
});

test('warns above 20 ms and says what that does to the latency', () => {
  assert.equal(judgeFlush([20]).status, 'pass');
  const { status, found, hint } = judgeFlush([20.5]);
  assert.equal(status, 'warn');
  assert.match(found, /in the totals after 41 ms at the earliest/);
  assert.match(hint ?? '', /local SSD/);
});

test('measures in the nearest folder that is there, and leaves nothing in it', async (t) => {
  const nearest = temporaryFolder(t);
  const check = diskFlushCheck(
    async () => ({ folder: `${nearest}/data`, nearest, problem: null }),
    systemClock,
  );
  const { found } = await check.run(new AbortController().signal);
  assert.match(found, /^\d+\.\d\d ms for one fsync \(median of 9\)/);
  assert.deepEqual(readdirSync(nearest), []);
});

test('does not measure where nothing can be written', async () => {
  const facts = { folder: '/nowhere', nearest: '/nowhere', problem: 'no such file or directory (ENOENT)' };
  const check = diskFlushCheck(async () => facts, systemClock);
  const { status, found } = await check.run(new AbortController().signal);
  assert.equal(status, 'warn');
  assert.match(found, /^Not measured/);
});
