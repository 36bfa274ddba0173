/** Translates errors of the Kafka client, and error codes of brokers, into TallystreamErrors. */
import {
  AuthenticationError,
  GenericError,
  MultipleErrors,
  NetworkError,
  ProtocolError,
  TimeoutError,
  UserError,
} from './client.ts';
import { InvariantError, TallystreamError } from '../../../errors.ts';

/** Error codes of the protocol that a caller here tells apart (https://kafka.apache.org/protocol#protocol_error_codes). */
export const CODE = {
  OFFSET_OUT_OF_RANGE: 1,
  UNKNOWN_TOPIC_OR_PARTITION: 3,
  LEADER_NOT_AVAILABLE: 5,
  MESSAGE_TOO_LARGE: 10,
  COORDINATOR_NOT_AVAILABLE: 15,
  INVALID_TOPIC: 17,
  RECORD_LIST_TOO_LARGE: 18,
  TOPIC_AUTHORIZATION_FAILED: 29,
  CLUSTER_AUTHORIZATION_FAILED: 31,
  INVALID_TIMESTAMP: 32,
  TOPIC_ALREADY_EXISTS: 36,
  OUT_OF_ORDER_SEQUENCE_NUMBER: 45,
  DUPLICATE_SEQUENCE_NUMBER: 46,
  INVALID_PRODUCER_EPOCH: 47,
  INVALID_TXN_STATE: 48,
  INVALID_PRODUCER_ID_MAPPING: 49,
  INVALID_TRANSACTION_TIMEOUT: 50,
  CONCURRENT_TRANSACTIONS: 51,
  OPERATION_NOT_ATTEMPTED: 55,
  UNKNOWN_PRODUCER_ID: 59,
  FENCED_LEADER_EPOCH: 74,
  INVALID_RECORD: 87,
  THROTTLING_QUOTA_EXCEEDED: 89,
  PRODUCER_FENCED: 90,
  UNKNOWN_TOPIC_ID: 100,
  TRANSACTIONAL_ID_NOT_FOUND: 105,
} as const;

/** The broker no longer knows what this producer has sent, or takes it for another: it needs a new identity. */
export const LOST_IDENTITY: ReadonlySet<number> = new Set([
  CODE.OUT_OF_ORDER_SEQUENCE_NUMBER,
  CODE.DUPLICATE_SEQUENCE_NUMBER,
  CODE.INVALID_PRODUCER_EPOCH,
  CODE.INVALID_PRODUCER_ID_MAPPING,
  CODE.UNKNOWN_PRODUCER_ID,
]);

/**
 * Codes that pass with time: leaders and coordinators that move, replicas that lag, a broker that starts or stops, a
 * topic that not every broker knows yet. Whether a topic is really gone is for the metadata to say.
 */
const PASSING: ReadonlySet<number> = new Set([
  -1,
  2,
  3,
  5,
  6,
  7,
  8,
  9,
  13,
  14,
  15,
  16,
  19,
  20,
  // A request between the steps of a repeated login on a connection; the broker closes that connection.
  34,
  41,
  51,
  56,
  72,
  74,
  75,
  77,
  78,
  89,
  100,
  102,
  103,
  ...LOST_IDENTITY,
]);

const NOT_ALLOWED: ReadonlySet<number> = new Set([29, 30, 31, 53]);
/** Partitions, replication factor, assignment, configuration, policy: the broker says in words what it does not take. */
const NOT_TAKEN: ReadonlySet<number> = new Set([17, 32, 37, 38, 39, 40, 42, 44, 87]);
const UNSUPPORTED_VERSION = 35;
const INVALID_REPLICATION_FACTOR = 38;

const TLS_CODES =
  /^(ERR_TLS_|ERR_SSL_|SELF_SIGNED_CERT|DEPTH_ZERO_SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|CERT_|HOSTNAME_MISMATCH|EPROTO)/;

/** A broker's answer that is an error code. */
export class BrokerFault extends Error {
  readonly brokerCode: number;

