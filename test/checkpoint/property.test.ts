import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Checkpoint } from '../../src/contracts/checkpoint.ts';
import { open } from './support/batches.ts';
import { Model, type Step, steps } from './support/model.ts';

const RUNS = 60;

test('agrees with a plain model after any series of batches, reopened anywhere', async () => {
  await fc.assert(fc.asyncProperty(steps, agreesWithModel), { numRuns: RUNS });
});

async function agreesWithModel(series: readonly Step[]): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'tallystream-checkpoint-'));
  let checkpoint: Checkpoint | undefined;
  try {
    checkpoint = await open(folder);
    const model = new Model();
    for (const step of series) {
      if (step.kind === 'reopen') {
        checkpoint.close();
        checkpoint = await open(folder);
        model.reopened();
      } else model.carryOut(step, checkpoint);
      assert.deepEqual(model.found(checkpoint, folder), model.expected());
    }
  } finally {
    checkpoint?.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
