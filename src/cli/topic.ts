/** What the configuration says about the topic. */
import type { Config } from '../config/keys.ts';
import type { Log, Retention, TopicOptions } from '../contracts/log.ts';

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

/** Makes the producer's topic where it is missing, and has it keep what the configuration says. */
export async function prepareTopic(config: Config, log: Log): Promise<void> {
  const { topic, retentionMs, retentionBytes } = config.log;
  await log.createTopic(topic, newTopicOf(config));
  // A topic on Kafka may be somebody else's too: what they set is not undone by a default of ours.
  const isOurs = log.format !== 'kafka' || retentionMs !== null || retentionBytes !== null;
  if (isOurs) await log.setRetention(topic, retentionOf(config));
}
