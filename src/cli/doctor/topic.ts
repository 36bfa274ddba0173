/** Whether the topic is on the cluster, and how to make it where it is not. */
import type { Config } from '../../config/keys.ts';
import { notTried, pass, type Check, type Verdict } from './check.ts';
import { KAFKA_CHECK_TIMEOUT_MS, MEND_KAFKA, type KafkaFacts } from './kafka.ts';
import { counted, type LogFacts } from './log.ts';

/** @param inspect what the log holds, which also shows that records can be read */
export function topicCheck(
  config: Config,
  kafka: Pick<KafkaFacts, 'obstacle'>,
  inspect: () => Promise<LogFacts>,
): Check {
  return {
    name: 'topic',
    timeoutMs: KAFKA_CHECK_TIMEOUT_MS,
    mendUnanswered: MEND_KAFKA,
    run: async () => {
      const obstacle = await kafka.obstacle();
      return obstacle === undefined ? judgeTopic(config, await inspect()) : notTried(obstacle);
    },
  };
}

export function judgeTopic({ log, kafka }: Pick<Config, 'log' | 'kafka'>, facts: LogFacts): Verdict {
  if (facts.kind === 'topic') {
    const { topicId: id, partitions, records } = facts;
    const held = `${counted(partitions, 'partition')}, ${counted(records, 'record')}, id ${id}`;
    return pass(`${log.topic}: ${held}`, { topic: log.topic, id, partitions, records });
  }
  const server = kafka.bootstrapServers[0] ?? '';
  return {
    status: 'warn',
    found: `The cluster has no topic ${log.topic}, or none that this user may see.`,
    mend:
      `produce makes it, with ${counted(log.partitions, 'partition')}, where this user may; otherwise: ` +
      `kafka-topics.sh --bootstrap-server ${server} --create --topic ${log.topic} --partitions ${log.partitions}.`,
  };
}
