/** What `doctor` asks of a Kafka cluster: who answers, which brokers there are, and which requests they know. */
import { createConnection, isIP } from 'node:net';
import { apiVersionsV3, Connection, metadataV12 } from '../wire/client.ts';
import type { Clock } from '../../../contracts/clock.ts';
import { TallystreamError } from '../../../errors.ts';
import { judge, unavailable } from '../wire/errors.ts';
import type { KafkaSecurity } from './options.ts';
import { connectionSecurity } from './security.ts';

export interface KafkaProbe {
  /** A TCP connection to every bootstrap server, all at once, in the configuration's order. Never rejects. */
  reach(): Promise<readonly ServerAnswer[]>;
  /**
   * The cluster as the first of these servers that answers has it, and then every broker at the address that it tells
   * clients to use. After an abort nothing is left open.
   * @param servers those that were reached, as `host:port`
   * @throws CONFIG_INVALID if security is what fails, LOG_UNAVAILABLE; what one broker says about itself is in its answer
   */
  ask(servers: readonly string[], signal: AbortSignal): Promise<ClusterAnswer>;
}

export interface ServerAnswer {
  /** `host:port`, as it is configured. */
  readonly server: string;
  /** Until the connection was there, the look-up of the name included; null if there was none. */
  readonly ms: number | null;
  /** Why there was none; an error of the system with its code. */
  readonly fault?: Error;
}

export interface ClusterAnswer {
  readonly clusterId: string | null;
  /** How many there are; no more than the first 32 are asked. */
  readonly brokerCount: number;
  readonly brokers: readonly BrokerAnswer[];
}

export interface BrokerAnswer {
  readonly nodeId: number;
  /** `host:port`, as the cluster tells clients. */
  readonly address: string;
  /** From the first packet to the answer, with TLS and the login. */
  readonly ms: number;
  /** The release whose metadata version the broker knows, such as `4.3`; null if it tells none or a later one. */
  readonly release: string | null;
  readonly requests: readonly RequestRange[];
  /** Why it did not answer: ours. */
  readonly fault?: Error;
}

/** Which versions of one request a broker takes, and which one is sent. */
export interface RequestRange {
  readonly name: string;
  readonly sent: number;
  /** -1 if the broker does not know the request. */
  readonly min: number;
  readonly max: number;
}

/** Every request of src/log/kafka*.ts, with its key of the protocol; a test holds the two together. */
export const SENT_REQUESTS: readonly {
  readonly name: string;
  readonly key: number;
  readonly version: number;
}[] = Object.freeze([
  { name: 'Produce', key: 0, version: 9 },
  { name: 'Fetch', key: 1, version: 13 },
  { name: 'ListOffsets', key: 2, version: 7 },
  { name: 'Metadata', key: 3, version: 12 },
  { name: 'OffsetCommit', key: 8, version: 8 },
  { name: 'FindCoordinator', key: 10, version: 4 },
  { name: 'CreateTopics', key: 19, version: 7 },
  { name: 'DeleteTopics', key: 20, version: 6 },
  { name: 'InitProducerId', key: 22, version: 4 },
  { name: 'OffsetForLeaderEpoch', key: 23, version: 4 },
  { name: 'AddPartitionsToTxn', key: 24, version: 3 },
  { name: 'EndTxn', key: 26, version: 3 },
  { name: 'DescribeConfigs', key: 32, version: 4 },
  { name: 'IncrementalAlterConfigs', key: 44, version: 1 },
  { name: 'DescribeProducers', key: 61, version: 0 },
  { name: 'DescribeTransactions', key: 65, version: 0 },
]);

/** The highest metadata version of each release (org.apache.kafka.server.common.MetadataVersion). */
const RELEASES: readonly (readonly [level: number, release: string])[] = [
  [1, '3.0'],
  [2, '3.1'],
  [3, '3.2'],
  [7, '3.3'],
  [8, '3.4'],
  [11, '3.5'],
  [14, '3.6'],
  [19, '3.7'],
  [20, '3.8'],
  [21, '3.9'],
  [25, '4.0'],
  [27, '4.1'],
  [29, '4.2'],
  [30, '4.3'],
];

const BROKERS_MAX = 32;

export interface KafkaProbeOptions {
  readonly bootstrapServers: readonly string[];
  readonly clock: Clock;
  readonly clientId: string;
  /** Reads the files that it needs. @throws CONFIG_INVALID */
  readonly readSecurity: () => Promise<KafkaSecurity>;
  /** Of each connection, and of each request on it. */
  readonly timeoutMs: number;
}

