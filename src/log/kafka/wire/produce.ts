/**
 * Produce, written and read here: the client's own makes objects of every record, and ends a whole answer if one
 * partition of it is an error. https://kafka.apache.org/protocol
 */
import { Writer, type Connection, type Reader } from './client.ts';

export interface ProduceRequest {
  readonly topic: string;
  /** The transaction that the batches belong to; null if they belong to none. */
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
  /** The places within the batch of the records that the broker refuses it for; empty if it does not name any. */
  readonly refused: readonly number[];
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
    const index = each.readInt32();
    return { index, text: each.readNullableString() };
  });
  const said = recordErrors.find(({ text }) => text !== null);
  const message = reader.readNullableString() ?? said?.text ?? null;
  return { partition, code, baseOffset, message, refused: recordErrors.map(({ index }) => index) };
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
