import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openCheckpoint } from '../../../src/checkpoint/open/open.ts';
import { createManualClock } from '../../../src/testing/manual-clock.ts';
import { testPlan } from '../../engine/harness.ts';

test('refuses to write where the checkpoint was deleted or replaced under its runner', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tallystream-presence-'));
  try {
    const location = join(folder, 'checkpoint');
    const clock = createManualClock(0);
    const checkpoint = await openCheckpoint({
      location,
      plan: testPlan(),
      logFormat: 'memory',
      clock,
      takeOver: false,
    });
    const plan = {
      batchId: 0,
      topicId: 't',
      ranges: [],
      lost: [],
      clockMs: 0,
      watermarkMicros: null,
      idlePartitions: [],
    };
    renameSync(location, join(folder, 'away'));
    assert.throws(() => checkpoint.writePlan(plan), {
      code: 'CHECKPOINT_CORRUPT',
      message: /deleted or replaced/,
    });
    renameSync(join(folder, 'away'), location);
    checkpoint.writePlan(plan);
    checkpoint.close();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
