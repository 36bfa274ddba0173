import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { Place } from '../../e2e/run-cli.ts';

interface Measured {
  readonly schemaVersion: number;
  readonly events: number;
  readonly runs: number;
  readonly figures: readonly {
    readonly name: string;
    readonly unit: string;
    readonly min: number;
    readonly median: number;
    readonly max: number;
  }[];
}

describe('bench', () => {
  const place = new Place();
  after(() => place.remove());

  test('measures produce, run and their start, and leaves nothing behind', async () => {
    const measured = await place.json<Measured>(['bench', '--events', '2000', '--runs', '1']);
    assert.deepEqual([measured.schemaVersion, measured.events, measured.runs], [1, 2000, 1]);
    assert.deepEqual(
      measured.figures.map(({ name, unit }) => [name, unit]),
      [
        ['produce', 'events/s'],
        ['drain', 'events/s'],
        ['drainCpu', 's per 1,000,000 events'],
        ['drainMemory', 'MB'],
        ['firstBatch', 's'],
      ],
    );
    for (const { name, min, median, max } of measured.figures) {
      assert.ok(min > 0 && min === median && median === max, `${name}: ${min} ${median} ${max}`);
    }
    assert.ok(!existsSync(place.dataDir));
  });

  test('ends what it started at a signal, and leaves nothing behind', async () => {
    const cli = place.start(['bench', '--events', '1000000'], {});
    await cli.until(({ stderr }) => stderr.includes('warming up'));
    cli.kill('SIGINT');
    assert.equal((await cli.end()).code, 130);
    assert.ok(!existsSync(place.dataDir));
  });

  test('takes no run for none', async () => {
    const { code, stderr } = await place.run(['bench', '--runs', '0']);
    assert.equal(code, 2);
    assert.match(stderr, /--runs must be at least 1/);
  });
});
