/**
 * Fetch, version 13, written and read here: the client's own makes objects of every record, and ends a whole answer where
 * one partition of it is an error. By topic id, so that a topic of the same name made later is not taken for this one.
 * https://kafka.apache.org/protocol#The_Messages_Fetch
 */
import { Writer, type Reader } from './kafka-client.ts';
import type { Fetched } from './kafka-decode.ts';

export const FETCH_API = { key: 1, version: 13 } as const;

/**
 * Of one answer: some batches and chunks, so that a round trip and what is cut off at the end are small beside them. In
 * memory at once are the one that is read, the next, and the one that ranges opened ahead began with, or a few where their
 * batches are larger than a part of it.
 */
export const FETCH_BYTES_MAX = 2 * 1024 * 1024;

const READ_COMMITTED = 1;

export interface FetchPosition {
  readonly partition: number;
  readonly offset: number;
}

export interface FetchRequest {
  readonly topicId: string;
  /** Partitions are filled in this order. */
  readonly positions: readonly FetchPosition[];
  /** How long the broker may wait for a first byte. */
  readonly waitMs: number;
  /** Of the answer; a larger batch comes alone and whole, as the first. */
  readonly bytesMax: number;
  /** Of each partition. */
  readonly partitionBytesMax: number;
}

export interface FetchedPartition extends Fetched {
  readonly partition: number;
  readonly code: number;
  readonly highWatermark: number;
  readonly lastStableOffset: number;
  readonly logStartOffset: number;
}

export interface FetchAnswer<Partition extends FetchedPartition = FetchedPartition> {
  readonly code: number;
  /** The broker answered with less, or later, because of a quota. */
  readonly throttleMs: number;
  readonly partitions: readonly Partition[];
}

export function writeFetchRequest(request: FetchRequest): Writer {
  const { topicId, positions, waitMs, bytesMax, partitionBytesMax } = request;
  return Writer.create()
    .appendInt32(-1)
    .appendInt32(waitMs)
    .appendInt32(1)
    .appendInt32(bytesMax)
    .appendInt8(READ_COMMITTED)
    .appendInt32(0)
    .appendInt32(-1)
    .appendArray([topicId], (topic, id) => {
      topic.appendUUID(id).appendArray([...positions], (writer, { partition, offset }) => {
        writer
          .appendInt32(partition)
          .appendInt32(-1)
          .appendInt64(BigInt(offset))
          .appendInt32(-1)
          .appendInt64(-1n)
          .appendInt32(partitionBytesMax);
      });
    })
    .appendArray([], () => undefined)
    .appendString('')
    .appendTaggedFields();
}

export function readFetchAnswer(reader: Reader): FetchAnswer {
  const throttleMs = reader.readInt32();
  const code = reader.readInt16();
  reader.readInt32();
  const topics = reader.readArray((topic) => {
    topic.readUUID();
    return topic.readArray(readFetchedPartition);
  });
  return { code, throttleMs, partitions: topics.flat() };
}

function readFetchedPartition(reader: Reader): FetchedPartition {
  const partition = reader.readInt32();
  const code = reader.readInt16();
  const highWatermark = Number(reader.readInt64());
  const lastStableOffset = Number(reader.readInt64());
  const logStartOffset = Number(reader.readInt64());
  const aborted = reader.readNullableArray((each) => ({
    producerId: each.readInt64(),
    firstOffset: Number(each.readInt64()),
  }));
  reader.readInt32();
  const length = reader.readUnsignedVarInt() - 1;
  const block = length > 0 ? reader.buffer.slice(reader.position, reader.position + length) : Buffer.alloc(0);
  if (length > 0) reader.skip(length);
  return { partition, code, highWatermark, lastStableOffset, logStartOffset, block, aborted: aborted ?? [] };
}
