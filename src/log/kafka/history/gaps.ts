/** Records that are missing from the middle of a topic, as after a segment file was lost. */
import type { LostRecords, ReadRange } from '../../../contracts/log.ts';
import { dataLoss, missingInside } from '../../shared/errors.ts';
import { coverageOf } from '../wire/record-batch.ts';
import type { KafkaCluster } from '../cluster/cluster.ts';
import { fetchFrom } from '../read/fetch-from.ts';
import { offsetsOfPartition } from '../cluster/offsets.ts';

/** Answers in a row without a record, from a leader that has the whole range, before it is taken at its word. */
export const EMPTY_ANSWERS_MAX = 2;

/** Offsets that no batch covers. */
export interface Gap {
  readonly start: number;
  readonly end: number;
}

/** The error for a gap in a fetched range; undefined if the topic may have gaps. */
export async function lossBehind(
  cluster: KafkaCluster,
  range: ReadRange,
  topicId: string,
  gap: Gap,
): Promise<Error | undefined> {
  const topic = { name: range.topic, id: topicId };
  if ((await cluster.cleanupPolicies.of(cluster, topic)) !== 'delete') return undefined;
  const { earliest } = (await offsetsOfPartition(cluster, range.topic, range.partition)) ?? { earliest: 0 };
  // Retention may have passed over what was about to be read.
  return earliest > gap.start ? dataLoss({ ...range, ...gap }, earliest) : missingInside(range, gap);
}

/** See `Log.findLost`. Looks at the batches from the range's start to the first gap, and decodes none. */
export async function findLost(cluster: KafkaCluster, range: ReadRange): Promise<LostRecords | undefined> {
  const { topic: name, partition, start, end } = range;
  const { earliest } = (await offsetsOfPartition(cluster, name, partition)) ?? { earliest: start };
  if (earliest > start) return { partition, start, end: Math.min(earliest, end) };
  const topic = await cluster.persist(() => cluster.topic(name), { topic: name });
  if ((await cluster.cleanupPolicies.of(cluster, topic)) !== 'delete') return undefined;
  let position = start;
  for (let empty = 0; position < end;) {
    const at = { ...range, start: position };
    const { part } = await fetchFrom(cluster, { range: at, topicId: topic.id, order: 0, note: undefined });
    const { next, gap } = coverageOf(part.block, position, end);
    part.release();
    if (gap !== undefined) return { partition, ...gap };
    if (next !== undefined && next > position) {
      position = next;
      empty = 0;
      continue;
    }
    if (part.lastStableOffset < end) return undefined;
    empty += 1;
    if (empty >= EMPTY_ANSWERS_MAX) return { partition, start: position, end };
  }
  return undefined;
}
