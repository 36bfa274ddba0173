import { key } from '../values/key.ts';
import { duration } from '../values/units.ts';
import { anyText, boolean, file, integer, oneOf, orOff, orWord, servers, text } from '../values/values.ts';

/** The keys of the section `kafka`. */
export const KAFKA_KEYS = {
  bootstrapServers: key(
    'bootstrap_servers',
    servers(),
    'localhost:9092',
    'Brokers to connect to first, as host:port. Not used by the embedded log.',
    { flag: { name: 'bootstrap-servers', argument: 'HOST:PORT,…' } },
  ),
  clientId: key(
    'client_id',
    orWord(text(/^[\w.-]{1,200}$/, 'a name of letters, digits, dots, underscores and hyphens'), 'auto', null),
    'auto',
    'Client name that brokers use in their logs, metrics and quotas; auto is tallystream-<query>.',
  ),
  acks: key(
    'acks',
    oneOf(['all', '1']),
    'all',
    'Which replicas must acknowledge a write: all is every in-sync replica, and also prevents duplicates; 1 is the leader alone, and events can be lost.',
  ),
  compression: key(
    'compression',
    oneOf(['none', 'gzip', 'snappy', 'lz4', 'zstd']),
    'none',
    'Compression of the records that produce writes. Reading supports all of them.',
  ),
  replicationFactor: key(
    'replication_factor',
    orWord(integer(1, 100), 'broker', null),
    'broker',
    "Replicas of a topic that tallystream creates; broker is the cluster's default.",
  ),
  connectTimeoutMs: key(
    'connect_timeout',
    duration('100 ms', '1 hour'),
    '10 seconds',
    'How long a command waits at its start for the first answer from a broker.',
  ),
  requestTimeoutMs: key(
    'request_timeout',
    duration('2 seconds', '10 minutes'),
    '10 seconds',
    'How long one request may take before its connection is closed and another one is tried.',
  ),
  retryTimeoutMs: key(
    'retry_timeout',
    duration('0 seconds', '1 day'),
    '2 minutes',
    'How long a query retries while no broker answers, before it fails. For produce, set producer.retry_timeout.',
  ),
  outputTopics: key(
    'output_topics',
    boolean(),
    'false',
    'Whether each batch also writes totals to <topic>.totals and dead letters to <topic>.dead-letters, exactly once. The topic <topic>.control records what was written.',
  ),
  publishOffsets: key(
    'publish_offsets',
    boolean(),
    'true',
    "Whether the query's offsets are also written to the consumer group of its name, for tools that show lag. The query itself uses only its checkpoint.",
  ),
  securityProtocol: key(
    'security_protocol',
    oneOf(['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL']),
    'PLAINTEXT',
    'Whether connections use encryption (SSL), authentication (SASL), or both.',
  ),
  tlsCaFile: key(
    'tls_ca_file',
    orOff(file()),
    'off',
    "PEM file of the certificate authorities to trust for brokers' certificates; off uses those that the system trusts.",
  ),
  tlsCertFile: key(
    'tls_cert_file',
    orOff(file()),
    'off',
    'PEM file of the client certificate, for brokers that require one, or off.',
  ),
  tlsKeyFile: key(
    'tls_key_file',
    orOff(file()),
    'off',
    'PEM file of the private key of that certificate, or off.',
    {
      namesSecretFile: true,
    },
  ),
  saslMechanism: key(
    'sasl_mechanism',
    oneOf(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER']),
    'SCRAM-SHA-512',
    'How to authenticate if security_protocol contains SASL.',
  ),
  saslUsername: key('sasl_username', orOff(anyText()), 'off', 'User name for authentication, or off.'),
  saslPasswordFile: key(
    'sasl_password_file',
    orOff(file()),
    'off',
    'File that contains only the password; off reads it from the environment.',
    { namesSecretFile: true },
  ),
  saslPassword: key(
    'sasl_password',
    orOff(anyText()),
    'off',
    'The password, or off. Set it with TALLYSTREAM_KAFKA_SASL_PASSWORD; do not keep a secret in the configuration file.',
    { secret: true },
  ),
  saslTokenFile: key(
    'sasl_token_file',
    orOff(file()),
    'off',
    'File that contains the OAUTHBEARER token, or off. It is read again for every connection.',
    { namesSecretFile: true },
  ),
  allowPlaintextPassword: key(
    'allow_plaintext_password',
    boolean(),
    'false',
    'Whether PLAIN and OAUTHBEARER may send their secret over an unencrypted connection.',
  ),
} as const;
