/** Topics: made, described, changed and removed by the cluster's controller, which brokers hear of a little later. */
import { createTopicsV7, deleteTopicsV6, incrementalAlterConfigsV1 } from '../wire/client.ts';
import type { Retention, TopicDescription, TopicOptions } from '../../../contracts/log.ts';
import { checkTopic, missingOnCluster } from '../../shared/errors.ts';
import { NEWS_MS_MAX, type KafkaCluster, type TopicMetadata } from './cluster.ts';
import { brokerCodesOf, BrokerFault, CODE } from '../wire/errors.ts';
import { recordConfigs } from './topic-config.ts';

/** The broker's own patience with its controller; below any request's. */
const CONTROLLER_TIMEOUT_MS = 5_000;
/** Between two looks for a topic that a broker may not have heard of yet. */
const NEWS_PAUSE_MS = 300;
const TOPIC_RESOURCE = 2;
const SET = 0;

export async function createTopic(
  cluster: KafkaCluster,
  name: string,
  options: TopicOptions,
): Promise<TopicDescription> {
  cluster.checkWritable();
  const existing = await describeTopic(cluster, name);
  if (existing !== undefined) return existing;
  checkTopic(name, options);
  await cluster.persist(async () => {
    const request = {
      name,
      numPartitions: options.partitions,
      replicationFactor: cluster.options.replicationFactor ?? -1,
      assignments: [],
      configs: [...retentionConfigs(options), ...recordConfigs(options)],
    };
    try {
      await createTopicsV7.api.async(await cluster.any(), [request], CONTROLLER_TIMEOUT_MS, false);
    } catch (error) {
      // Somebody else was faster: theirs is as good.
      if (!brokerCodesOf(error).includes(CODE.TOPIC_ALREADY_EXISTS)) throw error;
    }
  });
  return cluster.persist(async () => describe(await seen(cluster, name)));
}

/**
 * A topic that somebody else made. One that was made just now may not be known to every broker yet.
 * @throws TOPIC_NOT_FOUND
 */
export async function requireTopic(
  cluster: KafkaCluster,
  name: string,
  { partitions }: TopicOptions,
): Promise<TopicDescription> {
  const { clock, bootstrapServers } = cluster.options;
  for (let waitedMs = 0; ; waitedMs += NEWS_PAUSE_MS) {
    const topic = await describeTopic(cluster, name);
    if (topic !== undefined) return topic;
    if (waitedMs >= NEWS_MS_MAX || cluster.closed.aborted) break;
    cluster.turnAway(name);
    await clock.sleep(NEWS_PAUSE_MS, cluster.closed);
  }
  const others = (await listTopics(cluster)).map((other) => other.name);
  const create = `kafka-topics.sh --bootstrap-server ${bootstrapServers[0] ?? ''} --create --topic ${name} --partitions ${partitions}`;
  throw missingOnCluster(name, others, create);
}

export async function describeTopic(
  cluster: KafkaCluster,
  name: string,
): Promise<TopicDescription | undefined> {
  const topic = await cluster.persist(() => cluster.lookUp(name));
  return topic && describe(topic);
}

export async function listTopics(cluster: KafkaCluster): Promise<TopicDescription[]> {
  const topics = await cluster.persist(() => cluster.list());
  return topics.map(describe);
}

export async function deleteTopic(cluster: KafkaCluster, name: string): Promise<void> {
  cluster.checkWritable();
  await cluster.persist(async () => {
    const topic = await cluster.lookUp(name);
    if (topic === undefined) return;
    try {
      // By name and not by id: an id would make a repeat after a lost answer fail.
      await deleteTopicsV6.api.async(await cluster.any(), [{ name }], CONTROLLER_TIMEOUT_MS);
    } catch (error) {
      if (!brokerCodesOf(error).includes(CODE.UNKNOWN_TOPIC_OR_PARTITION)) throw error;
    }
    if ((await cluster.lookUp(name))?.id === topic.id) throw new BrokerFault(CODE.UNKNOWN_TOPIC_OR_PARTITION);
    cluster.forgetSeen(name);
  });
}

export async function setRetention(cluster: KafkaCluster, name: string, retention: Retention): Promise<void> {
  cluster.checkWritable();
  await cluster.persist(
    async () => {
      await cluster.topic(name);
      checkTopic(name, { partitions: 1, ...retention });
      const configs = retentionConfigs(retention).map(
        (config) => ({ ...config, configOperation: SET }) as const,
      );
      const resource = { resourceType: TOPIC_RESOURCE, resourceName: name, configs } as const;
      await incrementalAlterConfigsV1.api.async(await cluster.any(), [resource], false);
    },
    { topic: name },
  );
}

/** @throws TOPIC_NOT_FOUND if metadata, asked for one topic of this name, does not know it for long */
async function seen(cluster: KafkaCluster, name: string): Promise<TopicMetadata> {
  const topic = await cluster.lookUp(name);
  if (topic === undefined) throw new BrokerFault(CODE.UNKNOWN_TOPIC_OR_PARTITION);
  return topic;
}

function describe({ name, id, partitions }: TopicDescription): TopicDescription {
  return { name, id, partitions };
}

/** In Kafka -1 is no bound; what is left out would follow the broker's default, which removes records after a week. */
function retentionConfigs({ retentionMs, retentionBytes }: Retention): { name: string; value: string }[] {
  return [
    { name: 'retention.ms', value: String(retentionMs ?? -1) },
    { name: 'retention.bytes', value: String(retentionBytes ?? -1) },
  ];
}
