/**
 * Whether what was read is still what the log has. A log goes back if an older copy is restored, if a broker loses what it
 * had not flushed, or if an unclean election takes place; producers may have written past the old end since.
 */
import type {
  HistoryBreak,
  PartitionMark,
  PartitionOffsets,
  TopicDescription,
} from '../../../contracts/log.ts';
import { TallystreamError } from '../../../errors.ts';
import type { KafkaCluster, TopicMetadata } from '../cluster/cluster.ts';
import { BrokerFault, CODE } from '../wire/errors.ts';
import { differencesOf, type Difference } from './compare.ts';
import type { Note } from './notes.ts';
import { offsetsOf } from '../cluster/offsets.ts';

/** See `Log.checkHistory`. What fits is remembered, and the next fetch from there names its leader epoch. */
export async function checkHistory(
  cluster: KafkaCluster,
  { name, id }: TopicDescription,
  marks: readonly PartitionMark[],
): Promise<readonly HistoryBreak[]> {
  if (marks.length === 0) return [];
  return cluster.persist(
    async () => {
      const topic = await cluster.topic(name);
      // A topic that was made again has another id, which the one who asks compares.
      if (topic.id !== id) return [];
      const checkedAt = cluster.interruptions;
      const breaks = await breaksOf(cluster, topic, marks);
      if (cluster.interruptions !== checkedAt) throw new BrokerFault(CODE.LEADER_NOT_AVAILABLE);
      const broken = new Set(breaks.map(({ partition }) => partition));
      for (const { partition, mark } of marks) {
        if (broken.has(partition)) continue;
        cluster.history.keep(id, partition, { offset: mark.nextOffset, mark, checkedAt });
      }
      return breaks;
    },
    { topic: name },
  );
}

/** One a partition, by its newest mark; older ones say how far the log has what was read. */
async function breaksOf(
  cluster: KafkaCluster,
  topic: TopicMetadata,
  marks: readonly PartitionMark[],
): Promise<HistoryBreak[]> {
  const byPartition = Map.groupBy(marks, ({ partition }) => partition);
  const found = await offsetsOf(cluster, topic.name, [...byPartition.keys()]);
  const offsets = new Map(found.map((each) => [each.partition, each]));
  const ordered = [...byPartition.values()].map((all) =>
    all.toSorted((a, b) => b.mark.nextOffset - a.mark.nextOffset),
  );
  const newest = ordered.map(([first]) => first as PartitionMark);
  const differences = await differencesOf(cluster, topic, offsets, newest);
  const breaks: HistoryBreak[] = [];
  for (const [first, ...older] of ordered) {
    const { partition, mark } = first as PartitionMark;
    const difference = differences.get(partition);
    if (difference === undefined) continue;
    const begin = await beginOf(cluster, topic, offsets, { difference, older });
    const start = Math.min(begin.start, mark.baseOffset);
    breaks.push({ partition, start, end: mark.nextOffset, ...exactly(begin), why: difference.why });
  }
  return breaks.toSorted((a, b) => a.partition - b.partition);
}

/** Where the records begin to differ, by older marks of the same partition, the newest of them first. */
async function beginOf(
  cluster: KafkaCluster,
  topic: TopicMetadata,
  offsets: ReadonlyMap<number, PartitionOffsets>,
  { difference, older }: { readonly difference: Difference; readonly older: readonly PartitionMark[] },
): Promise<Pick<Difference, 'start' | 'isExact'>> {
  let begin: Pick<Difference, 'start' | 'isExact'> = difference;
  if (begin.isExact) return begin;
  for (const each of older) {
    const found = (await differencesOf(cluster, topic, offsets, [each])).get(each.partition);
    // Between a mark that fits and one that does not, every record may differ.
    if (found === undefined) return { start: each.mark.nextOffset, isExact: true };
    begin = found.isExact ? found : { start: Math.min(begin.start, found.start), isExact: false };
    if (found.isExact) return begin;
  }
  return begin;
}

function exactly({ isExact }: Pick<Difference, 'isExact'>): { readonly isExact?: true } {
  return isExact ? { isExact } : {};
}

/**
 * Compares what was last read with the log, if a connection has ended or a leader has changed since. One attempt.
 * @throws DATA_LOSS with the offsets that differ
 */
export async function verifyNote(
  cluster: KafkaCluster,
  topic: TopicMetadata,
  partition: number,
  note: Note | undefined,
): Promise<void> {
  if (note === undefined || note.checkedAt === cluster.interruptions) return;
  const [found] = await verifyNotes(cluster, topic, [{ partition, note }]);
  if (found !== undefined) throw historyLost(topic.name, found);
}

/** The same of several partitions, which are told. */
export async function verifyNotes(
  cluster: KafkaCluster,
  topic: TopicMetadata,
  notes: readonly { readonly partition: number; readonly note: Note }[],
): Promise<readonly HistoryBreak[]> {
  const stale = notes.filter(({ note }) => note.checkedAt !== cluster.interruptions);
  if (stale.length === 0) return [];
  const checkedAt = cluster.interruptions;
  const marks = stale.map(({ partition, note: { mark } }) => ({ partition, mark }));
  const breaks = await breaksOf(cluster, topic, marks);
  if (breaks.length === 0) for (const { note } of stale) note.checkedAt = checkedAt;
  return breaks;
}

/** The records of a partition are no longer those that were read. */
export function historyLost(topic: string, { partition, start, end, why }: HistoryBreak): TallystreamError {
  return new TallystreamError('DATA_LOSS', {
    what: `Offsets ${start} to ${end - 1} of topic ${topic}, partition ${partition}, no longer hold the records that were read: the log was rolled back to an older state.`,
    why: `${why} An older copy was restored, a broker lost records, or an unclean leader election took place.`,
    hint: 'Restore the log that was read. If that is not possible, accept the loss with `tallystream checkpoint accept-loss`.',
  });
}
