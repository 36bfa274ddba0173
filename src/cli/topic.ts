/** What the configuration says about the topic. */
import type { Config } from '../config/keys.ts';
import type { Retention, TopicOptions } from '../contracts/log.ts';

export function retentionOf({ log }: Config): Retention {
  return {
    ...(log.retentionMs === null ? {} : { retentionMs: log.retentionMs }),
    ...(log.retentionBytes === null ? {} : { retentionBytes: log.retentionBytes }),
  };
}

/** For a topic that is made now. */
export function newTopicOf(config: Config): TopicOptions {
  return { partitions: config.log.partitions, ...retentionOf(config) };
}
