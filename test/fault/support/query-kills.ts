/** A query that is killed and started again. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { marksOf } from './checkpoint-file.ts';
import { jsonOf, textOf, VICTIMS, type Cli, type Ended, type Victim, type Way } from './cli.ts';
import { ReportLedger, wholeLines } from './ledger.ts';
import { createCases, expect, type Expectation } from './purchases.ts';
import type { Rounds } from './rounds.ts';
import { createWorkplace, OFFSETS_MAX, type Workplace } from './workplace.ts';

/** As many batches as one round takes on average, and a few are left for the end. */
const BATCHES_A_ROUND = 8;
/** About what a start takes: some rounds end within it. */
const START_MS = 500;
/** More than one batch takes, so that a kill falls anywhere within it. */
const BATCH_MS = 10;

/** A kill waits no longer than this, since the query may have caught up. */
const ROUND_MS_MAX = 1_500;

const RUN = ['run', '--json'];

/** Kills a query while it reads a file that is in the log already, until it was killed often enough; then checks all. */
export async function killQuery(way: Way, { seed, rounds, random, say }: Rounds): Promise<void> {
  const place = createWorkplace();
  try {
    const cases = createCases(seed, (rounds + 2) * BATCHES_A_ROUND * OFFSETS_MAX);
    const produced = await place.run(['produce', '--from', place.write(cases)]);
    assert.equal(produced.code, 0, produced.stderr);
    const ledger = new ReportLedger();
    for (let round = 0; round < rounds; round += 1) {
      const victim = way === 'direct' ? 'child' : (VICTIMS[random.below(VICTIMS.length)] as Victim);
      const killed = await trackRun(place, ledger, way, async (cli) => {
        await randomMoment(cli, random, 2 * BATCHES_A_ROUND);
        return cli.kill(victim);
      });
      checkKilled(killed, victim, way);
    }
    await finishQuery(place, ledger, way);
    await checkResult(place, ledger, expect(cases));
    say(`${way}: ${rounds} kills, ${ledger.lines.length} batches, ${ledger.repeats} reports printed again`);
  } finally {
    await place.remove();
  }
}

/** Somewhere in the first batches, or now and then while it starts. */
export async function randomMoment(cli: Cli, random: Rounds['random'], reportsMax: number): Promise<void> {
  if (random.below(6) === 0) {
    await sleep(random.below(START_MS));
    return;
  }
  const reports = random.below(reportsMax);
  const printed = cli.until(() => wholeLines(cli.stdout).length >= reports, `print ${reports} reports`);
  await Promise.race([printed, sleep(ROUND_MS_MAX)]);
  await sleep(random.below(BATCH_MS));
}

/** One run, whose reports are compared with the marks before and after it. */
export async function trackRun(
  place: Workplace,
  ledger: ReportLedger,
  way: Way,
  act: (cli: Cli) => Promise<Ended>,
  words: readonly string[] = RUN,
): Promise<Ended> {
  const before = marksOf(place.checkpoint);
  const ended = await act(place.start(words, way));
  assert.doesNotMatch(ended.stderr, /internal error|CHECKPOINT_|LOG_|DATA_LOSS/, 'the query met a fault');
  ledger.addRun(ended.stdout, before, marksOf(place.checkpoint));
  return ended;
}

export async function finishQuery(place: Workplace, ledger: ReportLedger, way: Way): Promise<void> {
  const { code, stderr } = await trackRun(place, ledger, way, (cli) => cli.end(), [
    ...RUN,
    '--available-now',
  ]);
  assert.equal(code, 0, stderr);
}

/** What the commands say now is what the verdicts say, to the cent and to the byte. */
export async function checkResult(
  place: Workplace,
  ledger: ReportLedger,
  expected: Expectation,
): Promise<void> {
  const at = ['--data-dir', place.dataDir];
  const { lastBatchId, ...totals } = await jsonOf(['totals', ...at], place.options);
  assert.deepEqual(totals, expected.totals);
  ledger.checkTotals({ ...totals, lastBatchId });

  const letters = linesOf(await textOf(['dead-letters', 'list', '--json', ...at], place.options));
  assert.deepEqual(
    letters.map(({ reason, value }) => `${reason} ${value ?? ''}`).sort(),
    expected.deadLetters,
  );
  const duplicates = linesOf(
    await textOf(['dead-letters', 'list', '--reason', 'DUPLICATE', '--json', ...at], place.options),
  );
  assert.equal(duplicates.length, expected.duplicates);
  const positions = [...letters, ...duplicates].map(({ partition, offset }) => `${partition}:${offset}`);
  assert.equal(new Set(positions).size, positions.length, 'one record is among the dead letters twice');
}

interface LetterLine {
  readonly reason: string;
  readonly value: string | null;
  readonly partition: number;
  readonly offset: number;
}

function linesOf(text: string): LetterLine[] {
  return wholeLines(text).map((line) => JSON.parse(line) as LetterLine);
}

/** Of a process that does not end by itself: whatever it ended of, it was the kill. */
export function checkKilled({ code, signal, stderr }: Ended, victim: Victim, way: Way): void {
  // A launcher passes its child's end on; before its child is there, only the launcher can be killed.
  const passedOn = way === 'launcher' && victim === 'child' && code === 137;
  assert.ok(passedOn || signal === 'SIGKILL', `ended with ${String(code ?? signal)}: ${stderr}`);
}
