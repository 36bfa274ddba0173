import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCheck } from '../../../../src/app/cli/doctor/check.ts';
import { eventsCheck, judgeRehearsal, sumOf, type Rehearsal } from '../../../../src/app/cli/doctor/events.ts';
import type { Config } from '../../../../src/app/config/keys.ts';
import { systemClock } from '../../../../src/observe/system-clock.ts';
import { configIn, filesIn, temporaryFolder } from './folders.ts';

const right: Rehearsal = {
  events: 100,
  expectedTotal: '20895.15',
  totals: {
    accounting: { read: 100, accepted: 100, invalid: 0, duplicate: 0, late: 0 },
    runningTotals: [{ currency: 'USD', total: '20895.15', transactions: 100 }],
  },
  firstLetter: undefined,
};

const check = (config: Config) => runCheck(eventsCheck(config, systemClock), systemClock);

/** Runs the check with another folder for temporary files. */
async function checkIn(temporary: string, config: Config) {
  const before = process.env['TMPDIR'];
  process.env['TMPDIR'] = temporary;
  try {
    return await check(config);
  } finally {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
  }
}

test('carries events through log and query to their sum, and leaves nothing behind', async (t) => {
  const folder = temporaryFolder(t);
  const temporary = temporaryFolder(t);
  const { status, found, hint } = await checkIn(temporary, await configIn(folder));
  assert.equal(status, 'pass', found);
  assert.match(found, /^100 events generated, read back and summed: USD \d+\.\d\d, which is right$/);
  assert.equal(hint, null);
  assert.deepEqual(filesIn(folder), []);
  assert.deepEqual(filesIn(temporary), []);
});

test('passes with the narrowest settings that a query can have', async (t) => {
  const config = await configIn(temporaryFolder(t));
  const { status, found } = await check({
    ...config,
    log: { ...config.log, type: 'kafka', partitions: 7 },
    query: {
      ...config.query,
      watermarkDelayMs: 0,
      futureToleranceMs: 0,
      idleTimeoutMs: 0,
      maxOffsetsPerTrigger: 1,
      deadLetterBytesMax: 0,
      timeZone: 'Asia/Kathmandu',
    },
  });
  assert.equal(status, 'pass', found);
});

test('fails where the configuration refuses every event, and names the first reason', async (t) => {
  const config = await configIn(temporaryFolder(t));
  const { status, found, hint } = await check({
    ...config,
    validation: { ...config.validation, valueBytesMax: 10 },
  });
  assert.equal(status, 'fail');
  assert.match(found, /^Of 100 generated events 100 were read and 0 accepted\. The first is TOO_LARGE/);
  assert.match(hint ?? '', /validation/);
});

test('fails where nothing can be written for the moment', async (t) => {
  const config = await configIn(temporaryFolder(t));
  const { status, found, hint } = await checkIn('/proc/none', config);
  assert.equal(status, 'fail');
  assert.match(found, /^Not checked, because .*\/proc\/none, is not writable: /);
  assert.match(hint ?? '', /TMPDIR/);
});

for (const [what, runningTotals] of [
  ['a total that is a cent off', [{ currency: 'USD', total: '20895.14', transactions: 100 }]],
  ['a transaction too few', [{ currency: 'USD', total: '20895.15', transactions: 99 }]],
  ['another currency', [{ currency: 'EUR', total: '20895.15', transactions: 100 }]],
  [
    'a second currency',
    [right.totals.runningTotals[0]!, { currency: 'ZAR', total: '0.00', transactions: 0 }],
  ],
  ['no total', []],
] as const) {
  test(`fails ${what}`, () => {
    const { accounting } = right.totals;
    const { status, found } = judgeRehearsal({ ...right, totals: { accounting, runningTotals } });
    assert.equal(status, 'fail');
    assert.match(found, /the events add up to USD 20895\.15\.$/);
  });
}

test('fails an event that was read twice', () => {
  const accounting = { read: 101, accepted: 100, invalid: 0, duplicate: 1, late: 0 };
  const totals = { ...right.totals, accounting };
  assert.match(judgeRehearsal({ ...right, totals }).found, /^Of 100 generated events 101 were read/);
  assert.equal(judgeRehearsal(right).status, 'pass');
});

test('adds amounts up to the cent from their text', () => {
  const purchase = (amount: string) => ({
    value: Buffer.from(`{"total_amount":${amount},"currency":"USD"}`),
  });
  assert.equal(sumOf([]), '0.00');
  assert.equal(sumOf([purchase('0.05')]), '0.05');
  assert.equal(
    sumOf([purchase('90071992547409.93'), purchase('0.10'), purchase('1.07')]),
    '90071992547411.10',
  );
  assert.throws(() => sumOf([purchase('1')]), /two decimals/);
});
