/** What a batch read of its source, in Structured Streaming's terms. */
import type { BatchPlan, PartitionState, SourceOffsets, SourceProgress } from '../../contracts/batch.ts';
import type { PartitionOffsets } from '../../contracts/log.ts';

export interface SourceRead {
  readonly plan: BatchPlan;
  readonly topic: string;
  /** The kind of log. */
  readonly format: string;
  /** As the log was when the batch was planned. */
  readonly present: readonly PartitionOffsets[];
  /** After the batch. */
  readonly partitions: readonly Pick<PartitionState, 'partition' | 'nextOffset'>[];
}

/** The offsets of every partition that is known; one that the batch did not read starts where it ends. */
export function sourceOf({
  plan,
  topic,
  format,
  present,
  partitions,
}: SourceRead): Pick<SourceProgress, 'description' | 'startOffset' | 'endOffset' | 'latestOffset'> {
  // What was lost lies before what is read.
  const starts = new Map([...plan.ranges, ...plan.lost].map(({ partition, start }) => [partition, start]));
  return {
    description: `${format} ${topic}`,
    startOffset: offsetsOf(
      topic,
      partitions,
      ({ partition, nextOffset }) => starts.get(partition) ?? nextOffset,
    ),
    endOffset: offsetsOf(topic, partitions, ({ nextOffset }) => nextOffset),
    latestOffset: offsetsOf(topic, present, ({ latest }) => latest),
  };
}

function offsetsOf<Of extends { readonly partition: number }>(
  topic: string,
  partitions: readonly Of[],
  offset: (of: Of) => number,
): SourceOffsets {
  return { [topic]: Object.fromEntries(partitions.map((of) => [String(of.partition), offset(of)])) };
}
