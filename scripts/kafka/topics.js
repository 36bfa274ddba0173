// The topics that Tallystream uses, made where they are missing.
import { EXIT, KafkaFault } from './fault.js';
import { createTopics, isThere } from './wire.js';

const TIMEOUT_MS = 30_000;

/**
 * @param {{ topic: string, partitions: number }} settings
 * @returns {readonly import('./wire.js').NewTopic[]}
 */
export function topicsFor({ topic, partitions }) {
  return [
    { name: topic, partitions },
    { name: `${topic}.dead-letters`, partitions },
    { name: `${topic}.totals`, partitions: 1, config: { 'cleanup.policy': 'compact' } },
  ];
}

/**
 * @param {number} port
 * @param {readonly import('./wire.js').NewTopic[]} topics
 * @throws KafkaFault where one of them is not there afterwards
 */
export async function makeTopics(port, topics) {
  for (const { name, errorCode, message } of (await createTopics(port, topics, TIMEOUT_MS)).filter(
    (topic) => !isThere(topic),
  )) {
    throw new KafkaFault(EXIT.broker, {
      what: `The broker did not make topic ${name} (error ${errorCode}).`,
      why: message || undefined,
    });
  }
}
