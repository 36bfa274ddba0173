/** What the configuration says about the topic. */
import { closest } from '../../../values/did-you-mean.ts';
import type { Config } from '../../config/keys.ts';
import type { Log, Retention, TopicOptions } from '../../../contracts/log.ts';

function retentionOf({ log }: Config): Retention {
  return {
    ...(log.retentionMs === null ? {} : { retentionMs: log.retentionMs }),
    ...(log.retentionBytes === null ? {} : { retentionBytes: log.retentionBytes }),
  };
}

/** For a topic that is made now. */
export function newTopicOf(config: Config): TopicOptions {
  return { partitions: config.log.partitions, ...retentionOf(config) };
}

/**
 * Makes the producer's topic where it is missing, and has it keep what the configuration says. Gives a sentence for who
 * produces where the topic is new on a cluster, or beside one of a similar name: its own may be misspelt.
 */
export async function prepareTopic(config: Config, log: Log): Promise<string | undefined> {
  const { topic, retentionMs, retentionBytes } = config.log;
  const isNew = (await log.describeTopic(topic)) === undefined;
  const others = isNew ? (await log.listTopics()).map(({ name }) => name) : [];
  const { partitions } = await log.createTopic(topic, newTopicOf(config));
  // A topic on Kafka may be somebody else's too: what they set is not undone by a default of ours.
  const isOurs = log.format !== 'kafka' || retentionMs !== null || retentionBytes !== null;
  if (isOurs) await log.setRetention(topic, retentionOf(config));
  const similar = closest(topic, others);
  if (!isNew || (log.format !== 'kafka' && similar === undefined)) return undefined;
  const created = `Created the topic ${topic} with ${partitions} partitions.`;
  return similar === undefined ? created : `${created} Did you mean ${similar}, which is there too?`;
}
