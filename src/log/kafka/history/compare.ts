/** Compares the marks of what was read with the batches and leader epochs that the log has now. */
import type { HistoryMark, PartitionMark, PartitionOffsets } from '../../../contracts/log.ts';
import { crc32c } from '../wire/crc32c.ts';
import { batchesOf, FIELD } from '../wire/record-batch.ts';
import type { KafkaCluster, TopicMetadata } from '../cluster/cluster.ts';
import { endsOfEpochs, type EpochEnd } from './epochs.ts';
import { BrokerFault, CODE } from '../wire/errors.ts';
import type { FetchChannel } from '../cluster/fetch-channel.ts';
import { FETCH_BYTES_MAX, type FetchPosition } from '../wire/fetch.ts';

/** Of each partition, unless its first batch is larger: one batch of it is looked at. */
const PARTITION_BYTES_MAX = 64 * 1024;

/** Why the records of a mark are not those that were read. */
export interface Difference {
  /** The first offset that may differ. */
  readonly start: number;
  /** Whether every record below `start` is known to be the one that was read. */
  readonly isExact: boolean;
  readonly why: string;
}

/** The batch that the log has at a mark. */
interface FoundBatch {
  readonly baseOffset: number;
  readonly nextOffset: number;
  readonly checksum: number;
  readonly isSound: boolean;
}

/**
 * The partitions whose mark, of which each has one, does not fit the log. A mark below the log's start fits. One attempt.
 * @param offsets by partition
 */
export async function differencesOf(
  cluster: KafkaCluster,
  topic: TopicMetadata,
  offsets: ReadonlyMap<number, PartitionOffsets>,
  marks: readonly PartitionMark[],
): Promise<ReadonlyMap<number, Difference>> {
  const due = marks.filter(({ partition, mark }) => {
    const at = offsets.get(partition);
    return at !== undefined && mark.nextOffset > at.earliest;
  });
  const ends = await endsOfEpochs(
    cluster,
    topic,
    due.flatMap(({ partition, mark: { leaderEpoch } }) =>
      leaderEpoch === null ? [] : [{ partition, leaderEpoch }],
    ),
  );
  const found = new Map<number, Difference>();
  const undecided: PartitionMark[] = [];
  for (const each of due) {
    const difference = differenceByEnd(each.mark, ends.get(each.partition), offsets.get(each.partition));
    if (difference === undefined) undecided.push(each);
    else found.set(each.partition, difference);
  }
  const batches = await batchesAt(cluster, topic, offsets, undecided);
  for (const { partition, mark } of undecided) {
    const batch = batches.get(partition);
    // A leader that was just elected shows less for a while than it has.
    if (batch === undefined) throw new BrokerFault(CODE.LEADER_NOT_AVAILABLE);
    if (isSame(mark, batch)) continue;
    const isEpochKnown = mark.leaderEpoch === null || ends.get(partition) !== undefined;
    // Compaction removes batches, or writes them again without some records. It makes no epoch unknown.
    const isGone = batch.baseOffset >= mark.nextOffset;
    if (isEpochKnown && (isGone || (await cluster.cleanupPolicies.of(cluster, topic)) !== 'delete')) continue;
    const { earliest } = offsets.get(partition) as PartitionOffsets;
    const start = await startOfEpoch(cluster, topic, partition, mark);
    found.set(partition, {
      start: Math.max(earliest, Math.min(start ?? mark.baseOffset, mark.baseOffset)),
      isExact: false,
      why: whyDifferent(mark, batch),
    });
  }
  return found;
}

/** By where the mark's epoch ends in this log, or the whole log if the epoch is not known. */
function differenceByEnd(
  mark: HistoryMark,
  end: EpochEnd | undefined,
  at: PartitionOffsets | undefined,
): Difference | undefined {
  const { leaderEpoch, nextOffset, baseOffset } = mark;
  if (end === undefined || leaderEpoch === null) {
    const latest = at?.latest ?? 0;
    if (latest >= nextOffset) return undefined;
    return { start: latest, isExact: false, why: `The log now ends at offset ${latest}.` };
  }
  if (end.leaderEpoch === leaderEpoch && end.endOffset >= nextOffset) return undefined;
  return {
    start: end.endOffset < nextOffset ? end.endOffset : baseOffset,
    // Of another epoch it is not known how far the log that was read had it.
    isExact: end.leaderEpoch === leaderEpoch,
    why: `They were read under leader epoch ${leaderEpoch}; in this log leader epoch ${end.leaderEpoch} ends at offset ${end.endOffset}.`,
  };
}

