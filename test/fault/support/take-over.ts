/** A query that is stopped in the middle of its work, so that another goes on in its place. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { marksOf, type Marks } from './checkpoint-file.ts';
import { freeze, signal, type Cli, type Ended, type Way } from './cli.ts';
import { ReportLedger, wholeLines } from './ledger.ts';
import { createCases, expect } from './purchases.ts';
import { checkResult } from './query-kills.ts';
import type { Rounds } from './rounds.ts';
import { createWorkplace, OFFSETS_MAX, type Workplace } from './workplace.ts';

const BATCHES = 60;
const REPORTS_MAX = 15;
const BATCH_MS = 10;
/** A stop within a write is followed by another try. */
const STOPS_MAX = 20;

export async function takeOver(way: Way, { seed, random, say }: Rounds): Promise<void> {
  const place = createWorkplace();
  try {
    const all = createCases(seed, (BATCHES + 1) * OFFSETS_MAX);
    const early = all.slice(0, BATCHES * OFFSETS_MAX);
    const produced = await place.run(['produce', '--from', place.write(early)]);
    assert.equal(produced.code, 0, produced.stderr);

    const first = place.start(['run', '--json'], way);
    const reports = 1 + random.below(REPORTS_MAX);
    await first.until(() => wholeLines(first.stdout).length >= reports, `print ${reports} reports`);
    await sleep(random.below(BATCH_MS));
    const { stopped, second, stops } = await stopAndTakeOver(first, place);

    // The second has read all there was. What the first has in hand, or reads next, it may no longer commit.
    const ledger = new ReportLedger();
    signal(await first.worker(), 'SIGCONT');
    const later = place.write(all.slice(early.length), 'later.ndjson');
    const appended = await place.run(['produce', '--from', later]);
    assert.equal(appended.code, 0, appended.stderr);
    const refused = await first.end();
    assert.equal(
      refused.code,
      5,
      `the one that was taken over ended with ${String(refused.code)}: ${refused.stderr}`,
    );
    assert.match(refused.stderr, /was taken over by another query process.*\(CHECKPOINT_FENCED\)/s);
    assert.ok(wholeLines(refused.stdout).length <= stopped.last + 1, 'it printed what it could not commit');

    // Its own reports end where the other's begin; the one that it was stopped at may be among both.
    const printed = wholeLines(refused.stdout).slice(
      0,
      stopped.last + (stopped.unmarked === undefined ? 1 : 0),
    );
    ledger.addRun(textOf(printed), { last: -1, unmarked: undefined }, stopped);
    ledger.addRun(second.stdout, stopped, marksOf(place.checkpoint));
    const rest = await place.run(['run', '--json', '--available-now']);
    assert.equal(rest.code, 0, rest.stderr);
    assert.ok(wholeLines(rest.stdout).length > 0, 'the later lines were counted by the one that was refused');
    say(`${way}: stopped after batch ${stopped.last}, at the attempt ${stops}`);
    await checkBoth(place, ledger, rest, all);
  } finally {
    await place.remove();
  }
}

async function checkBoth(
  place: Workplace,
  ledger: ReportLedger,
  rest: Ended,
  cases: Parameters<typeof expect>[0],
): Promise<void> {
  const last = ledger.lines.length - 1;
  ledger.addRun(rest.stdout, { last, unmarked: undefined }, marksOf(place.checkpoint));
  await checkResult(place, ledger, expect(cases));
}

/** Stops the first, and runs a second in its place; where the stop fell into a write, that is said, and tried again. */
async function stopAndTakeOver(
  first: Cli,
  place: Workplace,
): Promise<{ stopped: Marks; second: Ended; stops: number }> {
  const worker = await first.worker();
  for (let stops = 1; stops <= STOPS_MAX; stops += 1) {
    await freeze(worker);
    const stopped = marksOf(place.checkpoint);
    const second = await place.run(['run', '--json', '--available-now', '--take-over']);
    if (second.code === 0) return { stopped, second, stops };
    assert.equal(second.code, 5, second.stderr);
    assert.match(second.stderr, /another process is in the middle of a write/);
    signal(worker, 'SIGCONT');
    await sleep(BATCH_MS + stops);
  }
  assert.fail('the first query was stopped within a write every time');
}

function textOf(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}
