/** Opens the logs on which topics are kept, each imported when it is asked for and not before. */
import { join } from 'node:path';
import type { Clock } from '../contracts/clock.ts';
import type { Log } from '../contracts/log.ts';
import type { KafkaSettings } from '../options/kafka-settings.ts';

/** The embedded log's file within a data folder. */
export function embeddedLogPath(dataDir: string): string {
  return join(dataDir, 'log.db');
}

export interface LogAccess {
  /** Nothing will be written. */
  readonly readOnly?: boolean;
  /** How long to wait for a lock or a broker before LOG_UNAVAILABLE; the settings' own bounds if left out. */
  readonly busyTimeoutMs?: number;
  /** Told in one sentence, every few seconds, while a call waits for a broker. */
  readonly onWaiting?: (words: string) => void;
  /** Told of what an operator should know about a topic and no call fails for. */
  readonly onWarning?: (words: string) => void;
  /** Once it aborts, calls that wait for a broker end soon with LOG_UNAVAILABLE; the log is to be closed after that. */
  readonly giveUp?: AbortSignal;
}

/** @throws LOG_UNAVAILABLE, LOG_CORRUPT */
export async function openEmbedded(dataDir: string, clock: Clock, access: LogAccess = {}): Promise<Log> {
  const { openEmbeddedLog } = await import('../log/embedded/log.ts');
  const { readOnly, busyTimeoutMs } = access;
  return openEmbeddedLog({
    path: embeddedLogPath(dataDir),
    clock,
    ...(readOnly === undefined ? {} : { readOnly }),
    ...(busyTimeoutMs === undefined ? {} : { busyTimeoutMs }),
  });
}

/**
 * @param kafka its files are absolute paths
 * @param client what the log's brokers know the client by, if the settings name none: `tallystream-<client>`
 * @throws LOG_UNAVAILABLE, CONFIG_INVALID
 */
export async function openKafka(
  kafka: KafkaSettings,
  client: string,
  clock: Clock,
  access: LogAccess = {},
): Promise<Log> {
  const { openKafkaLog } = await import('../log/kafka/log.ts');
  const { readSecurity } = await import('../log/kafka/cluster/security.ts');
  const { readOnly = false, busyTimeoutMs: boundMs, onWaiting, onWarning, giveUp } = access;
  return openKafkaLog({
    bootstrapServers: kafka.bootstrapServers,
    clock,
    clientId: kafkaClientId(kafka, client),
    security: await readSecurity(kafka),
    acks: kafka.acks === 'all' ? 'all' : 'leader',
    compression: kafka.compression,
    ...(kafka.replicationFactor === null ? {} : { replicationFactor: kafka.replicationFactor }),
    connectTimeoutMs: boundMs ?? kafka.connectTimeoutMs,
    requestTimeoutMs: boundMs ?? kafka.requestTimeoutMs,
    retryTimeoutMs: boundMs ?? kafka.retryTimeoutMs,
    ...(boundMs === undefined ? {} : { appendTimeoutMs: boundMs }),
    readOnly,
    ...(onWaiting === undefined ? {} : { onWaiting }),
    ...(onWarning === undefined ? {} : { onWarning }),
    ...(giveUp === undefined ? {} : { giveUp }),
  });
}

const CLIENT_ID_CHARACTERS_MAX = 200;

/** A query's name may have characters that a broker's metrics do not take. */
export function kafkaClientId(kafka: Pick<KafkaSettings, 'clientId'>, client: string): string {
  const own = `tallystream-${client}`.replaceAll(/[^\w.-]/g, '_').slice(0, CLIENT_ID_CHARACTERS_MAX);
  return kafka.clientId ?? own;
}
