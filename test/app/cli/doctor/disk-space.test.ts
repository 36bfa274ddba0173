import assert from 'node:assert/strict';
import { test } from 'node:test';
import { diskSpaceCheck, judgeSpace } from '../../../../src/app/cli/doctor/disk-space.ts';
import { temporaryFolder } from './folders.ts';

const MIB = 1024 ** 2;
const totalBytes = 100 * 1024 * MIB;

test('warns below 1 GiB and fails below 100 MiB', () => {
  for (const [freeBytes, status, found] of [
    [1024 * MIB, 'pass', '1.0 GiB free of 100.0 GiB'],
    [1024 * MIB - 1, 'warn', '1024 MiB free of 100.0 GiB'],
    [100 * MIB, 'warn', '100 MiB free of 100.0 GiB'],
    [100 * MIB - 1, 'fail', '100 MiB free of 100.0 GiB'],
    [0, 'fail', '0 MiB free of 100.0 GiB'],
  ] as const) {
    const verdict = judgeSpace({ freeBytes, totalBytes });
    assert.deepEqual([verdict.status, verdict.found], [status, found]);
    assert.equal(verdict.hint === null, status === 'pass');
  }
});

test('warns where the file system does not say', () => {
  assert.equal(judgeSpace({ freeBytes: 0, totalBytes: 0 }).status, 'warn');
});

test('asks the disk under the nearest folder that is there', async (t) => {
  const nearest = temporaryFolder(t);
  const check = diskSpaceCheck(async () => ({ folder: `${nearest}/data`, nearest, problem: null }));
  const { found } = await check.run(AbortSignal.abort());
  assert.match(found, /^\d+(\.\d)? [GM]iB free of \d+(\.\d)? [GM]iB$/);
});
