import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Log } from '../../src/contracts/log.ts';
import type { LogFields } from '../../src/contracts/logger.ts';
import { Source } from '../../src/engine/source.ts';
import { TallystreamError } from '../../src/errors.ts';
import { createMemoryLog } from '../../src/log/memory/log.ts';
import { silentLogger } from '../../src/observe/silent-logger.ts';
import { createManualClock } from '../../src/testing/manual-clock.ts';
import { testPlan, TOPIC } from './harness.ts';

function noting() {
  const warnings: LogFields[] = [];
  return { warnings, logger: { ...silentLogger, warn: (fields: LogFields) => void warnings.push(fields) } };
}

test('a topic that a query creates beside others is told of, with the one that may have been meant', async () => {
  const log = createMemoryLog({ clock: createManualClock(0) });
  const { warnings, logger } = noting();
  const create = (topic: string) => new Source(log, testPlan({ topic })).create({ partitions: 1 }, logger);
  await create('purchases');
  await create('purchases');
  assert.deepEqual(warnings, []);
  await create('purchasse');
  await create('clicks');
  assert.deepEqual(
    warnings.map(({ topic, similar }) => [topic, similar]),
    [
      ['purchasse', 'purchases'],
      ['clicks', undefined],
    ],
  );
});

test('a query creates no topic on a log whose topics belong to those who run it', async () => {
  const log: Log = createMemoryLog({ clock: createManualClock(0) });
  log.requireTopic = async () => {
    throw new TallystreamError('TOPIC_NOT_FOUND', { what: 'no such topic' });
  };
  const source = new Source(log, testPlan());
  await assert.rejects(source.create({ partitions: 1 }, silentLogger), { code: 'TOPIC_NOT_FOUND' });
  assert.equal(await log.describeTopic(TOPIC), undefined);
});
