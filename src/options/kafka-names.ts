/**
 * Kafka's own names for settings, as `-X` takes them. The names are those of the Java clients
 * (https://kafka.apache.org/documentation/#configuration); librdkafka's names are accepted too. A setting that would break
 * the query's guarantees is rejected with the reason, never ignored.
 */

/** What a value means. */
export type KafkaReading =
  /** The text for the configuration key of this name, as the file would have it. */
  | { readonly kind: 'set'; readonly text: string }
  /** The value asks for what happens anyway. */
  | { readonly kind: 'as it is' }
  /** `refused` rejects this value, `never` every value. Whole sentences, without the value, which may be a secret. */
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'never'; readonly why: string };

export interface KafkaName {
  /** The key that it sets, such as `producer.linger`; null if it sets none. */
  readonly path: string | null;
  read(value: string): KafkaReading;
}

const REFUSED = {
  offsets:
    'A query commits its offsets with its totals, in the checkpoint. Remove this setting; kafka.publish_offsets shows the offsets to lag tools.',
  membership:
    'A query does not join a consumer group: its plan says what it reads. Remove this setting; use query.idle_timeout for partitions without new events.',
  fetching:
    'Fetches have a fixed size, so that memory stays bounded. Use query.max_offsets_per_trigger to limit a batch.',
  bytes: 'Keys and values are sent as bytes, unchanged. Remove this setting.',
  backoff:
    'The pause between retries grows automatically. Use retries or delivery.timeout.ms to limit retries.',
  keystore: 'Keys are read from PEM files. Use ssl.certificate.location and ssl.key.location.',
  passphrase:
    'Key files with a passphrase are not supported. Use a key file without one that only you can read.',
  inline:
    'Certificates and keys are read from files. Use ssl.ca.location, ssl.certificate.location and ssl.key.location.',
} as const;

