import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { bytes } from './log-records.ts';
import { openBench, type LogSetup } from './log-under-test.ts';

/** Longer than any test takes: a wait that is not woken fails by the test's own time limit, and no timing is asserted. */
const LONG_MS = 600_000;
const never = () => new AbortController().signal;

export function waitContract(setup: LogSetup): void {
  const { features } = setup;
  describe('waiting for records', { timeout: 240_000 }, () => {
    test('ends at once where the log is ahead of what is known', async (t) => {
      const { log, topic } = await openBench(t, setup);
      const name = await topic(2);
      const known = await log.offsets(name);
      await log.append(name, [{ key: null, value: bytes('x'), partition: 1 }]);
      assert.equal(await log.waitForRecords(name, known, LONG_MS, never()), true);
    });

    test('ends when this process appends, to any partition', async (t) => {
      const { log, topic } = await openBench(t, setup);
      const name = await topic(3);
      for (let partition = 0; partition < 3; partition += 1) {
        const waiting = log.waitForRecords(name, await log.offsets(name), LONG_MS, never());
        await log.append(name, [{ key: null, value: bytes('x'), partition }]);
        assert.equal(await waiting, true);
      }
    });

    test('ends when another process appends', { skip: !features.manyProcesses }, async (t) => {
      const { log, topic, second } = await openBench(t, setup);
      assert.ok(second);
      const other = await second();
      const name = await topic(1);
      const waiting = log.waitForRecords(name, await log.offsets(name), LONG_MS, never());
      await other.append(name, [{ key: null, value: bytes('x') }]);
      assert.equal(await waiting, true);
    });

    test('is not ended by records of another topic', async (t) => {
      const { log, topic } = await openBench(t, setup);
      const [name, other] = [await topic(1), await topic(1)];
      const waiting = log.waitForRecords(name, await log.offsets(name), 50, never());
      await log.append(other, [{ key: null, value: bytes('x') }]);
      assert.equal(await waiting, false);
    });

    test('gives false after the timeout', async (t) => {
      const { log, topic } = await openBench(t, setup);
      const name = await topic(1);
      assert.equal(await log.waitForRecords(name, await log.offsets(name), 20, never()), false);
    });

    test('gives false when it is aborted, before or meanwhile', async (t) => {
      const { log, topic } = await openBench(t, setup);
      const name = await topic(1);
      const known = await log.offsets(name);
      assert.equal(await log.waitForRecords(name, known, LONG_MS, AbortSignal.abort()), false);
      const aborter = new AbortController();
      const waiting = log.waitForRecords(name, known, LONG_MS, aborter.signal);
      aborter.abort();
      assert.equal(await waiting, false);
    });

    test('gives false when the log is closed meanwhile', async (t) => {
      const { log, topic } = await openBench(t, setup);
      const name = await topic(1);
      const waiting = log.waitForRecords(name, await log.offsets(name), LONG_MS, never());
      await log.close();
      assert.equal(await waiting, false);
    });
  });
}
