/** A proxy before a broker that loses, or holds back, single requests and answers of one kind. */
import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** Keys of the protocol's requests. */
export const API = { produce: 0, metadata: 3, initProducerId: 22, addPartitions: 24, endTxn: 26 } as const;

const DELAY_MS = 30;

const NOT_ENOUGH_REPLICAS_AFTER_APPEND = 20;
/** Partition, code, offset, time, start of the log, no errors of records, no message, tags. */
const PRODUCED_PARTITION_BYTES = 4 + 2 + 8 + 8 + 8 + 1 + 1 + 1;

export type Fault =
  /** The request never arrives. */
  | 'lose request'
  /** The broker acts on the request, and its answer never arrives. */
  | 'lose answer'
  /** The broker acts on the request (a produce, version 9), and its answer says NOT_ENOUGH_REPLICAS_AFTER_APPEND. */
  | 'spoil answer'
  /** The last partition of the request (one to add partitions, version 3, of one topic) is the next one when it arrives. */
  | 'divert request'
  /** The request (one for metadata, version 12, of one topic by name) names another topic, which there is not. */
  | 'misname request'
  /** The request arrives when `deliverHeld` is called, however long ago its sender gave up. */
  | 'hold request'
  /** The answer, and with it those behind it, comes later by `DELAY_MS`. */
  | 'delay answer';

export class FaultProxy {
  readonly port: number;
  /** How many requests, or answers, a fault has met so far. */
  hits = 0;
  private readonly server: Server;
  private targetPort = 0;
  private fault: { readonly api: number; readonly kind: Fault; left: number; before: number } | undefined;
  private readonly sockets = new Set<Socket>();
  private held: { readonly to: Socket; readonly frame: Buffer }[] = [];

  static async start(): Promise<FaultProxy> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new FaultProxy(server);
  }

  private constructor(server: Server) {
    this.server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (client) => this.join(client));
  }

  target(port: number): void {
    this.targetPort = port;
  }

  /** Meets the next `times` requests of the kind, behind so many that are let through. */
  next(api: number, kind: Fault, times = 1, before = 0): void {
    this.hits = 0;
    this.fault = { api, kind, left: times, before };
  }

  /** Lets everything through again, but for what is held. */
  heal(): void {
    this.fault = undefined;
  }

  /** Sends what was held; its answers have nobody to go to. Resolves when the broker has had time to act. */
  async deliverHeld(): Promise<number> {
    const { held } = this;
    this.held = [];
    const answers = held.map(async ({ to, frame }) => {
      const answered = new Promise<void>((resolve) => to.once('data', () => resolve()));
      to.write(frame);
      await Promise.race([answered, sleep(15_000)]);
    });
    await Promise.all(answers);
    return held.length;
  }

  close(): void {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
  }

  private join(client: Socket): void {
    const broker = connect(this.targetPort, '127.0.0.1');
    const apis = new Map<number, number>();
    let isHolding = false;
    let answered: Promise<unknown> = Promise.resolve();
    for (const socket of [client, broker]) {
      this.sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => this.sockets.delete(socket));
    }
    client.on('close', () => {
      if (!isHolding) broker.destroy();
    });
    broker.on('close', () => client.destroy());
    eachFrame(client, (frame) => {
      const api = frame.readInt16BE(4);
      apis.set(frame.readInt32BE(8), api);
      if (this.meets(api, 'lose request')) return;
      if (this.meets(api, 'divert request')) divert(frame);
      if (this.meets(api, 'misname request')) misname(frame);
      if (this.meets(api, 'hold request')) {
        isHolding = true;
        this.held.push({ to: broker, frame });
      } else broker.write(frame);
    });
    eachFrame(broker, (frame) => {
      const correlation = frame.readInt32BE(4);
      const api = apis.get(correlation) ?? -1;
      apis.delete(correlation);
      if (this.meets(api, 'spoil answer')) spoil(frame);
      if (this.meets(api, 'lose answer')) return;
      const answer = (): void => {
        if (!client.destroyed) client.write(frame);
      };
      const delay = this.meets(api, 'delay answer') ? sleep(DELAY_MS) : undefined;
      answered = Promise.all([answered, delay]).then(answer);
    });
  }

  private meets(api: number, kind: Fault): boolean {
    const { fault } = this;
    if (fault?.api !== api || fault.kind !== kind || fault.left === 0) return false;
    if (fault.before > 0) {
      fault.before -= 1;
      return false;
    }
    fault.left -= 1;
    this.hits += 1;
    return true;
  }
}

/** Puts the error into every partition of a produce answer for one topic of fewer than 127 partitions without errors. */
function spoil(frame: Buffer): void {
  // Length, correlation id, tags, number of topics, name, number of partitions.
  const nameBytes = frame.readUInt8(10);
  let at = 10 + nameBytes;
  const partitions = frame.readUInt8(at) - 1;
  at += 1;
  for (let partition = 0; partition < partitions; partition += 1) {
    frame.writeInt16BE(NOT_ENOUGH_REPLICAS_AFTER_APPEND, at + 4);
    at += PRODUCED_PARTITION_BYTES;
  }
}

function misname(frame: Buffer): void {
  // Behind the name are its tags, two flags and the tags of the request.
  const at = frame.length - 4 - 1;
  frame.writeUInt8(frame.readUInt8(at) ^ 1, at);
}

function divert(frame: Buffer): void {
  // Behind the partition are the tags of the topic and those of the request.
  const at = frame.length - 2 - 4;
  frame.writeInt32BE(frame.readInt32BE(at) + 1, at);
}

/** Requests and answers alike begin with their length, in four bytes. */
function eachFrame(socket: Socket, take: (frame: Buffer) => void): void {
  let rest = Buffer.alloc(0);
  socket.on('data', (data: Buffer) => {
    rest = Buffer.concat([rest, data]);
    while (rest.length >= 4 && rest.length >= 4 + rest.readInt32BE(0)) {
      const end = 4 + rest.readInt32BE(0);
      take(rest.subarray(0, end));
      rest = rest.subarray(end);
    }
  });
}
