/** A query that writes outside its checkpoint, killed between a plan and its commit. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { jsonOf } from './cli.ts';
import { wholeLines } from './ledger.ts';
import { createCases, expect, type Case } from './purchases.ts';
import type { Rounds } from './rounds.ts';
import { createWorkplace, OFFSETS_MAX, type Workplace } from './workplace.ts';

const CHILD = fileURLToPath(new URL('../fixtures/sink-query.ts', import.meta.url));
const BATCHES_A_ROUND = 5;
const END_MS_MAX = 240_000;

interface Call {
  readonly batchId: number;
  readonly plan: unknown;
}

/** Checks that a batch that is carried out again is the same, though more has come in since. */
export async function killBetweenPlanAndCommit({ seed, rounds, random, say }: Rounds): Promise<void> {
  const place = createWorkplace();
  try {
    const cases = createCases(seed, (rounds + 2) * (BATCHES_A_ROUND + 1) * OFFSETS_MAX);
    const sinkFile = join(place.folder, 'sink.ndjson');
    const written = await killOften(place, sinkFile, cases, { rounds, random });
    const batches = checkCalls(callsOf(sinkFile), written);
    const { lastBatchId, ...totals } = await jsonOf(['totals', '--data-dir', place.dataDir], place.options);
    assert.equal(lastBatchId, batches - 1);
    assert.deepEqual(totals, expect(cases).totals);
    say(`${rounds} kills, ${written} of ${batches} batches were written again`);
  } finally {
    await place.remove();
  }
}

/** Gives how often the sink had the batch in hand already when the kill came. */
async function killOften(
  place: Workplace,
  sinkFile: string,
  cases: readonly Case[],
  { rounds, random }: Pick<Rounds, 'rounds' | 'random'>,
): Promise<number> {
  const lines = Math.ceil(cases.length / (rounds + 1));
  let written = 0;
  for (let round = 0; round <= rounds; round += 1) {
    // More has come in since the kill, which a batch that is planned anew would take in.
    const more = cases.slice(round * lines, (round + 1) * lines);
    const produced = await place.run(['produce', '--from', place.write(more, `${round}.ndjson`)]);
    assert.equal(produced.code, 0, produced.stderr);
    const side = random.below(2) === 0 ? 'before' : 'after';
    await runChild(place, sinkFile, round === rounds ? '' : `${side}:${1 + random.below(BATCHES_A_ROUND)}`);
    if (round < rounds && side === 'after') written += 1;
  }

  return written;
}

/** Gives the number of batches. */
function checkCalls(calls: readonly Call[], written: number): number {
  const first = new Map<number, Call>();
  let repeats = 0;
  for (const call of calls) {
    const known = first.get(call.batchId);
    if (known === undefined) {
      assert.equal(call.batchId, first.size, 'a batch number was skipped');
      first.set(call.batchId, call);
    } else {
      assert.equal(call.batchId, first.size - 1, 'a batch was carried out again that was not the last');
      assert.deepEqual(call, known, `batch ${call.batchId} was another one the second time`);
      repeats += 1;
    }
  }
  assert.equal(repeats, written, 'a batch that the sink had was not carried out again');
  return first.size;
}

/** Runs the child to its end, or kills it where it hangs: between the plan and the commit of a batch. */
async function runChild(place: Workplace, sinkFile: string, hangAt: string): Promise<void> {
  const child = spawn(process.execPath, [CHILD, place.dataDir, sinkFile, hangAt], {
    cwd: place.folder,
    env: { ...place.options.env },
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: END_MS_MAX,
    killSignal: 'SIGABRT',
  });
  child.stdout.once('data', () => child.kill('SIGKILL'));
  const [code, name] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  if (hangAt === '') assert.equal(code, 0, `the child ended with ${String(code ?? name)}`);
  else
    assert.equal(
      name,
      'SIGKILL',
      `the child ended with ${String(code ?? name)}, and should have been killed`,
    );
}

function callsOf(sinkFile: string): Call[] {
  if (!existsSync(sinkFile)) return [];
  return wholeLines(readFileSync(sinkFile, 'utf8')).map((line) => JSON.parse(line) as Call);
}
