/**
 * What we use of the Kafka client, and nothing else of it. Its entry loads every version of every request and a validator
 * of JSON schemas: some 500 modules, which cost 0.5 s of CPU at every start (bench/start.bench.ts). Here its own modules
 * are imported one by one, and if one of them asks for a list of all there is, it is given what it uses of it.
 *
 * Other code of this process that imports the client shares these modules; what they were given does the same. With another
 * version of the client than the one that was looked at, its entry is loaded.
 */
import { registerHooks } from 'node:module';
import type * as Client from '@platformatic/kafka';

/** The version whose modules have the paths below. */
const KNOWN_VERSION = '2.12.1';
const ENTRY = import.meta.resolve('@platformatic/kafka');

const PARTS = [
  'errors.js',
  'network/connection.js',
  'protocol/compression.js',
  'protocol/crc32c.js',
  'protocol/reader.js',
  'protocol/writer.js',
];

const REQUESTS = {
  addPartitionsToTxnV3: 'apis/producer/add-partitions-to-txn-v3.js',
  apiVersionsV3: 'apis/metadata/api-versions-v3.js',
  createTopicsV7: 'apis/admin/create-topics-v7.js',
  deleteTopicsV6: 'apis/admin/delete-topics-v6.js',
  describeConfigsV4: 'apis/admin/describe-configs-v4.js',
  describeProducersV0: 'apis/admin/describe-producers-v0.js',
  describeTransactionsV0: 'apis/admin/describe-transactions-v0.js',
  endTxnV3: 'apis/producer/end-txn-v3.js',
  findCoordinatorV4: 'apis/metadata/find-coordinator-v4.js',
  incrementalAlterConfigsV1: 'apis/admin/incremental-alter-configs-v1.js',
  initProducerIdV4: 'apis/producer/init-producer-id-v4.js',
  listOffsetsV7: 'apis/consumer/list-offsets-v7.js',
  metadataV12: 'apis/metadata/metadata-v12.js',
  offsetCommitV8: 'apis/consumer/offset-commit-v8.js',
  offsetForLeaderEpochV4: 'apis/consumer/offset-for-leader-epoch-v4.js',
} as const;

/** Modules that ask for a list of all there is. */
const ASKING = ['network/connection.js', 'protocol/sasl/utils.js', 'protocol/writer.js'];

/** The lists, each with what those modules use of it. */
const USED_OF: Readonly<Record<string, string>> = {
  'apis/index.js': `
    export * from './callbacks.js';
    export * as apiVersionsV1 from './metadata/api-versions-v1.js';
    export * as saslHandshakeV1 from './security/sasl-handshake-v1.js';
    export * as saslAuthenticateV0 from './security/sasl-authenticate-v0.js';
    export * as saslAuthenticateV1 from './security/sasl-authenticate-v1.js';
    export * as saslAuthenticateV2 from './security/sasl-authenticate-v2.js';`,
  'clients/base/options.js': `
    export const clientSoftwareName = 'platformatic-kafka';
    export { version as clientSoftwareVersion } from '../../version.js';`,
  'protocol/index.js': `
    export * as saslOAuthBearer from './sasl/oauth-bearer.js';
    export * as saslPlain from './sasl/plain.js';
    export * as saslScramSha from './sasl/scram-sha.js';`,
  'utils.js': `
    import debug from 'debug';
    export const loggers = { protocol: debug('plt:kafka:protocol') };
    export const humanize = (label, buffer) => label + ' (' + buffer.length + ' bytes): ' + buffer.toString('hex');`,
};

export const {
  addPartitionsToTxnV3,
  apiVersionsV3,
  AuthenticationError,
  compressionsAlgorithms,
  compressionsAlgorithmsByBitmask,
  Connection,
  crc32c,
  createTopicsV7,
  deleteTopicsV6,
  describeConfigsV4,
  describeProducersV0,
  describeTransactionsV0,
  endTxnV3,
  findCoordinatorV4,
  GenericError,
  incrementalAlterConfigsV1,
  initProducerIdV4,
  listOffsetsV7,
  metadataV12,
  MultipleErrors,
  NetworkError,
  offsetCommitV8,
  offsetForLeaderEpochV4,
  ProtocolError,
  Reader,
  ResponseError,
  TimeoutError,
  UserError,
  Writer,
} = (await isKnown()) ? await importUsed() : await import('@platformatic/kafka');

export type AuthenticationError = Client.AuthenticationError;
export type Connection = Client.Connection;
export type ConnectionOptions = Client.ConnectionOptions;
export type Reader = Client.Reader;
export type SASLOptions = Client.SASLOptions;
export type Writer = Client.Writer;

async function isKnown(): Promise<boolean> {
  try {
    const { version } = (await import(urlOf('version.js'))) as { readonly version?: unknown };
    return version === KNOWN_VERSION;
  } catch {
    return false;
  }
}

async function importUsed(): Promise<typeof Client> {
  const asking = new Set(ASKING.map(urlOf));
  const sources = new Map(Object.entries(USED_OF).map(([path, source]) => [`${urlOf(path)}?used`, source]));
  const hooks = registerHooks({
    resolve(specifier, context, next) {
      const resolved = next(specifier, context);
      const used = `${resolved.url}?used`;
      const isReplaced = asking.has(context.parentURL ?? '') && sources.has(used);
      return isReplaced ? { ...resolved, url: used } : resolved;
    },
    load(url, context, next) {
      const source = sources.get(url);
      return source === undefined ? next(url, context) : { format: 'module', source, shortCircuit: true };
    },
  });
  try {
    const parts: object[] = [];
    for (const path of PARTS) parts.push((await import(urlOf(path))) as object);
    for (const [name, path] of Object.entries(REQUESTS)) {
      parts.push({ [name]: (await import(urlOf(path))) as object });
    }
    return Object.assign({}, ...parts) as typeof Client;
  } finally {
    hooks.deregister();
  }
}

function urlOf(path: string): string {
  return new URL(path, ENTRY).href;
}
