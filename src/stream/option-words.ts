/**
 * Messages name a setting by its key in the configuration, as the commands do. A program has options instead, so its
 * session puts their names in the place of the keys.
 */
import type { Logger, LogFields } from '../contracts/logger.ts';
import { TallystreamError } from '../errors.ts';

const OPTIONS: Readonly<Record<string, string>> = {
  'query.name': 'queryName',
  'query.watermark_delay': 'delay of withWatermark',
  'query.checkpoint_location': 'checkpointLocation',
  'query.time_zone': 'timeZone',
  'query.idle_timeout': 'idleTimeout',
  'query.clock_skew_max': 'clockSkewMax',
  'query.max_offsets_per_trigger': 'maxOffsetsPerTrigger',
  'query.state_bytes_max': 'stateBytesMax',
  'query.workers': 'workers',
  'query.fail_on_data_loss': 'failOnDataLoss',
  'query.dead_letter_bytes_max': 'deadLetterBytesMax',
  'query.dead_letters_when_full': 'deadLettersWhenFull',
  'query.assume_time_zone': 'assumeTimeZone',
  'query.value_bytes_max': 'valueBytesMax',
  'log.topic': 'subscribe',
  'log.partitions': 'partitions',
  'kafka.bootstrap_servers': 'kafka.bootstrap.servers',
  'kafka.client_id': 'kafka.client.id',
  'kafka.security_protocol': 'kafka.security.protocol',
  'kafka.sasl_mechanism': 'kafka.sasl.mechanism',
  'kafka.sasl_username': 'kafka.sasl.username',
  TALLYSTREAM_KAFKA_SASL_PASSWORD: 'kafka.sasl.password',
  'kafka.tls_ca_file': 'kafka.ssl.ca.location',
  'kafka.tls_cert_file': 'kafka.ssl.certificate.location',
  'kafka.tls_key_file': 'kafka.ssl.key.location',
  'kafka.request_timeout': 'kafka.request.timeout.ms',
  'kafka.connect_timeout': 'kafka.socket.connection.setup.timeout.ms',
  'kafka.retry_timeout': 'kafka.default.api.timeout.ms',
  '--take-over': "option('takeOver', true)",
};

/** A key may have no sign of a longer name around it: `kafka.acks` is none of `-X kafka.acks.of.mine`. */
const KEYS = new RegExp(
  `(?<![\\w.-])(?:${Object.keys(OPTIONS)
    .map((key) => key.replaceAll('.', '\\.'))
    .join('|')})(?![\\w-]|\\.\\w)`,
  'g',
);

/** The text with the names of options. */
export function inWordsOfOptions(text: string): string {
  return text.replace(KEYS, (key) => OPTIONS[key] ?? key);
}

/** The error with the names of options; the same one if it names no key. */
export function errorInWordsOfOptions(error: unknown): unknown {
  if (!(error instanceof TallystreamError)) return error;
  const [what, why, hint] = [error.what, error.why, error.hint].map((part) =>
    part === undefined ? undefined : inWordsOfOptions(part),
  ) as [string, string | undefined, string | undefined];
  if (what === error.what && why === error.why && hint === error.hint) return error;
  const translated = new TallystreamError(error.code, {
    what,
    ...(why !== undefined && { why }),
    ...(hint !== undefined && { hint }),
    cause: error.cause,
  });
  if (error.stack !== undefined) translated.stack = error.stack.replace(error.message, translated.message);
  return translated;
}

/** Does what throws errors that name keys. @throws the same with the names of options */
export function inWordsOfProgram<T>(act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw errorInWordsOfOptions(error);
  }
}

/** A logger whose lines have the names of options. */
export function loggerInWordsOfOptions(logger: Logger): Logger {
  const at = (level: 'debug' | 'info' | 'warn' | 'error') => (fields: LogFields, message: string) =>
    logger[level](fields, inWordsOfOptions(message));
  return {
    child: (bindings) => loggerInWordsOfOptions(logger.child(bindings)),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
  };
}
