/**
 * A connection for fetches alone. The client's own brings its bytes in pieces of 64 KiB, each in its own memory, and
 * joins them. Here they are received in place, in memory that is reused, at a third of the processor time.
 * If the broker wants a login the client's connection is used all the same: it logs in, and does so again in time.
 */
import { connect, isIP, type OnReadOpts, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions as TlsOptions } from 'node:tls';
import { NetworkError, Reader, TimeoutError, Writer, type Connection } from '../wire/client.ts';
import type { BlockPool } from '../wire/buffer-pool.ts';
import type { Broker } from './options.ts';
import { NotKafkaError } from '../wire/errors.ts';
import {
  FETCH_API,
  readFetchAnswer,
  writeFetchRequest,
  type FetchAnswer,
  type FetchedPartition,
  type FetchRequest,
} from '../wire/fetch.ts';
import type { SettledOptions } from './options.ts';
import { Receiver } from './receiver.ts';
import { connectionSecurity } from './security.ts';

/** What is received into the memory of one answer, which lasts until every partition that has bytes is released. */
export interface ReceivedPartition extends FetchedPartition {
  readonly release: () => void;
}

export interface FetchChannel {
  /** One request after the other. Rejects with the error that ends the connection. */
  fetch(request: FetchRequest): Promise<FetchAnswer<ReceivedPartition>>;
  /** Ends it at once, with everything that waits for it. */
  cut(): void;
}

interface Pending {
  readonly request: FetchRequest;
  readonly resolve: (answer: FetchAnswer<ReceivedPartition>) => void;
  readonly reject: (error: Error) => void;
}

/** Opens a channel without a login. `onEnd` is told when it can be used no more. */
export function openFetchChannel(
  { host, port }: Broker,
  options: SettledOptions,
  pool: BlockPool,
  onEnd: () => void,
): Promise<FetchChannel> {
  const { tls } = connectionSecurity(options.security);
  const receiver = new Receiver(pool);
  let channel: SocketChannel | undefined;
  const onread: OnReadOpts = {
    buffer: () => receiver.room(),
    callback: (count) => {
      channel?.received(count);
      return true;
    },
  };
  const place = { host, port, onread };
  const socket =
    tls === undefined
      ? connect(place)
      : connectTls({ ...tls, ...place, ...(isIP(host) === 0 ? { servername: host } : {}) } as TlsOptions);
  socket.setNoDelay(true);
  socket.setTimeout(Math.min(options.connectTimeoutMs, options.requestTimeoutMs));
  return new Promise((resolve, reject) => {
    const onTimeout = () => socket.destroy(new TimeoutError(`Connection to ${host}:${port} timed out.`));
    socket.once('timeout', onTimeout);
    socket.once('error', reject);
    socket.once('close', () => {
      onEnd();
      reject(new NetworkError('Connection closed'));
    });
    socket.once(tls === undefined ? 'connect' : 'secureConnect', () => {
      socket.off('timeout', onTimeout);
      channel = new SocketChannel(socket, receiver, options, `${host}:${port}`);
      resolve(channel);
    });
  });
}

class SocketChannel implements FetchChannel {
  private readonly socket: Socket;
  private readonly receiver: Receiver;
  private readonly clientId: string;
  private readonly address: string;
  private readonly queue: Pending[] = [];
  private current: Pending | undefined;
  private correlationId = 0;
  private fault: Error | undefined;

  constructor(socket: Socket, receiver: Receiver, options: SettledOptions, address: string) {
    this.socket = socket;
    this.receiver = receiver;
    this.clientId = options.clientId;
    this.address = address;
    socket.setTimeout(options.requestTimeoutMs, () => {
      if (this.current !== undefined) socket.destroy(new TimeoutError('Request timed out'));
    });
    socket.on('error', (error) => {
      this.fault = error;
    });
    socket.once('close', () => this.end());
  }

  fetch(request: FetchRequest): Promise<FetchAnswer<ReceivedPartition>> {
    return new Promise((resolve, reject) => {
      this.queue.push({ request, resolve, reject });
      this.sendNext();
    });
  }

  cut(): void {
    this.socket.destroy();
  }

  /** So many bytes came. */
  received(count: number): void {
    try {
      const answer = this.receiver.take(count);
      if (answer === undefined) return;
      this.takeAnswer(answer);
    } catch (error) {
      const { started } = this.receiver;
      const start = started.toString('latin1', 0, 40);
      const isText = /^[\x20-\x7E]{4}/.test(start);
      this.socket.destroy(
        isText
          ? new NotKafkaError(this.address, start)
          : new NetworkError('The broker sent an invalid response.', { cause: error as Error }),
      );
    }
  }

  private takeAnswer({ block, bytes }: NonNullable<ReturnType<Receiver['take']>>): void {
    const { current } = this;
    const reader = Reader.from(bytes);
    if (current === undefined || reader.readInt32() !== this.correlationId) {
      throw new RangeError('it belongs to no request');
    }
    reader.readTaggedFields();
    const answer = readFetchAnswer(reader);
    const partitions = answer.partitions.map((part) => {
      return { ...part, release: part.block.length > 0 ? block.share() : nothing };
    });
    block.release();
    this.current = undefined;
    current.resolve({ ...answer, partitions });
    this.sendNext();
  }

  private sendNext(): void {
    if (this.current !== undefined) return;
    if (this.socket.destroyed) {
      this.end();
      return;
    }
    this.current = this.queue.shift();
    if (this.current === undefined) return;
    this.correlationId = (this.correlationId + 1) % 2 ** 31;
    const writer = Writer.create()
      .appendInt16(FETCH_API.key)
      .appendInt16(FETCH_API.version)
      .appendInt32(this.correlationId)
      .appendString(this.clientId, false)
      .appendTaggedFields()
      .appendFrom(writeFetchRequest(this.current.request));
    this.socket.write(writer.prependLength().buffer);
  }

  private end(): void {
    const error = this.fault ?? new NetworkError('Connection closed');
    const left = [this.current, ...this.queue.splice(0)];
    this.current = undefined;
    for (const pending of left) pending?.reject(error);
  }
}

/** The same over a connection of the client. */
export function fetchChannelOver(connection: Connection, cut: () => void): FetchChannel {
  return {
    cut,
    fetch: (request) =>
      new Promise((resolve, reject) => {
        const parse = (_correlation: number, _key: number, _version: number, reader: Reader) => {
          const answer = readFetchAnswer(reader);
          return { ...answer, partitions: answer.partitions.map((part) => ({ ...part, release: nothing })) };
        };
        const { key, version } = FETCH_API;
        const create = () => writeFetchRequest(request);
        connection.send<FetchAnswer<ReceivedPartition>>(
          key,
          version,
          create,
          parse,
          true,
          true,
          (error, answer) => {
            if (error === null) resolve(answer as FetchAnswer<ReceivedPartition>);
            else reject(error);
          },
        );
      }),
  };
}

function nothing(): void {
  // Memory outside the pool is freed by the garbage collector.
}
