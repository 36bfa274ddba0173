import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CHECK_TIMEOUT_MS, pass, runCheck, type Check } from '../../../../src/app/cli/doctor/check.ts';
import { TallystreamError } from '../../../../src/errors.ts';
import { systemClock } from '../../../../src/observe/system-clock.ts';
import { createManualClock } from '../../../../src/testing/manual-clock.ts';

function check(run: Check['run']): Check {
  return { name: 'a check', run };
}

test('gives a verdict its name', async () => {
  const result = await runCheck(
    check(() => pass('fine')),
    systemClock,
  );
  assert.deepEqual(result, { name: 'a check', status: 'pass', found: 'fine', hint: null });
});

for (const [how, run] of [
  [
    'throws at once',
    () => {
      throw new RangeError('out of it');
    },
  ],
  ['rejects', () => Promise.reject(new RangeError('out of it'))],
] as const) {
  test(`a check that ${how} is a line that fails`, async () => {
    const { status, found, hint } = await runCheck(check(run), systemClock);
    assert.equal(status, 'fail');
    assert.equal(found, 'The check itself failed: out of it');
    assert.match(hint ?? '', /report/);
  });
}

test('an error of ours says what, why and how to fix it', async () => {
  const error = new TallystreamError('LOG_CORRUPT', { what: 'What.', why: 'Why.', hint: 'Fix it.' });
  const bare = new TallystreamError('LOG_CORRUPT', { what: 'What.' });
  assert.deepEqual(
    await runCheck(
      check(() => Promise.reject(error)),
      systemClock,
    ),
    { name: 'a check', status: 'fail', found: 'What. Why.', hint: 'Fix it.' },
  );
  assert.deepEqual(
    await runCheck(
      check(() => Promise.reject(bare)),
      systemClock,
    ),
    { name: 'a check', status: 'fail', found: 'What.', hint: null },
  );
});

test('a check that hangs fails after its time, and is told to give up', async () => {
  const clock = createManualClock(0);
  let signal: AbortSignal | undefined;
  const running = runCheck(
    check((given) => {
      signal = given;
      return new Promise(() => {});
    }),
    clock,
  );
  clock.advance(CHECK_TIMEOUT_MS - 1);
  assert.equal(signal?.aborted, false);
  clock.advance(1);
  const { status, found } = await running;
  assert.deepEqual([status, found], ['fail', 'No answer within 5 seconds.']);
  assert.equal(signal.aborted, true);
});

test('a check that fails after its time disturbs nobody', async () => {
  let fail: (error: Error) => void = () => {};
  const late = new Promise<never>((_, reject) => (fail = reject));
  const { status } = await runCheck(
    check(() => late),
    systemClock,
    1,
  );
  assert.equal(status, 'fail');
  // An unhandled rejection would end this process.
  fail(new Error('too late'));
  await new Promise((resolve) => setImmediate(resolve));
});
