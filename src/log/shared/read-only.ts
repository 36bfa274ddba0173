/** The writing half of the contract on a source that only reads: one topic, which nobody creates or appends to. */
import type { Log, Retention, TopicDescription } from '../../contracts/log.ts';
import { TallystreamError } from '../../errors.ts';
import { topicNotFound } from './errors.ts';

export interface ReadOnlySource {
  readonly format: 'rate' | 'file';
  readonly topic: TopicDescription;
  /** Where its records come from, as the end of "its records …": `follow from the clock`. */
  readonly origin: string;
}

type ReadOnlyCalls = Pick<
  Log,
  | 'createTopic'
  | 'describeTopic'
  | 'listTopics'
  | 'deleteTopic'
  | 'append'
  | 'setRetention'
  | 'enforceRetention'
>;

/**
 * What a query calls at its start answers (`createTopic` gives the topic that is there); what would change the topic is
 * CONFIG_INVALID, or TOPIC_NOT_FOUND if the topic is another. Retention has nothing to remove and removes nothing.
 */
export function readOnlyCalls({ format, topic, origin }: ReadOnlySource): ReadOnlyCalls {
  const refusal = (what: string) =>
    new TallystreamError('CONFIG_INVALID', {
      what,
      why: `The ${format} source is read-only: its records ${origin}.`,
      hint: 'Use a writable log (embedded or kafka), or remove this call.',
    });
  const find = (name: string) => {
    if (name !== topic.name) throw topicNotFound(name, [topic.name]);
  };
  return {
    createTopic: async (name) => {
      if (name === topic.name) return topic;
      throw refusal(
        `The topic ${JSON.stringify(name)} cannot be created: the only topic here is ${topic.name}.`,
      );
    },
    describeTopic: async (name) => (name === topic.name ? topic : undefined),
    listTopics: async () => [topic],
    deleteTopic: async (name) => {
      if (name === topic.name) throw refusal(`The topic ${name} cannot be removed.`);
    },
    append: async (name) => {
      find(name);
      throw refusal(`Records cannot be appended to the topic ${name}.`);
    },
    setRetention: async (name, { retentionMs, retentionBytes }: Retention) => {
      find(name);
      if (retentionMs === undefined && retentionBytes === undefined) return;
      throw refusal(`The topic ${name} cannot have a retention setting.`);
    },
    enforceRetention: async () => [],
  };
}
