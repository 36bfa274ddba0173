// Delivers a file under a name to an embedded log, in small batches; `resume-kill.test.ts` kills it.
import { openEmbeddedLog } from '../../../../src/log/embedded/log.ts';
import { systemClock } from '../../../../src/observe/system-clock.ts';
import { deliverLines } from '../../../../src/producer/lines/deliver.ts';
import { openFileInput } from '../../../../src/producer/lines/input.ts';
import { createRandom } from '../../../../src/producer/random.ts';
import { UNPACED } from '../../../../src/producer/token-bucket.ts';

const [logPath, folder, path] = process.argv.slice(2) as [string, string, string];
const log = await openEmbeddedLog({ path: logPath, clock: systemClock });
await log.createTopic('purchases', { partitions: 4 });
const never = new AbortController().signal;
process.stdout.write('started\n');
const summary = await deliverLines({
  log,
  topic: 'purchases',
  input: await openFileInput(path),
  fields: { keyField: 'customer_id', timestampField: 'timestamp' },
  pace: UNPACED,
  clock: systemClock,
  random: createRandom(1),
  stop: never,
  abort: never,
  resume: { name: 'nightly', folder },
  limits: { batchRecordsMax: 20 },
});
await log.close();
process.stdout.write(`${summary.acknowledged}\n`);
