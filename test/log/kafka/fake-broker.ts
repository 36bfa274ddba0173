/** A broker that tells what a test wants it to tell about topics, and knows no other request. */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { Writer } from '@platformatic/kafka';

const METADATA_KEY = 3;

export interface ToldPartition {
  readonly leaderId: number;
  readonly leaderEpoch: number;
}

/** What it tells about one topic; undefined never answers. */
export type Told = readonly ToldPartition[] | undefined;

export interface FakeBroker {
  readonly bootstrap: string;
  /** How often it was asked. */
  readonly asked: () => number;
}

/** `tell` is called for every look-up, which a first contact is too, with how many there were before it. */
export async function startFakeBroker(t: TestContext, tell: (before: number) => Told): Promise<FakeBroker> {
  let asked = 0;
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', (request: Buffer) => {
      // A test asks one thing at a time, and a look-up fits into a packet.
      if (request.readInt16BE(4) !== METADATA_KEY) return;
      const told = tell(asked);
      asked += 1;
      const { port } = server.address() as AddressInfo;
      if (told !== undefined) socket.write(metadata(request.readInt32BE(8), port, told));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return {
    bootstrap: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: () => asked,
  };
}

/** Metadata, version 12, with one broker and the topic `events`. */
function metadata(correlationId: number, port: number, told: readonly ToldPartition[]): Buffer {
  const writer = Writer.create()
    .appendInt32(correlationId)
    .appendTaggedFields()
    .appendInt32(0)
    .appendArray([1], (broker, nodeId) => {
      broker.appendInt32(nodeId).appendString('127.0.0.1').appendInt32(port).appendString(null);
    })
    .appendString('cluster')
    .appendInt32(1)
    .appendArray(['events'], (topic, name) => {
      topic
        .appendInt16(0)
        .appendString(name)
        .appendUUID('00000000-0000-4000-8000-000000000001')
        .appendBoolean(false)
        .appendArray([...told], (partition, { leaderId, leaderEpoch }, index) => {
          partition.appendInt16(0).appendInt32(index).appendInt32(leaderId).appendInt32(leaderEpoch);
          for (let list = 0; list < 3; list += 1) {
            partition.appendArray([leaderId], (entry, id) => entry.appendInt32(id), true, false);
          }
        })
        .appendInt32(0);
    })
    .appendTaggedFields();
  const length = Buffer.alloc(4);
  length.writeInt32BE(writer.length);
  return Buffer.concat([length, writer.buffer]);
}
