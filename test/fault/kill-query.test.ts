/** kill -9 of the query, again and again, by both ways of starting it: nothing is lost, nothing counts twice. */
import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { liveMarksOf, marksOf } from './support/checkpoint-file.ts';
import { signal, withoutLauncher, withoutSignals, type Cli } from './support/cli.ts';
import { ReportLedger, wholeLines } from './support/ledger.ts';
import { createCases, expect } from './support/purchases.ts';
import { checkResult, finishQuery, killQuery, trackRun } from './support/query-kills.ts';
import { roundsOf } from './support/rounds.ts';
import { createWorkplace, type Workplace } from './support/workplace.ts';

const KILLS = 12;
/** A query that has done nothing for so many looks waits for its reader. */
const LOOKS_THE_SAME = 60;
const LOOK_EVERY_MS = 50;
const STANDSTILL_LOOKS = 1_200;
const LOOKS_MAX = 240_000 / LOOK_EVERY_MS;

test('a query that is killed again and again counts everything once', async (t) => {
  await killQuery(
    'direct',
    roundsOf((text) => t.diagnostic(text), KILLS),
  );
});

test(
  'a query under a launcher counts everything once, whichever of the two is killed',
  { skip: withoutLauncher },
  async (t) => {
    await killQuery(
      'launcher',
      roundsOf((text) => t.diagnostic(text), KILLS),
    );
  },
);

test('prints a report again where a kill came before its mark, and only there', async (t) => {
  const { seed } = roundsOf((text) => t.diagnostic(text), 1);
  const place = createWorkplace({ offsetsMax: 8 });
  t.after(() => place.remove());
  const cases = createCases(seed, 1_800);
  const produced = await place.run(['produce', '--from', place.write(cases)]);
  assert.equal(produced.code, 0, produced.stderr);
  const ledger = new ReportLedger();

  // Nobody reads its output, so at some batch it stands between the commit and the end of the report.
  await trackRun(place, ledger, 'direct', async (cli) => {
    await untilBlocked(cli, place);
    return cli.kill();
  });
  const cut = marksOf(place.checkpoint);
  assert.ok(cut.unmarked !== undefined, 'the report that was cut off is marked as printed');
  assert.equal(ledger.lines.length, cut.last, 'the report got through although nobody read it');

  // Here it gets through, but the mark waits for a lock.
  await trackRun(place, ledger, 'direct', async (cli) => {
    const last = await untilBlocked(cli, place);
    const database = new DatabaseSync(join(place.checkpoint, 'checkpoint.db'), { timeout: 60_000 });
    try {
      database.exec('BEGIN IMMEDIATE');
      cli.resume();
      await cli.until(() => wholeLines(cli.stdout).length > last - cut.last, 'print the report');
      return await cli.kill();
    } finally {
      database.close();
    }
  });
  const printed = marksOf(place.checkpoint);
  assert.ok(printed.unmarked !== undefined, 'a report was marked under a lock');
  assert.equal(ledger.lines.length - 1, printed.last, 'the report did not get through');
  assert.equal(ledger.repeats, 0);
  t.diagnostic(`blocked at batch ${cut.last}, then at batch ${printed.last}`);

  await finishQuery(place, ledger, 'direct');
  assert.equal(ledger.repeats, 1);
  await checkResult(place, ledger, expect(cases));
});

test('hears a signal in the middle of a backlog of small batches', { skip: withoutSignals }, async (t) => {
  const place = createWorkplace({ offsetsMax: 8 });
  t.after(() => place.remove());
  const produced = await place.run(['produce', '--from', place.write(createCases('backlog', 24_000))]);
  assert.equal(produced.code, 0, produced.stderr);
  const cli = place.start(['run', '--json', '--available-now']);
  await cli.until(() => cli.stdout.includes('\n'), 'print a report');
  signal(await cli.worker(), 'SIGTERM');
  const { code, stdout } = await cli.end();
  assert.equal(
    code,
    143,
    `it read all of its ${wholeLines(stdout).length} batches before it heard the signal`,
  );
});

/** Reads nothing of what it prints until it waits for that, and gives the batch whose report it is. */
async function untilBlocked(cli: Cli, place: Workplace): Promise<number> {
  cli.pause();
  let last = -1;
  let same = 0;
  for (let looks = 0; looks < LOOKS_MAX; looks += 1) {
    assert.ok(!cli.hasEnded, `the query has ended without a reader: ${cli.stderr}`);
    await sleep(LOOK_EVERY_MS);
    const marks = liveMarksOf(place.checkpoint);
    same = marks.last === last ? same + 1 : 0;
    last = marks.last;
    if (last >= 0 && same >= LOOKS_THE_SAME && marks.unmarked !== undefined) return last;
    assert.ok(last < 0 || same < STANDSTILL_LOOKS, `nothing goes on, and batch ${last} is marked as printed`);
  }
  assert.fail('the query never waits for its reader');
}
