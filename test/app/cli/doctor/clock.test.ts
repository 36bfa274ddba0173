import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clockCheck, judgeClock, type ClockFacts } from '../../../../src/app/cli/doctor/clock.ts';
import { systemClock } from '../../../../src/observe/system-clock.ts';

const NOW_MS = Date.UTC(2025, 5, 26, 12);
const MINUTE_MS = 60_000;

const right: ClockFacts = {
  nowMs: NOW_MS,
  wallElapsedMs: 20,
  monotonicElapsedMs: 20.4,
  newestRecordMs: null,
  newestBatchMs: null,
  toleranceMs: 5 * MINUTE_MS,
};

test('passes a time that can be right', () => {
  assert.deepEqual(judgeClock(right), { status: 'pass', found: '2025-06-26T12:00:00.000Z', hint: null });
});

test('fails a time before this program was written', () => {
  const verdict = judgeClock({ ...right, nowMs: Date.UTC(2025, 0, 1) - 1 });
  assert.equal(verdict.status, 'fail');
  assert.match(verdict.found, /2024-12-31T23:59:59\.999Z, which is impossible/);
});

for (const [name, what] of [
  ['newestRecordMs', 'the newest record of the log'],
  ['newestBatchMs', 'the newest batch'],
] as const) {
  test(`warns of a time that is behind ${what} by more than the tolerance`, () => {
    const at = (aheadMs: number) => judgeClock({ ...right, [name]: NOW_MS + aheadMs });
    assert.equal(at(-MINUTE_MS).status, 'pass');
    assert.equal(at(5 * MINUTE_MS).status, 'pass');
    const { status, found, hint } = at(5 * MINUTE_MS + 1000);
    assert.equal(status, 'warn');
    assert.match(found, new RegExp(`301 seconds before ${what} \\(2025-06-26T12:05:01\\.000Z\\)`));
    assert.match(hint ?? '', /Set the system time/);
  });
}

test('warns of a clock that jumps while it is watched', () => {
  for (const [wallElapsedMs, monotonicElapsedMs] of [
    [-3_600_000, 20],
    [3_600_000, 20],
    [20, -1],
  ] as const) {
    const { status } = judgeClock({ ...right, wallElapsedMs, monotonicElapsedMs });
    assert.equal(status, 'warn', `${wallElapsedMs} in ${monotonicElapsedMs}`);
  }
});

test('watches the real clock beside what was written before', async () => {
  const past = { newestRecordMs: systemClock.nowMs() + 60_000, newestBatchMs: null };
  const run = async (toleranceMs: number) =>
    (await clockCheck(systemClock, toleranceMs, async () => past).run(new AbortController().signal)).status;
  assert.equal(await run(120_000), 'pass');
  assert.equal(await run(1_000), 'warn');
});