const TABLE: Readonly<Record<string, KafkaName>> = {
  'bootstrap.servers': same('kafka.bootstrap_servers'),
  'metadata.broker.list': same('kafka.bootstrap_servers'),
  'client.id': same('kafka.client_id'),
  'security.protocol': { path: 'kafka.security_protocol', read: (value) => set(value.toUpperCase()) },
  'sasl.mechanism': same('kafka.sasl_mechanism'),
  'sasl.mechanisms': same('kafka.sasl_mechanism'),
  'sasl.username': same('kafka.sasl_username'),
  'sasl.password': same('kafka.sasl_password'),
  'ssl.ca.location': pemFile('kafka.tls_ca_file'),
  'ssl.truststore.location': pemFile('kafka.tls_ca_file'),
  'ssl.certificate.location': pemFile('kafka.tls_cert_file'),
  'ssl.key.location': pemFile('kafka.tls_key_file'),
  'request.timeout.ms': milliseconds('kafka.request_timeout'),
  'socket.connection.setup.timeout.ms': milliseconds('kafka.connect_timeout'),
  'default.api.timeout.ms': milliseconds('kafka.retry_timeout'),

  acks: { path: 'kafka.acks', read: readAcks },
  'request.required.acks': { path: 'kafka.acks', read: readAcks },
  'enable.idempotence': {
    path: 'kafka.acks',
    read: (value) =>
      value === 'true'
        ? set('all')
        : refused(
            'A retry after a lost response would write events twice. Use acks=1 if an acknowledgement by the leader alone is enough.',
          ),
  },
  'compression.type': same('kafka.compression'),
  'compression.codec': same('kafka.compression'),
  'linger.ms': milliseconds('producer.linger'),
  'queue.buffering.max.ms': milliseconds('producer.linger'),
  'batch.size': same('producer.batch_bytes_max'),
  'batch.num.messages': same('producer.batch_records_max'),
  retries: same('producer.retries'),
  'message.send.max.retries': same('producer.retries'),
  'delivery.timeout.ms': milliseconds('producer.retry_timeout'),
  'message.timeout.ms': milliseconds('producer.retry_timeout'),

  'isolation.level': onlyAs(
    'read_committed',
    'An uncommitted record may be rolled back after it was counted. Remove this setting: a query always uses read_committed.',
  ),
  'ssl.endpoint.identification.algorithm': onlyAs(
    'https',
    "The host name in a broker's certificate is always verified. Use that name in bootstrap.servers.",
  ),
  'enable.ssl.certificate.verification': onlyAs(
    'true',
    "A broker's certificate is always verified. Use ssl.ca.location to name the authority that signed it.",
  ),
  'ssl.truststore.type': onlyAs('PEM', 'Authorities are read from a PEM file. Use ssl.ca.location.'),
  'ssl.keystore.type': onlyAs('PEM', REFUSED.keystore),

  'group.id': never(
    'A query uses the offsets in its checkpoint, not those of a group. Use query.name, which is also the group that lag tools see.',
  ),
  'transactional.id': never(
    "It is derived from the checkpoint, so that a restarted query ends its own transactions and no other query's. Use query.name to distinguish queries.",
  ),
  'transaction.timeout.ms': never(
    'A transaction may last as long as a batch. Use query.max_offsets_per_trigger to make batches smaller.',
  ),
  'auto.offset.reset': never(
    'A query starts at the earliest record, and later continues from its checkpoint; it never skips records by itself. Use query.fail_on_data_loss for records that are gone, and another query.name to start again.',
  ),
  'enable.auto.commit': never(REFUSED.offsets),
  'auto.commit.interval.ms': never(REFUSED.offsets),
  'enable.auto.offset.store': never(REFUSED.offsets),
  'group.instance.id': never(REFUSED.membership),
  'group.protocol': never(REFUSED.membership),
  'session.timeout.ms': never(REFUSED.membership),
  'heartbeat.interval.ms': never(REFUSED.membership),
  'max.poll.interval.ms': never(REFUSED.membership),
  'partition.assignment.strategy': never(REFUSED.membership),
  'max.poll.records': never(REFUSED.fetching),
  'fetch.min.bytes': never(REFUSED.fetching),
  'fetch.max.bytes': never(REFUSED.fetching),
  'fetch.max.wait.ms': never(REFUSED.fetching),
  'max.partition.fetch.bytes': never(REFUSED.fetching),
  'key.serializer': never(REFUSED.bytes),
  'value.serializer': never(REFUSED.bytes),
  'key.deserializer': never(REFUSED.bytes),
  'value.deserializer': never(REFUSED.bytes),
  'partitioner.class': never(
    "Keys are assigned to partitions as in Kafka's Java client. Remove this setting.",
  ),
  partitioner: never("Keys are assigned to partitions as in Kafka's Java client. Remove this setting."),
  'max.in.flight.requests.per.connection': never(
    'One batch is in flight at a time, so that retries keep the order. Use batch.size to send more at once.',
  ),
  'max.request.size': never('A request is as large as its batch. Use batch.size.'),
  'buffer.memory': never('The producer holds at most two batches. Use batch.size.'),
  'retry.backoff.ms': never(REFUSED.backoff),
  'retry.backoff.max.ms': never(REFUSED.backoff),
  'sasl.jaas.config': never(
    'It is a setting of Java. Use sasl.username, and kafka.sasl_password_file for the password.',
  ),
  'sasl.oauthbearer.token.endpoint.url': never('Tokens are read from a file. Use kafka.sasl_token_file.'),
  'ssl.keystore.location': never(REFUSED.keystore),
  'ssl.keystore.password': never(REFUSED.passphrase),
  'ssl.truststore.password': never(
    'A PEM file of certificate authorities needs no password. Remove this setting.',
  ),
  'ssl.key.password': never(REFUSED.passphrase),
  'ssl.keystore.key': never(REFUSED.inline),
  'ssl.keystore.certificate.chain': never(REFUSED.inline),
  'ssl.truststore.certificates': never(REFUSED.inline),
};

/** Every known name, including rejected ones. */
export const KAFKA_NAMES: readonly string[] = Object.freeze(Object.keys(TABLE));

/** @param name without the prefix `kafka.`. Returns undefined if the name is unknown. */
export function kafkaName(name: string): KafkaName | undefined {
  return Object.hasOwn(TABLE, name) ? TABLE[name] : undefined;
}

function set(text: string): KafkaReading {
  return { kind: 'set', text };
}

function refused(why: string): KafkaReading {
  return { kind: 'refused', why };
}

function same(path: string): KafkaName {
  return { path, read: set };
}

function milliseconds(path: string): KafkaName {
  const read = (value: string): KafkaReading =>
    /^[0-9]{1,15}$/.test(value)
      ? set(`${value} ms`)
      : refused('It is a whole number of milliseconds, without a unit.');
  return { path, read };
}

/** Java's own stores are recognised by their file names: opened as PEM, one would only seem empty. */
function pemFile(path: string): KafkaName {
  const read = (value: string): KafkaReading =>
    /\.(jks|p12|pfx|keystore|truststore)$/i.test(value)
      ? refused(
          'This is a Java store, and a PEM file is needed. `keytool -exportcert -rfc` exports a certificate as PEM.',
        )
      : set(value);
  return { path, read };
}

function onlyAs(only: string, why: string): KafkaName {
  return { path: null, read: (value) => (value === only ? { kind: 'as it is' } : refused(why)) };
}

function never(why: string): KafkaName {
  return { path: null, read: () => ({ kind: 'never', why }) };
}

function readAcks(value: string): KafkaReading {
  if (value === '0')
    return refused('An event would count as written before any broker has stored it. Use all, or 1.');
  return set(value === '-1' ? 'all' : value);
}
