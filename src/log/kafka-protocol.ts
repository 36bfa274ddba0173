/**
 * The two requests that carry records, written and read here: the client's own make objects of every record, and end a
 * whole answer where one partition of it is an error. https://kafka.apache.org/protocol
 */
import { Writer, type Connection, type Reader } from './kafka-client.ts';
import type { Fetched } from './kafka-decode.ts';

const READ_COMMITTED = 1;

export interface FetchPosition {
  readonly partition: number;
  readonly offset: number;
}

export interface FetchRequest {
  readonly topicId: string;
  readonly positions: readonly FetchPosition[];
  /** How long the broker may wait for a first byte. */
  readonly waitMs: number;
  /** Of each partition; a larger batch comes alone and whole. */
  readonly bytesMax: number;
}

export interface FetchedPartition extends Fetched {
  readonly partition: number;
  readonly code: number;
  readonly lastStableOffset: number;
  readonly logStartOffset: number;
}

export interface FetchAnswer {
  readonly code: number;
  /** The broker answered with less, or later, because of a quota. */
  readonly throttleMs: number;
  readonly partitions: readonly FetchedPartition[];
}

/** Fetch, version 13: by topic id, so that a topic of the same name made later is not taken for this one. */
export function fetchRecords(connection: Connection, request: FetchRequest): Promise<FetchAnswer> {
  const { topicId, positions, waitMs, bytesMax } = request;
  const create = () =>
    Writer.create()
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
            .appendInt32(bytesMax);
        });
      })
      .appendArray([], () => undefined)
      .appendString('')
      .appendTaggedFields();
  return send(connection, { key: 1, version: 13 }, create, readFetchAnswer);
}

function readFetchAnswer(reader: Reader): FetchAnswer {
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
  reader.readInt64();
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
  return { partition, code, lastStableOffset, logStartOffset, block, aborted: aborted ?? [] };
}

export interface ProduceRequest {
  readonly topic: string;
  /** The transaction that the batches belong to; null where they belong to none. */
  readonly transactionalId: string | null;
  /** 'all' in-sync replicas, or the leader alone. */
  readonly acks: 'all' | 'leader';
  readonly timeoutMs: number;
  /** One batch a partition, as the protocol has it. */
  readonly batches: readonly { readonly partition: number; readonly bytes: Buffer }[];
}

export interface ProducedPartition {
  readonly partition: number;
  readonly code: number;
  readonly baseOffset: number;
  readonly message: string | null;
}

/** Produce, version 9. */
export function produceRecords(
  connection: Connection,
  request: ProduceRequest,
): Promise<ProducedPartition[]> {
  const create = () =>
    Writer.create()
      .appendString(request.transactionalId)
      .appendInt16(request.acks === 'all' ? -1 : 1)
      .appendInt32(request.timeoutMs)
      .appendArray([request.topic], (topic, name) => {
        topic.appendString(name).appendArray([...request.batches], (writer, { partition, bytes }) => {
          writer
            .appendInt32(partition)
            .appendUnsignedVarInt(bytes.length + 1)
            .append(bytes);
        });
      })
      .appendTaggedFields();
  return send(connection, { key: 0, version: 9 }, create, (reader) =>
    reader.readArray((topic) => {
      topic.readString();
      return topic.readArray(readProducedPartition);
    }),
  ).then((topics) => topics.flat());
}

function readProducedPartition(reader: Reader): ProducedPartition {
  const partition = reader.readInt32();
  const code = reader.readInt16();
  const baseOffset = Number(reader.readInt64());
  reader.readInt64();
  reader.readInt64();
  const recordErrors = reader.readArray((each) => {
    each.readInt32();
    return each.readNullableString();
  });
  const message = reader.readNullableString() ?? recordErrors.find((text) => text !== null) ?? null;
  return { partition, code, baseOffset, message };
}

function send<Answer>(
  connection: Connection,
  api: { readonly key: number; readonly version: number },
  create: () => Writer,
  read: (reader: Reader) => Answer,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const parse = (_correlation: number, _key: number, _version: number, reader: Reader) => read(reader);
    connection.send<Answer>(api.key, api.version, create, parse, true, true, (error, answer) => {
      if (error === null) resolve(answer as Answer);
      else reject(error);
    });
  });
}
