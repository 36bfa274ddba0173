// Two requests of Kafka's protocol, written by hand: whether a broker answers, and the creation of topics. Both are in
// versions whose fields have fixed widths (Metadata 4, CreateTopics 4), and need neither a JVM nor a client library.
// The layouts are those of https://kafka.apache.org/protocol.
import { connect } from 'node:net';

const METADATA = 3;
const CREATE_TOPICS = 19;
const VERSION = 4;
/** No answer that is asked for here comes near this. */
const ANSWER_BYTES_MAX = 1024 * 1024;

const TOPIC_ALREADY_EXISTS = 36;

/**
 * @typedef {{ name: string, partitions: number, config?: Readonly<Record<string, string>> }} NewTopic
 * @typedef {{ name: string, errorCode: number, message: string }} CreatedTopic `errorCode` 0 is made, 36 was there
 */

/**
 * The cluster's id, as told by whoever listens there.
 * @param {number} port on 127.0.0.1
 * @param {number} timeoutMs
 * @returns {Promise<string>} rejects where nobody listens, or no Kafka answers in time
 */
export async function clusterIdAt(port, timeoutMs) {
  const noTopics = int32(0);
  const body = Buffer.concat([noTopics, bool(false)]);
  const answer = reader(await request(port, METADATA, body, timeoutMs));
  answer.int32(); // How long this client was throttled.
  for (let brokers = answer.int32(); brokers > 0; brokers--) {
    answer.int32();
    answer.string();
    answer.int32();
    answer.string();
  }
  return answer.string();
}

/**
 * @param {number} port on 127.0.0.1
 * @param {readonly NewTopic[]} topics
 * @param {number} timeoutMs
 * @returns {Promise<readonly CreatedTopic[]>} those that were not there and could not be made have another `errorCode`
 */
export async function createTopics(port, topics, timeoutMs) {
  // -1 is the broker's own replication factor.
  const entries = topics.map(({ name, partitions, config = {} }) =>
    Buffer.concat([
      string(name),
      int32(partitions),
      int16(-1),
      int32(0),
      int32(Object.keys(config).length),
      ...Object.entries(config).flatMap(([key, value]) => [string(key), string(value)]),
    ]),
  );
  const body = Buffer.concat([int32(topics.length), ...entries, int32(timeoutMs), bool(false)]);
  const answer = reader(await request(port, CREATE_TOPICS, body, timeoutMs));
  answer.int32();
  return Array.from({ length: answer.int32() }, () => ({
    name: answer.string(),
    errorCode: answer.int16(),
    message: answer.string(),
  }));
}

/** @param {CreatedTopic} topic */
export function isThere({ errorCode }) {
  return errorCode === 0 || errorCode === TOPIC_ALREADY_EXISTS;
}

/**
 * One request on a connection of its own.
 * @param {number} port
 * @param {number} apiKey
 * @param {Buffer} body
 * @param {number} timeoutMs
 * @returns {Promise<Buffer>} what follows the correlation id
 */
function request(port, apiKey, body, timeoutMs) {
  const correlationId = 1;
  const message = Buffer.concat([
    int16(apiKey),
    int16(VERSION),
    int32(correlationId),
    string('tallystream-scripts'),
    body,
  ]);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port });
    const timer = setTimeout(() => socket.destroy(new Error(`no answer in ${timeoutMs} ms`)), timeoutMs);
    let received = Buffer.alloc(0);
    socket.on('connect', () => socket.write(Buffer.concat([int32(message.length), message])));
    socket.on('data', (/** @type {Buffer} */ block) => {
      received = Buffer.concat([received, block]);
      if (received.length < 8) return;
      const length = received.readInt32BE(0);
      if (length < 4 || length > ANSWER_BYTES_MAX || received.readInt32BE(4) !== correlationId) {
        socket.destroy(new Error('what answers is not Kafka'));
      } else if (received.length >= 4 + length) {
        resolve(received.subarray(8, 4 + length));
        socket.destroy();
      }
    });
    socket.on('error', reject);
    socket.on('close', () => {
      clearTimeout(timer);
      reject(new Error('the connection was closed without an answer'));
    });
  });
}

/** @param {Buffer} bytes */
function reader(bytes) {
  let at = 0;
  const int16 = () => {
    at += 2;
    return bytes.readInt16BE(at - 2);
  };
  return {
    int16,
    int32: () => {
      at += 4;
      return bytes.readInt32BE(at - 4);
    },
    /** Null is read as the empty string. */
    string: () => {
      const start = at + 2;
      at = start + Math.max(0, int16());
      return bytes.toString('utf8', start, at);
    },
  };
}

/** @param {number} value */
function int16(value) {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}

/** @param {number} value */
function int32(value) {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

/** @param {boolean} value */
function bool(value) {
  return Buffer.from([value ? 1 : 0]);
}

/** @param {string} value */
function string(value) {
  const bytes = Buffer.from(value, 'utf8');
  return Buffer.concat([int16(bytes.length), bytes]);
}
