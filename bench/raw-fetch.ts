/**
 * Reads a partition of a Kafka topic from its start to its end and looks at nothing but the heads of the record batches: what a
 * broker and a socket give where nothing is done with the bytes. Fetch 4, the oldest version that brokers take; the layouts are
 * those of https://kafka.apache.org/protocol.
 */
import { connect } from 'node:net';

const FETCH = 1;
const VERSION = 4;
const ANSWER_BYTES_MAX = 16 * 1024 * 1024;
const READ_BYTES = 1024 * 1024;
/** Within a record batch: its length without what comes before it, and how far its last offset is from its first. */
const BATCH_HEAD_BYTES = 12;
const LAST_OFFSET_DELTA_AT = 23;

/** Gives the bytes that came over the socket. */
export function rawFetch(port: number, topic: string, partition: number): Promise<number> {
  // An answer may exceed what was asked for by one batch.
  const answer = Buffer.allocUnsafe(2 * ANSWER_BYTES_MAX);
  let held = 0;
  let received = 0;
  let offset = 0n;
  return new Promise((resolve, reject) => {
    const take = (count: number, bytes: Uint8Array): boolean => {
      answer.set(bytes.subarray(0, count), held);
      held += count;
      received += count;
      if (held < 4 || held < 4 + answer.readInt32BE(0)) return true;
      try {
        const { next, end } = nextOffset(answer.subarray(8, held), offset);
        held = 0;
        offset = next;
        if (offset < end) socket.write(fetchRequest(topic, partition, offset));
        else socket.end(() => resolve(received));
      } catch (error) {
        socket.destroy(error as Error);
      }
      return true;
    };
    const socket = connect({
      host: '127.0.0.1',
      port,
      noDelay: true,
      onread: { buffer: Buffer.allocUnsafe(READ_BYTES), callback: take },
    });
    socket.on('error', reject);
    socket.on('connect', () => socket.write(fetchRequest(topic, partition, offset)));
  });
}

function fetchRequest(topic: string, partition: number, offset: bigint): Buffer {
  const name = Buffer.from(topic, 'utf8');
  const request = Buffer.alloc(14 + 17 + 4 + 2 + name.length + 4 + 16);
  let at = request.writeInt32BE(request.length - 4, 0);
  at = request.writeInt16BE(FETCH, at);
  at = request.writeInt16BE(VERSION, at);
  at = request.writeInt32BE(0, at);
  // No client id, and a consumer is replica -1.
  at = request.writeInt16BE(-1, at);
  at = request.writeInt32BE(-1, at);
  // Wait half a second for one byte.
  at = request.writeInt32BE(500, at);
  at = request.writeInt32BE(1, at);
  at = request.writeInt32BE(ANSWER_BYTES_MAX, at);
  at = request.writeInt8(0, at);
  at = request.writeInt32BE(1, at);
  at = request.writeInt16BE(name.length, at);
  at += name.copy(request, at);
  at = request.writeInt32BE(1, at);
  at = request.writeInt32BE(partition, at);
  at = request.writeBigInt64BE(offset, at);
  request.writeInt32BE(ANSWER_BYTES_MAX, at);
  return request;
}

/** Where the next fetch starts, and where the partition ends. */
function nextOffset(answer: Buffer, offset: bigint): { readonly next: bigint; readonly end: bigint } {
  // Throttle time, one topic, its name, one partition, its number.
  let at = 4 + 4;
  at += 2 + answer.readInt16BE(at) + 4 + 4;
  const errorCode = answer.readInt16BE(at);
  if (errorCode !== 0) throw new Error(`the broker answers with error ${errorCode}`);
  const end = answer.readBigInt64BE(at + 2);
  at += 2 + 8 + 8;
  at += 4 + 16 * Math.max(0, answer.readInt32BE(at));
  let next = offset;
  const recordsEnd = at + 4 + answer.readInt32BE(at);
  at += 4;
  while (at + LAST_OFFSET_DELTA_AT + 4 <= recordsEnd) {
    const batchEnd = at + BATCH_HEAD_BYTES + answer.readInt32BE(at + 8);
    // The last one may be cut off.
    if (batchEnd > recordsEnd) break;
    next = answer.readBigInt64BE(at) + BigInt(answer.readInt32BE(at + LAST_OFFSET_DELTA_AT)) + 1n;
    at = batchEnd;
  }
  return { next, end };
}
