/** Waits for records, gives up, and then has nothing left that would keep the process alive: `wait-and-abort.ts PATH`. */
import { openEmbeddedLog } from '../../../../src/log/embedded/log.ts';
import { createMemoryLog } from '../../../../src/log/memory/log.ts';
import { systemClock } from '../../../../src/observe/system-clock.ts';

const [path = ''] = process.argv.slice(2);
for (const log of [
  await openEmbeddedLog({ path, clock: systemClock }),
  createMemoryLog({ clock: systemClock }),
]) {
  await log.createTopic('t', { partitions: 1 });
  const aborter = new AbortController();
  const waiting = log.waitForRecords('t', await log.offsets('t'), 600_000, aborter.signal);
  await systemClock.sleep(10);
  aborter.abort();
  process.stdout.write(`${log.format} ${await waiting}\n`);
}
