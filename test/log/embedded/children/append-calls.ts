/**
 * A producer in a process of its own: `append-calls.ts PATH TOPIC LABEL CALLS [together]`. It appends call after call
 * (CALLS of them, or until it is killed) to a topic of two partitions, and prints the ranges of each when it is
 * acknowledged. With `together` it says that it is ready, and opens the log when its stdin ends.
 */
import { once } from 'node:events';
import { openEmbeddedLog } from '../../../../src/log/embedded/log.ts';
import { systemClock } from '../../../../src/observe/system-clock.ts';
import { recordsOfCall } from './calls.ts';

const [path = '', topic = '', label = '', calls = '', together] = process.argv.slice(2);
if (together) {
  process.stdout.write('ready\n');
  await once(process.stdin.resume(), 'end');
}
const log = await openEmbeddedLog({ path, clock: systemClock });
await log.createTopic(topic, { partitions: 2 });
for (let call = 0; call < Number(calls); call += 1) {
  const ranges = await log.append(topic, recordsOfCall(label, call));
  process.stdout.write(`${JSON.stringify({ call, ranges })}\n`);
}
await log.close();
