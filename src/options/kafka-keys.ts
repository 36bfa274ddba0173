import { key } from '../values/key.ts';
import { duration } from '../values/units.ts';
import { anyText, boolean, file, integer, oneOf, orOff, orWord, servers, text } from '../values/values.ts';

/** The keys of the section `kafka`. */
export const KAFKA_KEYS = {
  bootstrapServers: key(
    'bootstrap_servers',
    servers(),
    'localhost:9092',
    'The brokers to ask first, as host:port; not used by the embedded log.',
    { flag: { name: 'bootstrap-servers', argument: 'HOST:PORT,…' } },
  ),
  clientId: key(
    'client_id',
    orWord(text(/^[\w.-]{1,200}$/, 'a name of letters, digits, dots, underscores and hyphens'), 'auto', null),
    'auto',
    'The name under which brokers log, measure and limit this client, where auto is tallystream-<query>.',
  ),
  acks: key(
    'acks',
    oneOf(['all', '1']),
    'all',
    'Who has to have an event before it counts as written: all is every in-sync replica, without doubles; 1 is the leader alone, which may lose it.',
  ),
  compression: key(
    'compression',
    oneOf(['none', 'gzip', 'snappy', 'lz4', 'zstd']),
    'none',
    'How produce compresses what it writes; whatever others used is read.',
  ),
  replicationFactor: key(
    'replication_factor',
    orWord(integer(1, 100), 'broker', null),
    'broker',
    "Copies of a topic that is made here, or broker for the cluster's own default.",
  ),
  connectTimeoutMs: key(
    'connect_timeout',
    duration('100 ms', '1 hour'),
    '10 seconds',
    'How long a command that starts waits for a first answer of a broker before it gives up.',
  ),
  requestTimeoutMs: key(
    'request_timeout',
    duration('2 seconds', '10 minutes'),
    '10 seconds',
    'How long one request may take before its connection is given up and another one tried.',
  ),
  retryTimeoutMs: key(
    'retry_timeout',
    duration('0 seconds', '1 day'),
    '2 minutes',
    'How long a query goes on trying while no broker answers before it gives up; for produce it is producer.retry_timeout.',
  ),
  outputTopics: key(
    'output_topics',
    boolean(),
    'false',
    'Whether each batch also writes totals to <topic>.totals and dead letters to <topic>.dead-letters, exactly once; what it has written stands in <topic>.control.',
  ),
  publishOffsets: key(
    'publish_offsets',
    boolean(),
    'true',
    "Whether the query's offsets are also written to the consumer group of its name, for tools that show lag; what counts is the checkpoint.",
  ),
  securityProtocol: key(
    'security_protocol',
    oneOf(['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL']),
    'PLAINTEXT',
    'Whether connections are encrypted (SSL), whether they log in (SASL), or both.',
  ),
  tlsCaFile: key(
    'tls_ca_file',
    orOff(file()),
    'off',
    "PEM file of the authorities that may sign a broker's certificate, or off for those that the system trusts.",
  ),
  tlsCertFile: key(
    'tls_cert_file',
    orOff(file()),
    'off',
    'PEM file of the certificate to show to brokers that ask for one, or off.',
  ),
  tlsKeyFile: key('tls_key_file', orOff(file()), 'off', 'PEM file of the key of that certificate, or off.', {
    namesSecretFile: true,
  }),
  saslMechanism: key(
    'sasl_mechanism',
    oneOf(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER']),
    'SCRAM-SHA-512',
    'How to log in where security_protocol has SASL.',
  ),
  saslUsername: key('sasl_username', orOff(anyText()), 'off', 'The user to log in as, or off.'),
  saslPasswordFile: key(
    'sasl_password_file',
    orOff(file()),
    'off',
    'File that holds the password and nothing else, or off to take it from the environment.',
    { namesSecretFile: true },
  ),
  saslPassword: key(
    'sasl_password',
    orOff(anyText()),
    'off',
    'The password, or off; set it as TALLYSTREAM_KAFKA_SASL_PASSWORD, since a configuration file is no place for a secret.',
    { secret: true },
  ),
  saslTokenFile: key(
    'sasl_token_file',
    orOff(file()),
    'off',
    'File that holds the OAUTHBEARER token, read again for every connection, or off.',
    { namesSecretFile: true },
  ),
  allowPlaintextPassword: key(
    'allow_plaintext_password',
    boolean(),
    'false',
    'Whether PLAIN and OAUTHBEARER may send their secret over a connection that is not encrypted.',
  ),
} as const;