/** Where the mark's epoch begins in this log, which is where a log that was restored began to differ under it. */
async function startOfEpoch(
  cluster: KafkaCluster,
  topic: TopicMetadata,
  partition: number,
  { leaderEpoch }: HistoryMark,
): Promise<number | undefined> {
  if (leaderEpoch === null || leaderEpoch === 0) return undefined;
  const ends = await endsOfEpochs(cluster, topic, [{ partition, leaderEpoch: leaderEpoch - 1 }]);
  return ends.get(partition)?.endOffset;
}

function isSame(mark: HistoryMark, batch: FoundBatch): boolean {
  const isPlaced = batch.baseOffset === mark.baseOffset && batch.nextOffset === mark.nextOffset;
  return isPlaced && batch.checksum === mark.checksum && batch.isSound;
}

function whyDifferent({ baseOffset, nextOffset, checksum }: HistoryMark, batch: FoundBatch): string {
  const was = `The batch of offsets ${baseOffset} to ${nextOffset - 1} had checksum ${inHex(checksum)}`;
  const isMoved = batch.baseOffset !== baseOffset || batch.nextOffset !== nextOffset;
  if (isMoved)
    return `${was}; now a batch of offsets ${batch.baseOffset} to ${batch.nextOffset - 1} is there.`;
  if (batch.checksum !== checksum) return `${was}; now it is ${inHex(batch.checksum)}.`;
  return `${was}, and its bytes no longer match it.`;
}

function inHex(checksum: number): string {
  return checksum.toString(16).padStart(8, '0');
}

/** The batch at each mark, by partition; undefined for one that the leader does not show. */
async function batchesAt(
  cluster: KafkaCluster,
  topic: TopicMetadata,
  offsets: ReadonlyMap<number, PartitionOffsets>,
  marks: readonly PartitionMark[],
): Promise<ReadonlyMap<number, FoundBatch>> {
  const positions = marks.map(({ partition, mark }): FetchPosition => {
    // Records may have been deleted up to an offset within the batch.
    const offset = Math.max(mark.baseOffset, offsets.get(partition)?.earliest ?? 0);
    return { partition, offset, leaderEpoch: topic.leaderEpochs[partition] ?? -1 };
  });
  const all = positions.map(({ partition }) => partition);
  const led = await cluster.fetchChannelsOf(topic, all, 'read');
  const found = new Map<number, FoundBatch>();
  await Promise.all(
    led.map(({ channel, partitions }) => {
      const asked = positions.filter(({ partition }) => partitions.includes(partition));
      return fetchBatches(channel, topic.id, asked, found);
    }),
  );
  return found;
}

/** The first partition of a fetch has its batch whole; others may be left out, and are asked for again. */
async function fetchBatches(
  channel: FetchChannel,
  topicId: string,
  positions: readonly FetchPosition[],
  found: Map<number, FoundBatch>,
): Promise<void> {
  let left = positions;
  while (left.length > 0) {
    const bounds = { waitMs: 0, bytesMax: FETCH_BYTES_MAX, partitionBytesMax: PARTITION_BYTES_MAX };
    const answer = await channel.fetch({ topicId, positions: left, ...bounds, isUncommitted: true });
    for (const { partition, block } of answer.partitions) {
      const [batch] = batchesOf(block);
      if (batch === undefined) continue;
      const { baseOffset, lastOffset, checksum, start, end } = batch;
      const isSound = crc32c(block.subarray(start + FIELD.attributes, end)) === checksum;
      found.set(partition, { baseOffset, nextOffset: lastOffset + 1, checksum, isSound });
    }
    for (const { release } of answer.partitions) release();
    const code = answer.code === 0 ? answer.partitions.find((part) => part.code !== 0)?.code : answer.code;
    // Offsets that moved between two questions are looked at again.
    if (code === CODE.OFFSET_OUT_OF_RANGE) throw new BrokerFault(CODE.LEADER_NOT_AVAILABLE);
    if (code !== undefined) throw new BrokerFault(code);
    left = left.slice(1).filter(({ partition }) => !found.has(partition));
  }
}
