/** The configured settings of the topic. */
import { closest } from '../../../values/did-you-mean.ts';
import type { Config } from '../../config/keys.ts';
import type { Log, Retention, TopicOptions } from '../../../contracts/log.ts';

function retentionOf({ log }: Config): Retention {
  return {
    ...(log.retentionMs === null ? {} : { retentionMs: log.retentionMs }),
    ...(log.retentionBytes === null ? {} : { retentionBytes: log.retentionBytes }),
  };
}

/** For a new topic. */
export function newTopicOf(config: Config): TopicOptions {
  return { partitions: config.log.partitions, ...retentionOf(config) };
}

/**
 * Creates the producer's topic if it is missing, and applies the configured retention. Returns a sentence for the user if
 * the topic is new on a cluster, or if a topic with a similar name exists: the name may be misspelt.
 */
export async function prepareTopic(config: Config, log: Log): Promise<string | undefined> {
  const { topic, retentionMs, retentionBytes } = config.log;
  const isNew = (await log.describeTopic(topic)) === undefined;
  const others = isNew ? (await log.listTopics()).map(({ name }) => name) : [];
  const { partitions } = await log.createTopic(topic, newTopicOf(config));
  // Others may use a topic on Kafka too: our defaults do not overwrite their settings.
  const isOurs = log.format !== 'kafka' || retentionMs !== null || retentionBytes !== null;
  if (isOurs) await log.setRetention(topic, retentionOf(config));
  const similar = closest(topic, others);
  if (!isNew || (log.format !== 'kafka' && similar === undefined)) return undefined;
  const created = `Created the topic ${topic} with ${partitions} partitions.`;
  return similar === undefined ? created : `${created} Did you mean ${similar}, which also exists?`;
}
