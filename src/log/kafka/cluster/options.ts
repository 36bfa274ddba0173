/** What a Kafka log is opened with. Whoever opens it reads secrets from where they are kept; here they are values. */
import type { Clock } from '../../../contracts/clock.ts';

export type KafkaCompression = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd';

export interface Broker {
  readonly host: string;
  readonly port: number;
  /** Set if the address is the one that the cluster tells clients to use, and not one that is configured. */
  readonly nodeId?: number;
}

export type SaslMechanism = 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512' | 'OAUTHBEARER';

export interface KafkaSecurity {
  /** Undefined speaks without encryption. The broker's certificate is always verified. */
  readonly tls?: {
    /** PEM; the system's own authorities where left out. */
    readonly ca?: string;
    /** PEM of the client's certificate and key, for brokers that ask for one. */
    readonly cert?: string;
    readonly key?: string;
  };
  readonly sasl?: {
    readonly mechanism: SaslMechanism;
    readonly username?: string;
    readonly password?: string;
    /** For OAUTHBEARER: asked at every connection, since tokens expire. */
    readonly token?: () => Promise<string>;
  };
}

export interface KafkaLogOptions {
  /** `host:port`, the brokers to ask first. */
  readonly bootstrapServers: readonly string[];
  readonly clock: Clock;
  /** How this process is named in the broker's own logs and metrics. */
  readonly clientId: string;
  readonly security?: KafkaSecurity;
  /** `all` waits for every in-sync replica and is idempotent; `leader` waits for one and is not. */
  readonly acks?: 'all' | 'leader';
  readonly compression?: KafkaCompression;
  /** Copies of a topic that is made here; undefined leaves it to the broker. */
  readonly replicationFactor?: number;
  /** How long the first contact may take before LOG_UNAVAILABLE. */
  readonly connectTimeoutMs?: number;
  /** How long one request may take before it counts as failed. */
  readonly requestTimeoutMs?: number;
  /** How long a call goes on trying before LOG_UNAVAILABLE. */
  readonly retryTimeoutMs?: number;
  /** The same for appends, shorter: whoever appends has a retry of their own, and words for the one who waits. */
  readonly appendTimeoutMs?: number;
  /**
   * How long a transaction may stay open, from its first append on, before the broker takes it back and fences its writer;
   * a minute more than `retryTimeoutMs` where left out. Where the broker allows less, it is halved until it fits.
   */
  readonly transactionTimeoutMs?: number;
  /** Nothing will be written: whoever tries is refused before a broker is asked. */
  readonly readOnly?: boolean;
  /** Told in one sentence, every few seconds, while a call goes on trying. */
  readonly onWaiting?: (words: string) => void;
  /** Told in a few sentences, once a topic, of what an operator should know and no call fails for. */
  readonly onWarning?: (words: string) => void;
  /**
   * Once it aborts, nothing is waited for any more: a call that fails is not tried again, and one without an answer ends
   * a second later, both with LOG_UNAVAILABLE. Calls that are answered go on. The log is to be closed after that.
   */
  readonly giveUp?: AbortSignal;
}

type Optional = 'security' | 'replicationFactor' | 'readOnly' | 'onWaiting' | 'onWarning' | 'giveUp';

export type SettledOptions = Required<Omit<KafkaLogOptions, Optional>> & Pick<KafkaLogOptions, Optional>;

/**
 * A broker that is away counts this time too, and takes a transaction back when it returns: a call that goes on trying for
 * as long as it may has to find its transaction open.
 */
const BEYOND_RETRIES_MS = 60_000;

export function settleOptions(options: KafkaLogOptions): SettledOptions {
  const { retryTimeoutMs = 120_000 } = options;
  return {
    acks: 'all',
    compression: 'none',
    connectTimeoutMs: 10_000,
    requestTimeoutMs: 10_000,
    retryTimeoutMs,
    appendTimeoutMs: 10_000,
    transactionTimeoutMs: retryTimeoutMs + BEYOND_RETRIES_MS,
    ...options,
  };
}
