import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { workersOf } from '../../../src/engine/decode-workers/workers.ts';

describe('workersOf', () => {
  it('starts no thread by itself where there are no cores to spare, and at most four', () => {
    const byCores = [1, 2, 3, 4, 6, 64].map((cores) => workersOf(null, cores).threads);
    assert.deepEqual(byCores, [0, 0, 1, 2, 4, 4]);
  });

  it('takes the number that was set, whatever the cores', () => {
    assert.equal(workersOf(3, 1).threads, 3);
    assert.equal(workersOf(0, 64).threads, 0);
  });
});
