/** Opening a sink fences the writer of the runner before, so only the newest runner may do so. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Sink } from '../../src/contracts/sink.ts';
import { Deliveries } from '../../src/engine/sink-writer.ts';
import { silentLogger } from '../../src/observe/silent-logger.ts';
import { freshLocation, open } from '../checkpoint/support/batches.ts';

test('opens no sink for a runner that was taken over while it started', async (t) => {
  const location = freshLocation(t);
  const suspended = await open(location);
  const successor = await open(location, { takeOver: true });
  const opened: number[] = [];
  const sink: Sink = {
    name: 'target',
    open: async ({ epoch }) => {
      opened.push(epoch);
      return undefined;
    },
    write: async () => {},
  };
  const deliveriesOf = (checkpoint: typeof suspended) =>
    new Deliveries({ sinks: [sink], checkpoint, logger: silentLogger });
  await assert.rejects(deliveriesOf(suspended).open(), { code: 'CHECKPOINT_FENCED' });
  await deliveriesOf(successor).open();
  assert.deepEqual(opened, [successor.epoch]);
});
