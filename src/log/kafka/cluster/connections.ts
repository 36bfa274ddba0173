/** Connections to brokers: one for each broker and purpose, opened when it is asked for. */
import { isIP } from 'node:net';
import { Connection, type ConnectionOptions } from '../wire/client.ts';
import { BlockPool } from '../wire/buffer-pool.ts';
import { AdvertisedFault, NotKafkaError } from '../wire/errors.ts';
import { FETCH_BYTES_MAX } from '../wire/fetch.ts';
import { fetchChannelOver, openFetchChannel, type FetchChannel } from './fetch-channel.ts';
import type { Broker, SettledOptions } from './options.ts';
import { connectionSecurity } from './security.ts';

/** A request waits for the others of its connection, so those that wait long have one of their own. */
export type Purpose = 'ask' | 'show' | 'write' | 'read' | 'wait' | `transactions ${number}`;

interface Opening {
  readonly connection: Connection;
  readonly opened: Promise<Connection>;
}

/** Holds the answer to the largest fetch that is asked for, unless one batch alone is larger. */
const FETCH_BLOCK_BYTES = FETCH_BYTES_MAX + 64 * 1024;
/** If a broker takes this long to take a connection, the next one is tried as well. */
const NEXT_AFTER_MS = 1_000;

export class Connections {
  private readonly options: SettledOptions;
  private readonly closed: AbortSignal;
  private readonly openings = new Map<string, Opening>();
  private readonly channels = new Map<string, Promise<FetchChannel>>();
  private readonly blocks = new BlockPool(FETCH_BLOCK_BYTES);
  private fault: Error | undefined;
  private readonly onReadEnd: () => void;

  /** `onReadEnd` is told whenever a connection that is read from has ended. */
  constructor(options: SettledOptions, closed: AbortSignal, onReadEnd: () => void) {
    this.options = options;
    this.closed = closed;
    this.onReadEnd = onReadEnd;
  }

  /** The connection for this purpose, opened if there is none. */
  open(broker: Broker, purpose: Purpose): Promise<Connection> {
    const { host, port } = broker;
    const key = `${host}:${port} ${purpose}`;
    const existing = this.openings.get(key);
    if (existing !== undefined) return existing.opened;
    const { clientId, connectTimeoutMs, requestTimeoutMs, security } = this.options;
    const options: ConnectionOptions = {
      connectTimeout: Math.min(connectTimeoutMs, requestTimeoutMs),
      requestTimeout: requestTimeoutMs,
      ...connectionSecurity(security),
      ...(isIP(host) === 0 ? { tlsServerName: host } : {}),
    };
    const connection = new Connection(clientId, options);
    const connected = connection.connect(host, port) as Promise<void>;
    const opened = reached(
      broker,
      connected.then(() => connection),
    );
    const drop = () => {
      if (this.openings.get(key)?.connection === connection) this.openings.delete(key);
    };
    connection.on('close', () => {
      drop();
      if (purpose === 'read') this.onReadEnd();
      // Takes back the timer of the next login, which would hold the process up.
      connection.close(() => undefined);
    });
    connection.on('error', (error) => {
      this.fault = error;
      drop();
    });
    connection.socket.once(security?.tls === undefined ? 'connect' : 'secureConnect', () =>
      refuseOthers(connection, `${host}:${port}`),
    );
    opened.catch(drop);
    this.openings.set(key, { connection, opened });
    return opened;
  }

  /** The channel that fetches of this purpose go over, opened if there is none. */
  openFetch(broker: Broker, purpose: Purpose): Promise<FetchChannel> {
    if (this.options.security?.sasl !== undefined) {
      return this.open(broker, purpose).then((connection) =>
        fetchChannelOver(connection, () => this.cut(connection)),
      );
    }
    const key = `${broker.host}:${broker.port} ${purpose}`;
    const existing = this.channels.get(key);
    if (existing !== undefined) return existing;
    const opening = openFetchChannel(broker, this.options, this.blocks, () => {
      if (this.channels.get(key) === opened) this.channels.delete(key);
      if (purpose === 'read') this.onReadEnd();
    });
    const opened = reached(broker, opening);
    this.channels.set(key, opened);
    return opened;
  }

  /**
   * A connection to the first of these that takes one. They are tried in order, and if one is slow, the next
   * is tried in parallel (as RFC 8305 does with addresses). Otherwise a silent host would cost a whole timeout.
   * @throws the last error if all of them failed
   */
  async any(brokers: readonly Broker[], purpose: Purpose): Promise<Connection> {
    const attempts: Promise<Connection>[] = [];
    for (const broker of brokers.slice(0, -1)) {
      attempts.push(this.open(broker, purpose));
      const first = await this.firstWithin(attempts, NEXT_AFTER_MS);
      if (first !== undefined) return first;
    }
    for (const broker of brokers.slice(-1)) attempts.push(this.open(broker, purpose));
    return Promise.any(attempts).catch((error: unknown) => {
      throw (error as AggregateError).errors.at(-1);
    });
  }

  /** Undefined if none is there in time, or as soon as all of them failed. */
  private async firstWithin(
    attempts: readonly Promise<Connection>[],
    timeoutMs: number,
  ): Promise<Connection | undefined> {
    const over = new AbortController();
    const first = Promise.any(attempts).catch(() => undefined);
    const timeout = this.options.clock.sleep(timeoutMs, AbortSignal.any([over.signal, this.closed]));
    try {
      return await Promise.race([first, timeout.then(() => undefined)]);
    } finally {
      over.abort();
    }
  }

  /** Why a connection broke, told once: a request that was on it says only that it closed. */
  takeFault(): Error | undefined {
    const { fault } = this;
    this.fault = undefined;
    return fault;
  }

  /** Closes one connection at once, with everything that waits for it. The next call opens another. */
  cut(connection: Connection): void {
    // One that is not there yet takes an error alone for its end.
    connection.socket.destroy(
      connection.isConnected() ? undefined : new Error('the connection is no longer needed'),
    );
  }

  /** Closes the connections of one purpose, or all of them, with everything that waits for them. */
  async release(purpose?: Purpose): Promise<void> {
    const isReleased = (key: string) => purpose === undefined || key.endsWith(` ${purpose}`);
    const channels = [...this.channels].filter(([key]) => isReleased(key));
    for (const [key, opened] of channels) {
      this.channels.delete(key);
      opened.then(
        (channel) => channel.cut(),
        () => undefined,
      );
    }
    const released = [...this.openings].filter(([key]) => isReleased(key));
    for (const [key, { connection }] of released) {
      this.openings.delete(key);
      this.cut(connection);
    }
    await Promise.allSettled(released.map(([, { opened }]) => opened));
  }
}

/** Tells a wrong advertised address of a broker from a wrong configured server. */
function reached<T>({ nodeId, host, port }: Broker, opened: Promise<T>): Promise<T> {
  if (nodeId === undefined) return opened;
  return opened.catch((error: unknown) => {
    throw new AdvertisedFault(nodeId, `${host}:${port}`, error);
  });
}

/**
 * An answer begins with its length. If its first four bytes are letters, the length would be beyond 512 MiB: something
 * else listens there, and its words would be gathered and waited for.
 */
function refuseOthers(connection: Connection, address: string): void {
  connection.socket.once('data', (block: Buffer) => {
    const start = block.subarray(0, 40).toString('latin1');
    if (/^[\x20-\x7E]{4}/.test(start)) connection.socket.destroy(new NotKafkaError(address, start));
  });
}