export function createKafkaProbe(options: KafkaProbeOptions): KafkaProbe {
  const { bootstrapServers, clock, readSecurity } = options;
  return {
    reach: () => Promise.all(bootstrapServers.map((server) => reachServer(server, options))),
    async ask(servers, signal) {
      const asked = { ...options, security: await readSecurity(), signal };
      const cluster = await firstAnswer(servers.map((server) => askCluster(server, asked)));
      const brokers = cluster.brokers.toSorted((left, right) => left.nodeId - right.nodeId);
      return {
        clusterId: cluster.clusterId ?? null,
        brokerCount: brokers.length,
        brokers: await Promise.all(
          brokers.slice(0, BROKERS_MAX).map(async ({ nodeId, host, port }) => {
            const address = `${host.includes(':') ? `[${host}]` : host}:${port}`;
            const startMs = clock.monotonicMs();
            const spoken = await askBroker(address, asked).catch((error: unknown) => ({
              fault: error as Error,
            }));
            return {
              nodeId,
              address,
              ms: clock.monotonicMs() - startMs,
              release: null,
              requests: [],
              ...spoken,
            };
          }),
        ),
      };
    },
  };
}

function reachServer(server: string, { clock, timeoutMs }: KafkaProbeOptions): Promise<ServerAnswer> {
  const startMs = clock.monotonicMs();
  const ended = new AbortController();
  return new Promise((resolve) => {
    const socket = createConnection(placeOf(server));
    const end = (answer: Omit<ServerAnswer, 'server'>) => {
      ended.abort();
      socket.destroy();
      resolve({ server, ...answer });
    };
    socket.once('connect', () => end({ ms: clock.monotonicMs() - startMs }));
    socket.on('error', (fault) => end({ ms: null, fault }));
    // The socket's own timeout does not start before the name is looked up, which can hang as well.
    const outOfTime = () =>
      end({ ms: null, fault: new Error(`no answer within ${timeoutMs / 1000} seconds`) });
    clock.sleep(timeoutMs, ended.signal).then(outOfTime, outOfTime);
  });
}

type Asked = KafkaProbeOptions & { readonly security: KafkaSecurity; readonly signal: AbortSignal };

async function askCluster(server: string, asked: Asked) {
  const { clusterId, brokers } = await withConnection(server, asked, (connection) =>
    metadataV12.api.async(connection, [], false, false),
  );
  return { clusterId, brokers };
}

async function askBroker(address: string, asked: Asked): Promise<Pick<BrokerAnswer, 'release' | 'requests'>> {
  const answer = await withConnection(address, asked, (connection) =>
    apiVersionsV3.api.async(connection, 'tallystream', '1'),
  );
  const ranges = new Map(answer.apiKeys.map((api) => [api.apiKey, api]));
  const requests = SENT_REQUESTS.map(({ name, key, version }) => {
    const { minVersion: min, maxVersion: max } = ranges.get(key) ?? { minVersion: -1, maxVersion: -1 };
    return { name, sent: version, min, max };
  });
  const metadata = answer.supportedFeatures?.find(({ name }) => name === 'metadata.version');
  return { release: releaseOf(metadata?.maxVersion), requests };
}

/** @param level the highest metadata version that a broker knows */
export function releaseOf(level: number | undefined): string | null {
  if (level === undefined || level < 1) return null;
  return RELEASES.find(([highest]) => level <= highest)?.[1] ?? null;
}

/** Opens a connection for one question, and closes it. @throws the error as a TallystreamError */
async function withConnection<T>(
  server: string,
  { clientId, timeoutMs, security, signal }: Asked,
  ask: (connection: Connection) => Promise<T>,
): Promise<T> {
  const { host, port } = placeOf(server);
  const connection = new Connection(clientId, {
    connectTimeout: timeoutMs,
    requestTimeout: timeoutMs,
    ...connectionSecurity(security),
    ...(isIP(host) === 0 ? { tlsServerName: host } : {}),
  });
  // A request on a connection that broke says only that it closed; the connection's own error says why.
  let fault: Error | undefined;
  connection.on('error', (error) => (fault ??= error));
  const cut = () => connection.socket.destroy(new Error('the request was cancelled'));
  try {
    if (signal.aborted) throw unavailable('the request was cancelled');
    const opening = connection.connect(host, port) as Promise<void>;
    signal.addEventListener('abort', cut, { once: true });
    await opening;
    return await ask(connection);
  } catch (error) {
    const verdict = judge(error);
    const below = fault === undefined ? verdict : judge(fault);
    if (verdict.kind === 'final') throw verdict.error;
    throw below.kind === 'final' ? below.error : unavailable(verdict.why, error);
  } finally {
    signal.removeEventListener('abort', cut);
    (connection.socket as Connection['socket'] | undefined)?.destroy();
  }
}

/** The first that resolves; if none does, the error that somebody can act on, before one that may pass. */
async function firstAnswer<T>(answers: readonly Promise<T>[]): Promise<T> {
  try {
    return await Promise.any(answers);
  } catch (error) {
    const failures = (error as AggregateError).errors as Error[];
    const lasting = failures.find((failure) => !(failure instanceof TallystreamError && failure.retry));
    throw lasting ?? failures[0] ?? error;
  }
}

/** `[::1]:9092` and `host:9092`, which the configuration has checked. */
function placeOf(server: string): { readonly host: string; readonly port: number } {
  const colon = server.lastIndexOf(':');
  return { host: server.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(server.slice(colon + 1)) };
}
