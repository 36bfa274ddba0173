/** One runner for one checkpoint: who is refused, who waits, and who goes on in whose place. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openCheckpoint } from '../../src/checkpoint/open/open.ts';
import { loadConfig } from '../../src/app/config/load.ts';
import { planOf } from '../../src/app/cli/query.ts';
import { systemClock } from '../../src/observe/system-clock.ts';
import { TALLYSTREAM, withoutLauncher, withoutSignals, type Cli } from './support/cli.ts';
import { runLibraryQuery } from './support/library-query.ts';
import { createCases } from './support/purchases.ts';
import { roundsOf } from './support/rounds.ts';
import { takeOver } from './support/take-over.ts';
import { createWorkplace, type Workplace } from './support/workplace.ts';

const TAKE_OVERS = 2;
/** Longer than a start needs from its first line to the lock, and shorter than it waits for that. */
const AT_THE_LOCK_MS = 500;

test('one that was stopped and taken over is refused when it wakes', { skip: withoutSignals }, async (t) => {
  const rounds = roundsOf((text) => t.diagnostic(text), TAKE_OVERS);
  for (let round = 0; round < Math.min(TAKE_OVERS, rounds.rounds); round += 1) {
    await takeOver('direct', { ...rounds, seed: `${rounds.seed} ${round}` });
  }
  if (withoutLauncher === false) await takeOver('launcher', rounds);
});

test('one that was taken over between its commit and its report is refused like any other', async (t) => {
  const place = createWorkplace();
  t.after(() => place.remove());
  const produced = await place.run(['produce', '--from', place.write(createCases('report', 200))]);
  assert.equal(produced.code, 0, produced.stderr);
  // Called after a batch is committed and before its report is printed; nothing else of this process runs meanwhile.
  const onProgress = ({ batchId }: { batchId: number }): void => {
    if (batchId !== 1) return;
    const words = [TALLYSTREAM, 'run', '--available-now', '--take-over', '--data-dir', place.dataDir];
    const { status, stderr } = spawnSync(process.execPath, words, {
      cwd: place.folder,
      env: { ...place.options.env },
      encoding: 'utf8',
    });
    assert.equal(status, 0, stderr);
  };
  const { dataDir, options } = place;
  await assert.rejects(runLibraryQuery({ dataDir, env: options.env ?? {}, onProgress }), {
    code: 'CHECKPOINT_FENCED',
  });
});

test('a second query on a checkpoint is refused, and told who has it', async (t) => {
  const { place, holder } = await heldCheckpoint(t);
  const { code, stdout, stderr } = await place.run(['run', '--json']);
  assert.equal(code, 5);
  assert.equal(stdout, '');
  const { own } = await holder.pids();
  assert.match(
    stderr,
    new RegExp(`in use by another query process: process ${own}, running since .*CHECKPOINT_LOCKED`, 's'),
  );
  assert.equal(holder.hasEnded, false, 'the one that held the checkpoint has ended');
});

test('a checkpoint is free as soon as its query was killed', async (t) => {
  const { place, holder } = await heldCheckpoint(t);
  await holder.kill();
  const { config } = await loadConfig({
    flags: { 'data-dir': place.dataDir },
    env: place.options.env ?? {},
    file: undefined,
    cwd: place.folder,
  });
  const checkpoint = await openCheckpoint({
    location: place.checkpoint,
    plan: planOf(config),
    logFormat: 'embedded',
    clock: systemClock,
    takeOver: false,
    lockTimeoutMs: 0,
  });
  checkpoint.close();
});

test('one that starts waits for the lock of one that is about to end', async (t) => {
  const { place, holder } = await heldCheckpoint(t);
  const starter = place.start(['run', '--json', '--available-now', '--log-level', 'info']);
  await starter.until(() => starter.stderr.includes('tallystream starts'), 'say that it starts');
  await sleep(AT_THE_LOCK_MS);
  await holder.kill();
  const { code, stderr } = await starter.end();
  assert.equal(code, 0, stderr);
});

/** A query that has committed a batch and waits for more. */
async function heldCheckpoint(t: TestContext): Promise<{ place: Workplace; holder: Cli }> {
  const place = createWorkplace();
  t.after(() => place.remove());
  const produced = await place.run(['produce', '--from', place.write(createCases('held', 10))]);
  assert.equal(produced.code, 0, produced.stderr);
  const holder = place.start(['run', '--json']);
  t.after(() => holder.kill());
  await holder.until(() => holder.stdout.includes('\n'), 'print a report');
  return { place, holder };
}
