/** The marker: which batch a query has published last, as a record of a compacted control topic, keyed by the query's id. */
import type { BatchIdentity } from '../contracts/sink.ts';
import type { Log, PartitionOffsets, RecordChunk, RecordInput, TopicOptions } from '../contracts/log.ts';

/** One partition, so that the newest marker is the one at the highest offset. */
export const CONTROL_TOPIC: TopicOptions = { partitions: 1, compacted: true };

/** Looked through from the end, this many offsets at first and four times as many each time after. */
const FIRST_LOOK_OFFSETS = 256;

const DECODER = new TextDecoder();

/** What a query has published last. */
export interface Marker {
  readonly batchId: number;
  /** The ids of the topics that it was published to, by name; undefined in markers of versions that did not note them. */
  readonly topics: Readonly<Record<string, string>> | undefined;
}

export function markerOf(identity: BatchIdentity, topics: Readonly<Record<string, string>>): RecordInput {
  const { queryId, batchId, epoch } = identity;
  const value = JSON.stringify({ schemaVersion: 1, queryId, batchId, epoch, topics });
  return { key: Buffer.from(queryId), value: Buffer.from(value) };
}

/** The query's newest marker; undefined if there is none. Markers of other queries are passed over. */
export async function newestMarker(log: Log, topic: string, queryId: string): Promise<Marker | undefined> {
  const [bounds] = await log.offsets(topic);
  if (bounds === undefined) return undefined;
  let end = bounds.latest;
  for (let look = FIRST_LOOK_OFFSETS; end > bounds.earliest; look *= 4) {
    const start = Math.max(bounds.earliest, end - look);
    const found = await lastWithin(log, { topic, ...bounds, start, end }, queryId);
    if (found !== undefined) return found;
    end = start;
  }
  return undefined;
}

type Window = { readonly topic: string; readonly start: number; readonly end: number } & PartitionOffsets;

async function lastWithin(log: Log, window: Window, queryId: string): Promise<Marker | undefined> {
  const { topic, partition, start, end } = window;
  let found: Marker | undefined;
  for await (const chunk of log.read({ topic, partition, start, end })) {
    for (let row = 0; row < chunk.count; row += 1) found = markerIn(chunk, row, queryId) ?? found;
  }
  return found;
}

/** Other records in the topic are not ours. */
function markerIn(chunk: RecordChunk, row: number, queryId: string): Marker | undefined {
  const text = (start: Int32Array, end: Int32Array): string =>
    (start[row] as number) < 0 ? '' : DECODER.decode(chunk.bytes.subarray(start[row], end[row]));
  if (text(chunk.keyStart, chunk.keyEnd) !== queryId) return undefined;
  try {
    const marker = JSON.parse(text(chunk.valueStart, chunk.valueEnd)) as Partial<Marker> | null;
    const batchId = marker?.batchId;
    return Number.isSafeInteger(batchId) ? { batchId: batchId as number, topics: marker?.topics } : undefined;
  } catch {
    return undefined;
  }
}
