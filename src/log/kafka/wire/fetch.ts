/**
 * Fetch, version 13, written and read here: the client's own makes objects of every record, and fails a whole response if
 * one of its partitions is an error. By topic id, so that a topic of the same name made later is not taken for this one.
 * https://kafka.apache.org/protocol#The_Messages_Fetch
 */
import { Writer, type Reader } from './client.ts';
import type { Fetched } from '../read/decode.ts';

export const FETCH_API = { key: 1, version: 13 } as const;

/**
 * Size of one response: some batches and chunks, so that a round trip and the cut-off end are small in comparison. Memory
 * holds the one that is read, the next, and the one that ranges opened ahead began with, or a few if their batches are
 * larger than a part of it.
 */
export const FETCH_BYTES_MAX = 2 * 1024 * 1024;

const READ_UNCOMMITTED = 0;
const READ_COMMITTED = 1;
/** In place of a leader epoch that is not known: nothing is checked. */
export const NO_EPOCH = -1;
/** The tagged field of a partition that says where the epoch that was last fetched ends. */
const DIVERGING_EPOCH = 0;

export interface FetchPosition {
  readonly partition: number;
  readonly offset: number;
  /** The leader's, as the metadata has it: a leader that was deposed, or has not heard of its election yet, refuses. */
  readonly leaderEpoch?: number;
  /**
   * That of the record before `offset`. If this log has another one there, no records come, but where it ends (KIP-320,
   * KIP-595): https://cwiki.apache.org/confluence/display/KAFKA/KIP-320
   */
  readonly lastEpoch?: number;
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
  /** Also shows what open transactions hold. For comparing batches with what was read, never for reading. */
  readonly isUncommitted?: boolean;
}

/** Up to which offset this log has records of the leader epoch that was last fetched, or of those before it. */
export interface DivergingEpoch {
  readonly epoch: number;
  readonly endOffset: number;
}

export interface FetchedPartition extends Fetched {
  readonly partition: number;
  readonly code: number;
  readonly highWatermark: number;
  readonly lastStableOffset: number;
  readonly logStartOffset: number;
  readonly diverging?: DivergingEpoch;
}

export interface FetchAnswer<Partition extends FetchedPartition = FetchedPartition> {
  readonly code: number;
  /** The broker answered with less, or later, because of a quota. */
  readonly throttleMs: number;
  readonly partitions: readonly Partition[];
}

export function writeFetchRequest(request: FetchRequest): Writer {
  const { topicId, positions, waitMs, bytesMax, partitionBytesMax, isUncommitted = false } = request;
  return Writer.create()
    .appendInt32(-1)
    .appendInt32(waitMs)
    .appendInt32(1)
    .appendInt32(bytesMax)
    .appendInt8(isUncommitted ? READ_UNCOMMITTED : READ_COMMITTED)
    .appendInt32(0)
    .appendInt32(-1)
    .appendArray([topicId], (topic, id) => {
      topic.appendUUID(id).appendArray([...positions], (writer, position) => {
        const { partition, offset, leaderEpoch = NO_EPOCH, lastEpoch = NO_EPOCH } = position;
        writer
          .appendInt32(partition)
          .appendInt32(leaderEpoch)
          .appendInt64(BigInt(offset))
          .appendInt32(lastEpoch)
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
    return topic.readArray(readFetchedPartition, true, false);
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
  const diverging = readDiverging(reader);
  const offsets = { highWatermark, lastStableOffset, logStartOffset };
  const fetched = { partition, code, ...offsets, block, aborted: aborted ?? [] };
  return diverging === undefined ? fetched : { ...fetched, diverging };
}

/** The tagged fields of a partition, of which one matters here. */
function readDiverging(reader: Reader): DivergingEpoch | undefined {
  let diverging: DivergingEpoch | undefined;
  for (let left = reader.readUnsignedVarInt(); left > 0; left -= 1) {
    const tag = reader.readUnsignedVarInt();
    const length = reader.readUnsignedVarInt();
    const end = reader.position + length;
    if (tag === DIVERGING_EPOCH) {
      diverging = { epoch: reader.readInt32(), endOffset: Number(reader.readInt64()) };
    }
    reader.position = end;
  }
  return diverging;
}