  constructor(brokerCode: number, detail?: string | null) {
    super(detail ?? `the broker answers ${nameOf(brokerCode)}`);
    this.name = 'BrokerFault';
    this.brokerCode = brokerCode;
  }
}

/** An error code together with what it means at this place, as a part of a sentence that names topic, broker or setting. */
export class ExplainedFault extends BrokerFault {}

/** What listens at a broker's address says something that is no answer of a broker. */
export class NotKafkaError extends Error {
  readonly code = 'NOT_KAFKA';

  constructor(address: string, start: string) {
    super(
      `the server at ${address} is not Apache Kafka; it answers ${JSON.stringify(start.split(/[\r\n]/)[0])}`,
    );
    this.name = 'NotKafkaError';
  }
}

/** A broker cannot be reached at the address that the cluster tells clients to use. */
export class AdvertisedFault extends Error {
  readonly code = 'ADVERTISED_LISTENER';
  readonly nodeId: number;
  readonly address: string;

  constructor(nodeId: number, address: string, cause: unknown) {
    super(
      `broker ${nodeId} cannot be reached at ${address}, the address that its advertised.listeners tells clients to use`,
      { cause },
    );
    this.name = 'AdvertisedFault';
    this.nodeId = nodeId;
    this.address = address;
  }
}

export type Verdict =
  /** The same call may succeed later; `why` says what is the matter, for the one who waits. */
  { readonly kind: 'passing'; readonly why: string } | { readonly kind: 'final'; readonly error: Error };

/** Whether an error may pass; if not, the error to throw. */
export function judge(error: unknown): Verdict {
  if (error instanceof TallystreamError || error instanceof InvariantError) return { kind: 'final', error };
  const chain = errorsWithin(error);
  if (chain.some(isFenced)) return { kind: 'passing', why: describe(error) };
  const refusal = chain.map(refusalOf).find((found) => found !== undefined);
  if (refusal !== undefined) return { kind: 'final', error: refusal };
  const codes = brokerCodesOf(error);
  const unknown = codes.find((code) => !PASSING.has(code));
  if (unknown !== undefined) return { kind: 'final', error: unavailable(describe(error), error) };
  const explained = chain.find((one) => one instanceof ExplainedFault);
  if (explained !== undefined) return { kind: 'passing', why: explained.message };
  if (codes.length > 0) return { kind: 'passing', why: `the broker answers ${codes.map(nameOf).join(', ')}` };
  // What is neither the client's nor the network's is a mistake in a program, and no retry fixes that.
  const expected = chain.some((one) => GenericError.isGenericError(one) || 'code' in one);
  if (!expected) return { kind: 'final', error: error instanceof Error ? error : new Error(String(error)) };
  return { kind: 'passing', why: describe(error) };
}

export function unavailable(why: string, cause?: unknown): TallystreamError {
  return new TallystreamError('LOG_UNAVAILABLE', {
    what: 'Apache Kafka is unavailable.',
    why: `${why.charAt(0).toUpperCase()}${why.slice(1).replace(/\.$/, '')}.`,
    hint: hintOf(cause),
    cause,
  });
}

function hintOf(cause: unknown): string {
  const advertised = errorsWithin(cause).find((one) => one instanceof AdvertisedFault);
  if (advertised === undefined)
    return 'Check that the brokers are running and that kafka.bootstrap_servers lists them.';
  const { nodeId, address } = advertised;
  return `Check that broker ${nodeId} is running. If this machine cannot reach ${address}, correct advertised.listeners in the settings of broker ${nodeId}.`;
}

/** The error codes within an error of the client, or of ours. */
export function brokerCodesOf(error: unknown): number[] {
  const codes = errorsWithin(error).flatMap((one) => {
    if (one instanceof BrokerFault) return [one.brokerCode];
    const code: unknown = one instanceof ProtocolError ? (one as { apiCode?: unknown }).apiCode : undefined;
    return typeof code === 'number' ? [code] : [];
  });
  return [...new Set(codes)];
}

