import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeBatch } from '../../src/sinks/once.ts';

const at = (batchId: number, epoch: number) => ({ queryId: 'q', batchId, epoch });

test('a batch is written where none as late is noted', () => {
  assert.deepEqual(judgeBatch(undefined, at(0, 1)), { kind: 'run' });
  assert.deepEqual(judgeBatch({ batchId: 3, epoch: 1 }, at(4, 1)), { kind: 'run' });
  assert.deepEqual(judgeBatch({ batchId: 3, epoch: 1 }, at(9, 2)), { kind: 'run' });
});

test('the batch that is noted is a repeat, for the runner that wrote it and for one after it', () => {
  assert.deepEqual(judgeBatch({ batchId: 3, epoch: 1 }, at(3, 1)), { kind: 'repeat' });
  assert.deepEqual(judgeBatch({ batchId: 3, epoch: 1 }, at(3, 2)), { kind: 'repeat' });
  assert.deepEqual(judgeBatch({ batchId: 3, epoch: 1 }, at(2, 1)), { kind: 'repeat' });
});

test('a runner after which a newer one has written is shut out, whatever it writes', () => {
  for (const batchId of [2, 3, 4]) {
    assert.deepEqual(judgeBatch({ batchId: 3, epoch: 2 }, at(batchId, 1)), { kind: 'fenced', epoch: 2 });
  }
});

test('a new runner that is behind what is noted has an older copy of the checkpoint', () => {
  assert.deepEqual(judgeBatch({ batchId: 3, epoch: 1 }, at(2, 2)), { kind: 'went back', last: 3 });
});
