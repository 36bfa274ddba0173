/** Whether the cluster has the topic, and how to create it if not. */
import type { Config } from '../../config/keys.ts';
import { notTried, pass, type Check, type Verdict } from './check.ts';
import { KAFKA_CHECK_TIMEOUT_MS, HINT_KAFKA, type KafkaFacts } from './kafka.ts';
import { formatTimestamp } from '../../../columns/values/timestamp.ts';
import { counted, type HinderedPartition, type LogFacts } from './log.ts';

/** @param inspect what the log contains; it also shows that records can be read */
export function topicCheck(
  config: Config,
  kafka: Pick<KafkaFacts, 'obstacle'>,
  inspect: () => Promise<LogFacts>,
): Check {
  return {
    name: 'topic',
    timeoutMs: KAFKA_CHECK_TIMEOUT_MS,
    hintUnanswered: HINT_KAFKA,
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
    const details = { topic: log.topic, id, partitions, records };
    const found = `${log.topic}: ${held}`;
    return facts.hindered === undefined
      ? pass(found, details)
      : hinderedVerdict(found, details, facts.hindered);
  }
  const server = kafka.bootstrapServers[0] ?? '';
  return {
    status: 'warn',
    found: `The cluster has no topic ${log.topic}, or this user may not see it.`,
    hint:
      `produce creates it with ${counted(log.partitions, 'partition')}, if this user has the permission; otherwise: ` +
      `kafka-topics.sh --bootstrap-server ${server} --create --topic ${log.topic} --partitions ${log.partitions}.`,
  };
}

function hinderedVerdict(
  found: string,
  details: NonNullable<Verdict['details']>,
  hindered: readonly HinderedPartition[],
): Verdict {
  const isAway = hindered.some(({ unavailable }) => unavailable !== null);
  const isWaiting = hindered.some(({ waiting }) => waiting > 0);
  const fixes = [
    ...(isAway
      ? [
          'Start the brokers of the partitions without a leader. The query reads the other partitions meanwhile.',
        ]
      : []),
    ...(isWaiting
      ? [
          'These records are read when the transaction before them ends. End it in its producer, or wait for its transaction.timeout.ms.',
        ]
      : []),
  ];
  return {
    status: 'warn',
    found: [found, ...hindered.map(hinderedText)].join('\n'),
    hint: fixes.join(' '),
    details: { ...details, hindered },
  };
}

function hinderedText({ partition, unavailable, waiting, transaction }: HinderedPartition): string {
  if (unavailable !== null) return `partition ${partition} cannot be read now: ${unavailable}`;
  const who =
    transaction === null
      ? ''
      : ` of producer ${transaction.producerId}, whose last write was at ${formatTimestamp(transaction.lastWriteMs * 1000)}`;
  return `partition ${partition}: ${counted(waiting, 'record')} waiting for an open transaction${who}`;
}
