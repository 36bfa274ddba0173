/** One broker for the tests of a file, and logs on it that are closed after each. */
import { after, before, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection, createTopicsV7, metadataV12 } from '@platformatic/kafka';
import type { Log, RecordInput } from '../../../src/contracts/log.ts';
import { openKafkaLog } from '../../../src/log/kafka/log.ts';
import type { KafkaLogOptions } from '../../../src/log/kafka/cluster/options.ts';
import { systemClock } from '../../../src/observe/system-clock.ts';
import { bytes } from '../../contract/log/log-records.ts';
import { startBroker, type TestBroker } from '../../kafka/broker.ts';

let named = 0;

export interface KafkaBench {
  readonly broker: TestBroker;
  /** A log that the test's end closes. */
  readonly open: (t: TestContext, options?: Partial<KafkaLogOptions>) => Promise<Log>;
  /** A connection for what the log's contract has not. */
  readonly connect: (t: TestContext) => Promise<Connection>;
  /** A topic with settings of Kafka's own. */
  readonly topic: (
    t: TestContext,
    partitions: number,
    config?: Readonly<Record<string, string>>,
  ) => Promise<string>;
}

/** Call it at the top of a file, and the function that it gives within tests. */
export function kafkaBench(
  options: { readonly properties?: Readonly<Record<string, string>> } = {},
): () => KafkaBench {
  let broker: TestBroker | undefined;
  before(async () => {
    // A broker that was killed comes back when its old session is over.
    const quick = { 'broker.session.timeout.ms': '2000', 'broker.heartbeat.interval.ms': '500' };
    broker = await startBroker({ ...options, properties: { ...quick, ...options.properties } });
  });
  after(() => broker?.stop());
  return () => benchOn(broker as TestBroker);
}

function benchOn(broker: TestBroker): KafkaBench {
  const connect = async (t: TestContext) => {
    const connection = new Connection('test');
    connection.on('error', () => undefined);
    await connection.connect('127.0.0.1', broker.port);
    t.after(() => connection.close());
    return connection;
  };
  return {
    broker,
    connect,
    async open(t, options = {}) {
      const log = await openKafkaLog({
        bootstrapServers: [broker.bootstrap],
        clock: systemClock,
        clientId: 'test',
        ...options,
      });
      t.after(() => log.close());
      return log;
    },
    async topic(t, partitions, config = {}) {
      const name = `special-${(named += 1)}`;
      const request = {
        name,
        numPartitions: partitions,
        replicationFactor: 1,
        assignments: [],
        configs: Object.entries(config).map(([setting, value]) => ({ name: setting, value })),
      };
      const connection = await connect(t);
      await createTopicsV7.api.async(connection, [request], 10_000, false);
      // The controller has it; the broker hears of it a little later.
      while (!(await hasHeardOf(connection, name))) await sleep(20);
      return name;
    },
  };
}

/** If the broker of this connection knows the topic: the controller has it first, and each broker hears of it a little later. */
export async function hasHeardOf(connection: Connection, topic: string): Promise<boolean> {
  const answer = await metadataV12.api.async(connection, [topic], false, false).catch(() => undefined);
  return answer?.topics[0]?.errorCode === 0;
}

export function record(value: string, rest: Partial<RecordInput> = {}): RecordInput {
  return { key: null, value: bytes(value), ...rest };
}
