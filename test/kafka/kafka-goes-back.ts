/** A topic on Kafka goes back: the broker's disk is replaced by an older copy, or a replica that lags is elected. */
import assert from 'node:assert/strict';
import { cpSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection, createTopicsV7, metadataV12 } from '@platformatic/kafka';
import { pathsOf } from '../../scripts/kafka/folder.js';
import { makeTopics } from '../../scripts/kafka/topics.js';
import { type CreateLog, type GoingLog, NOTHING_LATE } from '../fault/support/log-goes-back.ts';
import type { Rounds } from '../fault/support/rounds.ts';
import { createWorkplace, type Workplace } from '../fault/support/workplace.ts';
import { startBroker, startCluster, type TestBroker, type TestCluster } from './broker.ts';

const PARTITIONS_MAX = 3;
const ELECTED_MS_MAX = 180_000;
const LOOK_EVERY_MS = 100;
/** A controller that hears nothing of a broker for so long takes it for gone. */
const SESSION_MS = 2_000;

export interface GoingClusters {
  /** Every other round is an election, the others are copies of a disk. */
  readonly create: CreateLog;
  stop(): Promise<void>;
}

/** One broker whose disk is copied; and three, two of which have the replicas, so that two are left to elect one. */
export async function startGoingClusters(): Promise<GoingClusters> {
  const single = await startBroker();
  let cluster: TestCluster;
  try {
    cluster = await startCluster(3, { 'broker.session.timeout.ms': String(SESSION_MS) });
  } catch (error) {
    await single.stop();
    throw error;
  }
  return {
    create: (round, random) =>
      round % 2 === 0 ? onOlderDisk(single, round, random) : onUncleanElection(cluster, round, random),
    async stop() {
      await Promise.all([single.stop(), cluster.stop()]);
    },
  };
}

async function onOlderDisk(broker: TestBroker, round: number, random: Rounds['random']): Promise<GoingLog> {
  const topic = `older-disk-${round}`;
  await makeTopics(broker.port, [{ name: topic, partitions: 1 + random.below(PARTITIONS_MAX) }]);
  const { data } = pathsOf(broker.folder);
  const copy = join(broker.folder, 'copy');
  // A broker that ends in order writes all that it holds; one that is killed leaves it to the system.
  const signal = random.below(2) === 0 ? 'SIGTERM' : 'SIGKILL';
  return {
    ...partsOf(broker.bootstrap, topic, random),
    name: `an older copy of the broker's disk (${signal})`,
    async keep() {
      await broker.kill('SIGTERM');
      rmSync(copy, { recursive: true, force: true });
      cpSync(data, copy, { recursive: true });
      await broker.restart();
    },
    async goBack() {
      await broker.kill(signal);
      assert.ok(existsSync(copy));
      rmSync(data, { recursive: true });
      cpSync(copy, data, { recursive: true });
      await broker.restart();
    },
  };
}

async function onUncleanElection(
  cluster: TestCluster,
  round: number,
  random: Rounds['random'],
): Promise<GoingLog> {
  const topic = `unclean-${round}`;
  const partitions = 1 + random.below(PARTITIONS_MAX);
  const [leader, follower, third] = cluster.brokers as [TestBroker, TestBroker, TestBroker];
  await createReplicated(third.port, topic, partitions);
  await untilLed(third.port, topic, ({ leaderId, isrNodes }) => leaderId === 1 && isrNodes.length === 2);
  const parts = partsOf(cluster.bootstrap, topic, random);
  return {
    ...parts,
    name: 'an unclean election',
    async keep() {
      await follower.kill('SIGKILL');
      await untilLed(third.port, topic, ({ isrNodes }) => isrNodes.join() === '1');
    },
    async goBack() {
      // Its end leaves one controller of three, which decides nothing before the other one is back.
      await leader.kill('SIGKILL');
      await follower.restart();
      await untilLed(third.port, topic, ({ leaderId }) => leaderId === 2);
    },
    async remove() {
      await parts.remove();
      for (const broker of [leader, follower]) if (!broker.isRunning) await broker.restart();
      await untilLed(third.port, topic, ({ isrNodes }) => isrNodes.length === 2);
    },
  };
}

function partsOf(
  bootstrap: string,
  topic: string,
  random: Rounds['random'],
): Pick<GoingLog, 'place' | 'words' | 'env' | 'remove'> {
  const place: Workplace = createWorkplace({
    offsetsMax: 1 + random.below(80),
    appendMax: 1 + random.below(40),
  });
  return {
    place,
    words: ['--log', 'kafka', '--bootstrap-servers', bootstrap, '--topic', topic],
    env: NOTHING_LATE,
    remove: () => place.remove(),
  };
}

/** Two replicas, the first of which leads, one of which is enough, and the other of which may be elected though it lags. */
async function createReplicated(port: number, name: string, partitions: number): Promise<void> {
  await withConnection(port, async (connection) => {
    const assignments = Array.from({ length: partitions }, (_, partitionIndex) => {
      return { partitionIndex, brokerIds: [1, 2] };
    });
    const configs = [
      { name: 'min.insync.replicas', value: '1' },
      { name: 'unclean.leader.election.enable', value: 'true' },
    ];
    const request = { name, numPartitions: -1, replicationFactor: -1, assignments, configs };
    await createTopicsV7.api.async(connection, [request], 10_000, false);
  });
}

interface Led {
  readonly leaderId: number;
  readonly isrNodes: readonly number[];
}

/** Waits until the broker says this of every partition. */
async function untilLed(port: number, topic: string, isDue: (partition: Led) => boolean): Promise<void> {
  const endMs = performance.now() + ELECTED_MS_MAX;
  let seen: readonly Led[] = [];
  for (;;) {
    seen = await ledBy(port, topic).catch(() => []);
    if (seen.length > 0 && seen.every(isDue)) return;
    assert.ok(performance.now() < endMs, `${topic} did not come to be led so: ${JSON.stringify(seen)}`);
    await sleep(LOOK_EVERY_MS);
  }
}

function ledBy(port: number, topic: string): Promise<readonly Led[]> {
  return withConnection(port, async (connection) => {
    const { topics } = await metadataV12.api.async(connection, [topic], false, false);
    return topics[0]?.partitions ?? [];
  });
}

async function withConnection<T>(port: number, act: (connection: Connection) => Promise<T>): Promise<T> {
  const connection = new Connection('test');
  connection.on('error', () => undefined);
  try {
    await connection.connect('127.0.0.1', port);
    return await act(connection);
  } finally {
    await connection.close();
  }
}
