import { after, before, test } from 'node:test';
import type { Log } from '../../../src/contracts/log.ts';
import { openKafkaLog } from '../../../src/log/kafka/log.ts';
import { systemClock } from '../../../src/observe/system-clock.ts';
import { startBroker, withoutKafka, type TestBroker } from '../../kafka/broker.ts';
import { logContract } from './log-contract.ts';

if (withoutKafka() === false) keepContract();
else test('the log contract, kept by the Kafka log', { skip: withoutKafka() });

function keepContract(): void {
  let broker: TestBroker | undefined;
  before(async () => {
    broker = await startBroker();
  });
  after(() => broker?.stop());

  logContract('Kafka', {
    create: async () => {
      const opened: Log[] = [];
      const bootstrapServers = [(broker as TestBroker).bootstrap];
      const open = async () => {
        const log = await openKafkaLog({ bootstrapServers, clock: systemClock, clientId: 'contract' });
        opened.push(log);
        return log;
      };
      const close = async () => {
        for (const log of opened.splice(0)) await log.close();
      };
      return {
        log: await open(),
        clock: systemClock,
        second: open,
        reopen: async () => {
          await close();
          return open();
        },
        close,
      };
    },
    features: {
      appends: true,
      atomicAppend: false,
      contiguousOffsets: true,
      largestValue: true,
      // The broker applies retention by itself, at times of its own.
      retentionByAge: false,
      retentionBySize: false,
      persistent: true,
      manyProcesses: true,
      transactions: true,
      shapedTopics: true,
    },
  });
}
