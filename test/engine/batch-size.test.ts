import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { OFFSETS_AT_FIRST, offsetsOfNext } from '../../src/engine/batch-size.ts';
import { createHarness, recordOf, START_MS } from './harness.ts';

const LIMIT = 500_000;

describe('the size of the next batch', () => {
  it('is small at first, so that the first report comes soon', () => {
    assert.equal(offsetsOfNext(LIMIT, undefined), OFFSETS_AT_FIRST);
  });

  it('is what the last batch makes expect within a second', () => {
    assert.equal(offsetsOfNext(LIMIT, { offsets: 100_000, durationMs: 400 }), 250_000);
    assert.equal(offsetsOfNext(LIMIT, { offsets: 300_000, durationMs: 2_000 }), 150_000);
  });

  it('grows at most fourfold, and not beyond the limit', () => {
    assert.equal(offsetsOfNext(LIMIT, { offsets: 60_000, durationMs: 10 }), 240_000);
    assert.equal(offsetsOfNext(LIMIT, { offsets: 400_000, durationMs: 100 }), LIMIT);
    assert.equal(offsetsOfNext(LIMIT, { offsets: 400_000, durationMs: 0 }), LIMIT);
  });

  it('is no smaller after a quiet time, of which the pace says nothing', () => {
    assert.equal(offsetsOfNext(LIMIT, { offsets: 3, durationMs: 2 }), OFFSETS_AT_FIRST);
    assert.equal(offsetsOfNext(LIMIT, { offsets: 0, durationMs: 2 }), OFFSETS_AT_FIRST);
  });

  it('is kept by a query that has a backlog before it', async () => {
    const harness = await createHarness({ segmentEntries: 16_384 });
    try {
      const count = OFFSETS_AT_FIRST + 10;
      await harness.append(
        Array.from({ length: count }, (_, index) => recordOf({ id: `e${index}`, atMs: START_MS })),
      );
      await harness.run();
      assert.deepEqual(harness.printed, [
        { batchId: 0, accepted: OFFSETS_AT_FIRST },
        { batchId: 1, accepted: 10 },
      ]);
    } finally {
      await harness.close();
    }
  });

  it('is never more than a limit that is smaller than any of this', () => {
    for (const last of [undefined, { offsets: 1, durationMs: 5 }, { offsets: 100_000, durationMs: 1 }]) {
      assert.equal(offsetsOfNext(7, last), 7);
    }
  });
});