/** The error, the errors it is made of, and the causes of all these. */
function errorsWithin(error: unknown, depth = 0): Error[] {
  if (!(error instanceof Error) || depth > 8) return [];
  const inner: readonly unknown[] = error instanceof AggregateError ? error.errors : [];
  return [error, ...[...inner, error.cause].flatMap((one) => errorsWithin(one, depth + 1))];
}

function refusalOf(error: Error): TallystreamError | undefined {
  if (error instanceof AuthenticationError && !wasLeft(error)) {
    return refused('The broker rejected the credentials.', {
      why: lastWords(error),
      hint: 'Check kafka.sasl_mechanism, kafka.sasl_username and the password.',
    });
  }
  if (error instanceof UserError && !isCutOff(error)) {
    return refused('The broker does not use the protocol that kafka.security_protocol sets.', {
      why: error.message,
    });
  }
  const systemCode = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (TLS_CODES.test(systemCode)) {
    return refused('The TLS connection to the broker failed.', {
      why: `${error.message} (${systemCode}).`,
      hint: 'Check kafka.tls_ca_file, and that the certificate names the host in kafka.bootstrap_servers.',
    });
  }
  const [code] = brokerCodesOf(error);
  if (code === undefined) return undefined;
  if (NOT_ALLOWED.has(code)) {
    return refused(`This user is not authorized: ${nameOf(code)}.`, {
      hint: 'Ask the administrator of the cluster for an ACL for this user.',
    });
  }
  if (NOT_TAKEN.has(code))
    return refused(`The broker rejected the request: ${nameOf(code)}.`, { why: wordsOf(error) });
  if (code === UNSUPPORTED_VERSION) {
    return refused('The broker does not support this version of the protocol.', {
      hint: 'Use brokers of Apache Kafka 3.1 or later.',
    });
  }
  return undefined;
}

/** A controller that has just come back knows no broker yet, and calls that a wrong replication factor. */
function isFenced(error: Error): boolean {
  return brokerCodesOf(error)[0] === INVALID_REPLICATION_FACTOR && /\bfenced\b/.test(wordsOf(error) ?? '');
}

/** A broker that goes away in the middle of a login has not rejected the credentials. */
function wasLeft(error: AuthenticationError): boolean {
  return errorsWithin(error).some((one) => one instanceof NetworkError || one instanceof TimeoutError);
}

/** A broker that starts or stops ends handshakes as well; only one that keeps doing so does not use TLS. */
function isCutOff({ cause }: Error): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === 'ECONNRESET';
}

function refused(what: string, more: { why?: string | undefined; hint?: string }): TallystreamError {
  return new TallystreamError('CONFIG_INVALID', {
    what,
    ...(more.why ? { why: more.why } : {}),
    ...(more.hint === undefined ? {} : { hint: more.hint }),
  });
}

/** What the server said in words, below the error. */
function lastWords(error: Error): string {
  const words = errorsWithin(error).map(wordsOf);
  return words.findLast((one) => one !== undefined) ?? error.message;
}

function wordsOf(error: Error): string | undefined {
  if (error instanceof BrokerFault) return error.message;
  const said: unknown = (error as { serverErrorMessage?: unknown }).serverErrorMessage;
  return typeof said === 'string' && said !== '' ? said : undefined;
}

function describe(error: unknown): string {
  const all = errorsWithin(error).filter((one) => !MultipleErrors.isMultipleErrors(one));
  const words = [...new Set(all.map((one) => one.message.replace(/\.$/, '')).filter((text) => text !== ''))];
  return words.slice(0, 3).join(': ') || String(error);
}

export function nameOf(code: number): string {
  try {
    const id: unknown = (new ProtocolError(code) as { apiId?: unknown }).apiId;
    return typeof id === 'string' ? id : `error ${code}`;
  } catch {
    return `error ${code}`;
  }
}
