/** `topic list` and `topic describe`: the topics of the log, and the contents of their partitions. */
import { escapeForTerminal } from '../../../columns/format/escape.ts';
import { openLog } from '../../compose.ts';
import type { Log, PartitionOffsets, TopicDescription } from '../../../contracts/log.ts';
import { TallystreamError } from '../../../errors.ts';
import type { Context } from '../context.ts';
import { createOutput, jsonLine } from '../output.ts';

export async function list(context: Context): Promise<number> {
  context.signals.leaveToSystem();
  const log = await openLog(context.config, context.clock, { readOnly: true });
  try {
    const write = await createOutput();
    const topics = [...(await log.listTopics())].sort(byName);
    if (topics.length === 0 && !context.json) await write('No topics.\n');
    for (const { name, id, partitions } of topics) {
      const records = sumOf(await log.offsets(name));
      await write(
        context.json
          ? jsonLine({ name, id, partitions, records })
          : `${escapeForTerminal(name).padEnd(40)} ${counted(partitions, 'partition').padEnd(15)} ${counted(records, 'record').padEnd(20)} ${escapeForTerminal(id)}\n`,
      );
    }
    return 0;
  } finally {
    await log.close();
  }
}

export async function describe(context: Context, [word]: readonly string[]): Promise<number> {
  context.signals.leaveToSystem();
  const log = await openLog(context.config, context.clock, { readOnly: true });
  try {
    const topic = await topicOf(log, word ?? context.config.log.topic);
    const offsets = await log.offsets(topic.name);
    const write = await createOutput();
    await write(context.json ? jsonLine(asJson(topic, offsets)) : asText(topic, offsets));
    return 0;
  } finally {
    await log.close();
  }
}

/** @throws TOPIC_NOT_FOUND */
export async function topicOf(log: Log, name: string): Promise<TopicDescription> {
  const topic = await log.describeTopic(name);
  if (topic !== undefined) return topic;
  throw new TallystreamError('TOPIC_NOT_FOUND', {
    what: `The ${log.format} log has no topic ${name}.`,
    hint: '`tallystream topic list` shows all topics.',
  });
}

/** Counts positions. There are fewer records if the log has gaps (compaction, transactions on Kafka). */
function recordsOf({ earliest, latest }: PartitionOffsets): number {
  return latest - earliest;
}

function sumOf(offsets: readonly PartitionOffsets[]): number {
  return offsets.reduce((sum, partition) => sum + recordsOf(partition), 0);
}

function asJson({ name, id }: TopicDescription, offsets: readonly PartitionOffsets[]): unknown {
  const partitions = offsets.map((partition) => ({ ...partition, records: recordsOf(partition) }));
  return { schemaVersion: 1, name, id, records: sumOf(offsets), partitions };
}

function asText({ name, id }: TopicDescription, offsets: readonly PartitionOffsets[]): string {
  const head = [
    `topic       ${escapeForTerminal(name)}`,
    `id          ${escapeForTerminal(id)}`,
    `partitions  ${offsets.length}`,
    `records     ${sumOf(offsets)}`,
    '',
    row(['partition', 'earliest', 'latest', 'records']),
  ];
  const rows = offsets.map((partition) =>
    row([partition.partition, partition.earliest, partition.latest, recordsOf(partition)]),
  );
  return `${[...head, ...rows].join('\n')}\n`;
}

function row([first, ...rest]: readonly (string | number)[]): string {
  return [String(first).padStart(9), ...rest.map((cell) => String(cell).padStart(15))].join('');
}

function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? '' : 's'}`;
}

function byName(left: TopicDescription, right: TopicDescription): number {
  return left.name < right.name ? -1 : left.name > right.name ? 1 : 0;
}
