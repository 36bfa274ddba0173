/** How a connection proves who it is, and that the broker is the broker. */
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { AuthenticationError, type ConnectionOptions, type SASLOptions } from '../wire/client.ts';
import { TallystreamError } from '../../../errors.ts';
import type { KafkaSecurity, SaslMechanism } from './options.ts';

/** What the configuration says; null is not set, files are absolute paths. */
export interface SecuritySettings {
  readonly securityProtocol: 'PLAINTEXT' | 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL';
  readonly tlsCaFile: string | null;
  readonly tlsCertFile: string | null;
  readonly tlsKeyFile: string | null;
  readonly saslMechanism: SaslMechanism;
  readonly saslUsername: string | null;
  readonly saslPasswordFile: string | null;
  readonly saslPassword: string | null;
  readonly saslTokenFile: string | null;
  readonly allowPlaintextPassword: boolean;
}

/** Reads the files that the settings name. @throws CONFIG_INVALID */
export async function readSecurity(settings: SecuritySettings): Promise<KafkaSecurity> {
  const { securityProtocol } = settings;
  const encrypts = securityProtocol.endsWith('SSL');
  return {
    ...(encrypts ? { tls: await readTls(settings) } : {}),
    ...(securityProtocol.startsWith('SASL') ? { sasl: await readSasl(settings, encrypts) } : {}),
  };
}

async function readTls(settings: SecuritySettings): Promise<NonNullable<KafkaSecurity['tls']>> {
  const { tlsCaFile, tlsCertFile, tlsKeyFile } = settings;
  if ((tlsCertFile === null) !== (tlsKeyFile === null)) {
    throw new TallystreamError('CONFIG_INVALID', {
      what: 'kafka.tls_cert_file and kafka.tls_key_file must be set together, and one of them is not set.',
    });
  }
  const tls = {
    ...(tlsCaFile === null ? {} : { ca: await readText(tlsCaFile, 'kafka.tls_ca_file') }),
    ...(tlsCertFile === null ? {} : { cert: await readText(tlsCertFile, 'kafka.tls_cert_file') }),
    ...(tlsKeyFile === null ? {} : { key: await readText(tlsKeyFile, 'kafka.tls_key_file') }),
  };
  refuseUnusable(tls);
  return tls;
}

/** Before any connection, since later the same error would look like a broker that is down. @throws CONFIG_INVALID */
function refuseUnusable(tls: NonNullable<KafkaSecurity['tls']>): void {
  try {
    createSecureContext(tls);
  } catch (error) {
    throw new TallystreamError('CONFIG_INVALID', {
      what: 'The files of kafka.tls_ca_file, kafka.tls_cert_file and kafka.tls_key_file cannot be used for TLS.',
      ...(error instanceof Error ? { why: `${error.message}.` } : {}),
      hint: 'All must be PEM files. The key must match the certificate and have no passphrase.',
    });
  }
}

async function readSasl(
  settings: SecuritySettings,
  encrypts: boolean,
): Promise<NonNullable<KafkaSecurity['sasl']>> {
  const { saslMechanism: mechanism, saslUsername: username, saslTokenFile } = settings;
  // SCRAM never sends the password; the other two send what anybody who listens could use again.
  const sendsSecret = mechanism === 'PLAIN' || mechanism === 'OAUTHBEARER';
  if (sendsSecret && !encrypts && !settings.allowPlaintextPassword) {
    throw new TallystreamError('CONFIG_INVALID', {
      what: `${mechanism} would send the secret over an unencrypted connection.`,
      hint: 'Set kafka.security_protocol to SASL_SSL, or allow it with kafka.allow_plaintext_password.',
    });
  }
  if (mechanism === 'OAUTHBEARER') {
    if (saslTokenFile === null) throw notSet(mechanism, 'kafka.sasl_token_file');
    await readText(saslTokenFile, 'kafka.sasl_token_file');
    return { mechanism, token: () => readText(saslTokenFile, 'kafka.sasl_token_file') };
  }
  if (username === null) throw notSet(mechanism, 'kafka.sasl_username');
  return { mechanism, username, password: await passwordOf(settings) };
}

async function passwordOf({
  saslMechanism,
  saslPasswordFile,
  saslPassword,
}: SecuritySettings): Promise<string> {
  if (saslPasswordFile !== null) return readText(saslPasswordFile, 'kafka.sasl_password_file');
  if (saslPassword !== null) return saslPassword;
  throw notSet(saslMechanism, 'kafka.sasl_password_file (or TALLYSTREAM_KAFKA_SASL_PASSWORD)');
}

function notSet(mechanism: string, setting: string): TallystreamError {
  return new TallystreamError('CONFIG_INVALID', { what: `${mechanism} needs ${setting}, which is not set.` });
}

/** What may be a secret itself, if somebody has set it in place of the file's name. */
const SECRET_FILES: ReadonlySet<string> = new Set([
  'kafka.tls_key_file',
  'kafka.sasl_password_file',
  'kafka.sasl_token_file',
]);

/** Without the line break at its end, which an editor leaves and no secret has. */
async function readText(path: string, setting: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).trimEnd();
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? `${String(error.code)}.` : undefined;
    if (SECRET_FILES.has(setting)) {
      throw new TallystreamError('CONFIG_INVALID', {
        what: `The file that ${setting} names cannot be read.`,
        ...(why === undefined ? {} : { why }),
        hint: 'Set it to the path of a file, not to the contents of the file.',
      });
    }
    throw new TallystreamError('CONFIG_INVALID', {
      what: `The file that ${setting} names cannot be read: ${path}.`,
      why: why ?? String(error),
      cause: error,
    });
  }
}

/** For one connection of the client. */
export function connectionSecurity(
  security: KafkaSecurity | undefined,
): Pick<ConnectionOptions, 'tls' | 'sasl'> {
  const { tls, sasl } = security ?? {};
  return {
    // Verification is Node's default; it is written out so that no environment turns it off unseen.
    ...(tls === undefined ? {} : { tls: { ...tls, rejectUnauthorized: true, minVersion: 'TLSv1.2' } }),
    ...(sasl === undefined ? {} : { sasl: saslOptions(sasl) }),
  };
}

function saslOptions({
  mechanism,
  username,
  password,
  token,
}: NonNullable<KafkaSecurity['sasl']>): SASLOptions {
  return {
    mechanism,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(token === undefined ? {} : { token }),
    ...(mechanism === 'OAUTHBEARER' ? { authBytesValidator: refuseFailure } : {}),
  };
}

/** The broker refuses a token in an answer that is no error; one that takes it says nothing (RFC 7628, 3.2.2). */
const refuseFailure: NonNullable<SASLOptions['authBytesValidator']> = (answer, callback) => {
  if (answer.length === 0) callback(null, answer);
  else callback(new AuthenticationError('The broker rejected the token.'));
};
