/**
 * A writer of transactions in a process of its own: `zombie.ts BOOTSTRAP NAME TOPIC`. It appends one record, says so, and
 * when its stdin ends appends another and commits. It prints what came of both: `done`, or the code of the error.
 */
import { once } from 'node:events';
import { TallystreamError } from '../../../src/errors.ts';
import { openKafkaLog } from '../../../src/log/kafka/log.ts';
import { systemClock } from '../../../src/observe/system-clock.ts';

const [bootstrap = '', name = '', topic = ''] = process.argv.slice(2);
const log = await openKafkaLog({ bootstrapServers: [bootstrap], clock: systemClock, clientId: 'zombie' });
const writer = await log.openTransactions?.(name);
const record = { key: null, value: Buffer.from('zombie'), partition: 0 };
await writer?.append(topic, [record]);
process.stdout.write('appended\n');
await once(process.stdin.resume(), 'end');
const outcomeOf = async (call: Promise<void> | undefined) => {
  try {
    await call;
    return 'done';
  } catch (error) {
    return error instanceof TallystreamError ? error.code : String(error);
  }
};
const commit = await outcomeOf(writer?.commit());
const append = await outcomeOf(writer?.append(topic, [record]));
process.stdout.write(`${commit} ${append}\n`);
await log.close();
