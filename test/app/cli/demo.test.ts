import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { linesOf, oldNode, Place, withoutOldNode } from '../../e2e/run-cli.ts';

interface Totals {
  readonly lastBatchId: number;
  readonly runningTotals: { currency: string; total: string; transactions: number }[];
  readonly days: { date: string; total: string; transactions: number }[];
  readonly accounting: { read: number; accepted: number; invalid: number; duplicate: number; late: number };
}

function placeOf(t: TestContext, env: Readonly<Record<string, string>> = {}): Place {
  const place = new Place(env);
  t.after(() => place.remove());
  return place;
}

function totalsOf(place: Place): Promise<Totals> {
  return place.json<Totals>(['totals', '--data-dir', join(place.dataDir, 'demo')]);
}

/** `$24,134.15` as it stands in the totals. */
function plain(money: string): string {
  return money.replace(/[$,]/g, '');
}

function tableAfter(heading: string, report: string): string[][] {
  const lines = report.slice(report.indexOf(heading)).split('\n').slice(1);
  const end = lines.findIndex((line) => !/^[+|]/.test(line));
  const table = lines.slice(0, end);
  assert.match(table[0] ?? '', /^\+(?:-+\+)+$/);
  assert.equal(new Set(table.map((line) => line.length)).size, 1, 'all lines of a table are as wide');
  return table
    .filter((line) => line.startsWith('|'))
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    );
}

const nodes = [
  ['this Node', undefined, false],
  ['an old host', oldNode, withoutOldNode],
] as const;
for (const [where, node, skip] of nodes) {
  test(`--events N ends with exit code 0 and the whole report, on ${where}`, { skip }, async (t) => {
    const place = placeOf(t);
    const words = ['demo', '--events', '500', '--rate', 'max', '--ui-port', 'off'];
    const { stdout, stderr } = await place.ok(words, node === undefined ? {} : { node });
    const totals = await totalsOf(place);
    assert.deepEqual(totals.accounting, { read: 500, accepted: 500, invalid: 0, duplicate: 0, late: 0 });
    const [running] = totals.runningTotals;
    assert.equal(totals.runningTotals.length, 1);
    assert.equal(running?.currency, 'USD');

    const reports = stdout.split(/^(?==+\nSTREAMING DATA PIPELINE)/m);
    assert.match(
      reports[0] ?? '',
      /^={80}\nSTREAMING DATA PIPELINE - STARTED\n={80}\n(?:[A-Z].*: .*\n)+={80}\n\n$/,
    );
    assert.equal(reports.length, totals.lastBatchId + 2, 'a banner, and a report for each batch');
    let transactions = 0;
    for (const [batchId, report] of reports.slice(1).entries()) {
      assert.ok(
        report.startsWith(
          `${'='.repeat(80)}\nSTREAMING DATA PIPELINE OUTPUT - BATCH ${batchId}\n${'='.repeat(80)}\n\n`,
        ),
      );
      assert.doesNotMatch(report, /ACCOUNTING/, 'everything was accepted');
      const [header, ...days] = tableAfter('DAILY AGGREGATION SUMMARY:', report);
      assert.deepEqual(header, ['Timestamp', 'Date', 'Daily_Total', 'Running_Total', 'Transaction_Count']);
      const footer = /^={80}\nRUNNING TOTAL: (\$[\d,]+\.\d\d)\n={80}\n\n$/m.exec(report);
      assert.equal(days.at(-1)?.[3], plain(footer?.[1] ?? ''), 'the last running total is the footer');
      const added = days.reduce((sum, row) => sum + Number(row[4]), 0);
      transactions += added;
      const details = tableAfter('BATCH DETAILS:', report);
      assert.deepEqual(details[0], [
        'event_id',
        'customer_id',
        'product_category',
        'total_amount',
        'event_time',
      ]);
      assert.equal(details.length, 1 + Math.min(5, added));
      const [, ...categories] = tableAfter('CATEGORY BREAKDOWN:', report);
      assert.equal(
        categories.reduce((sum, row) => sum + Number(row[2]), 0),
        added,
      );
      const amounts = categories.map((row) => Number(row[1]));
      assert.deepEqual(
        amounts,
        amounts.toSorted((a, b) => b - a),
      );
    }
    assert.equal(transactions, 500);
    assert.equal(plain(/\$[\d,.]+\d(?=\n=+\n\n$)/.exec(stdout)?.[0] ?? ''), running.total);
    assert.match(stderr, /^500 events delivered in .*$/m);
  });
}

test('--json prints lines of JSON and nothing else on stdout', async (t) => {
  const place = placeOf(t);
  const { stdout } = await place.ok(['demo', '--events', '200', '--rate', 'max', '--json']);
  const reports = linesOf(stdout).map(
    (line) => JSON.parse(line) as { batchId: number; runningTotals: unknown },
  );
  const totals = await totalsOf(place);
  assert.equal(reports.at(-1)?.batchId, totals.lastBatchId);
  assert.deepEqual(reports.at(-1)?.runningTotals, totals.runningTotals);
});

test('goes on where it was, so the totals of a second one hold the first', async (t) => {
  const place = placeOf(t);
  await place.ok(['demo', '--events', '100', '--rate', 'max']);
  const first = await totalsOf(place);
  const { stdout } = await place.ok(['demo', '--events', '50', '--rate', 'max']);
  assert.match(stdout, new RegExp(`OUTPUT - BATCH ${first.lastBatchId + 1}\n`));
  const second = await totalsOf(place);
  assert.deepEqual([second.accounting.read, second.accounting.accepted], [150, 150]);
});

test('keeps away from the data of produce and run', async (t) => {
  const place = placeOf(t);
  await place.ok(['demo', '--events', '10', '--rate', 'max']);
  await place.ok(['produce', '--events', '3', '--rate', 'max']);
  await place.ok(['run', '--available-now']);
  assert.equal((await place.json<Totals>(['totals'])).accounting.read, 3);
  assert.equal((await totalsOf(place)).accounting.read, 10);
});

test('--start-time with --time-scale shows several days', async (t) => {
  const place = placeOf(t);
  const times = ['--start-time', '2024-06-01', '--time-scale', String(4 * 86_400)];
  await place.ok(['demo', '--events', '150', '--rate', '150', ...times]);
  const { days, accounting } = await totalsOf(place);
  assert.equal(accounting.accepted, 150);
  assert.ok(days.length >= 3, JSON.stringify(days));
  // A day takes a quarter of a second, so a slow machine may miss the first one.
  const first = days[0]?.date ?? '';
  assert.ok(first >= '2024-06-01' && first < '2024-12-01', first);
});

test('without --events goes on until a signal, and then commits the batch in hand', async (t) => {
  const place = placeOf(t, { TALLYSTREAM_QUERY_TRIGGER: '0 seconds' });
  for (const [signal, exitCode] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    const cli = place.start(['demo', '--rate', '200']);
    await cli.until(({ stdout }) => stdout.includes('RUNNING TOTAL'));
    cli.kill(signal);
    const { code, stdout, stderr } = await cli.end();
    assert.equal(code, exitCode, stderr);
    assert.match(stderr, /^Stopped: \d+ events? delivered in /m);
    const last = [...stdout.matchAll(/OUTPUT - BATCH (\d+)/g)].at(-1)?.[1];
    assert.equal(Number(last), (await totalsOf(place)).lastBatchId);
  }
});
