/** Kills a process in the middle of its batches, again and again, and starts it again. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { roundsOf } from '../fault/support/rounds.ts';
import { childFile } from '../support/child-file.ts';

export const ROWS_PER_BATCH = 20;

const CHILD = childFile('children/once-batches.ts', import.meta.url);
const NO_END = 1_000_000;
const KILL_WITHIN_MS = 60;
const STEP_TIMEOUT_MS = 300_000;

export interface OnceTarget {
  readonly kind: 'sqlite' | 'postgres';
  readonly address: string;
  /** The file that the child keeps as its checkpoint. */
  readonly checkpoint: string;
}

/** Answers how many batches there have to be now. At least one kill comes between the helper's commit and the checkpoint's. */
export async function killAndFinish(
  target: OnceTarget,
  rounds: number,
  say: (text: string) => void,
): Promise<number> {
  const { random, rounds: kills } = roundsOf(say, rounds, target.kind);
  let epoch = 0;
  let repeats = 0;
  const run = async (batches: number, hangAt: string, killAfterMs?: number): Promise<void> => {
    epoch += 1;
    const args = [target.kind, target.address, target.checkpoint, String(epoch), String(batches), hangAt];
    const child = spawn(process.execPath, [CHILD, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    const end = once(child, 'close', { signal: AbortSignal.timeout(STEP_TIMEOUT_MS) });
    try {
      for await (const line of createInterface({ input: child.stdout })) {
        if (line === 'repeat') repeats += 1;
        if (line === 'hangs') child.kill('SIGKILL');
        if (line === 'runs' && killAfterMs !== undefined) {
          void sleep(killAfterMs).then(() => child.kill('SIGKILL'));
        }
      }
      const [code] = (await end) as [number | null];
      assert.equal(code, hangAt === '' && killAfterMs === undefined ? 0 : null);
    } finally {
      child.kill('SIGKILL');
    }
  };
  await run(NO_END, 'body');
  await run(NO_END, 'noted');
  for (let kill = 0; kill < kills; kill += 1) await run(NO_END, '', random.unit() * KILL_WITHIN_MS);
  await run(NO_END, 'noted');
  const committed = existsSync(target.checkpoint) ? Number(readFileSync(target.checkpoint, 'utf8')) : -1;
  const batches = committed + 4;
  await run(batches, '');
  say(`${batches} batches, ${epoch - 1} kills, ${repeats} repeats`);
  assert.ok(repeats >= 2, 'no batch came between its two commits');
  return batches;
}

export interface Outcome {
  readonly batches: number;
  /** Rows that are there, copies included. */
  readonly rows: number;
  readonly distinct: number;
  readonly total: number;
}

export function expectOnce(outcome: Outcome, batches: number): void {
  const rows = batches * ROWS_PER_BATCH;
  assert.deepEqual(outcome, { batches, rows, distinct: rows, total: rows });
}
