import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  AuthenticationError,
  MultipleErrors,
  NetworkError,
  ProtocolError,
  TimeoutError,
  UserError,
} from '@platformatic/kafka';
import { InvariantError, TallystreamError } from '../../../../src/errors.ts';
import {
  brokerCodesOf,
  BrokerFault,
  judge,
  NotKafkaError,
  unavailable,
} from '../../../../src/log/kafka/wire/errors.ts';

function systemError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

/** As the client wraps what a socket says. */
function connectionError(cause: Error): Error {
  return new NetworkError('Connection to b:9092 failed.', { cause });
}

/** As the client wraps what a broker answers. */
function answered(...codes: number[]): Error {
  return new MultipleErrors(
    'Received response with error while executing API',
    codes.map((code) => new ProtocolError(code)),
  );
}

describe('an error that may pass', () => {
  const cases: readonly [name: string, error: Error, why: RegExp][] = [
    [
      'a refused connection',
      connectionError(systemError('ECONNREFUSED', 'connect ECONNREFUSED')),
      /ECONNREFUSED/,
    ],
    ['a connection that broke', connectionError(systemError('ECONNRESET', 'read ECONNRESET')), /ECONNRESET/],
    [
      'a name that is not known',
      connectionError(systemError('ENOTFOUND', 'getaddrinfo ENOTFOUND b')),
      /ENOTFOUND b/,
    ],
    ['a connection that closed', new NetworkError('Connection closed'), /^Connection closed$/],
    ['a request without an answer', new TimeoutError('Request timed out'), /^Request timed out$/],
    [
      'something else that listens',
      connectionError(new NotKafkaError('b:80', 'HTTP/1.1 400\r\nServer: x')),
      /not Apache Kafka; it answers "HTTP\/1\.1 400"$/,
    ],
    // Whether it speaks TLS at all cannot be told from a broker that is just ending.
    [
      'a TLS handshake that was cut off',
      connectionError(new UserError('TLS handshake failed.', { cause: systemError('ECONNRESET', 'reset') })),
      /TLS handshake failed/,
    ],
    [
      'a broker that left in the middle of a login',
      connectionError(
        new AuthenticationError('Cannot find a suitable SASL mechanism.', {
          cause: new NetworkError('Connection closed'),
        }),
      ),
      /Connection closed/,
    ],
    ['a leader that moved', answered(6), /the broker answers NOT_LEADER_OR_FOLLOWER/],
    ['a topic that not every broker knows', answered(3), /UNKNOWN_TOPIC_OR_PARTITION/],
    ['a leader that was replaced', new BrokerFault(74), /FENCED_LEADER_EPOCH/],
    ['a new leader that has not caught up', answered(78), /OFFSET_NOT_AVAILABLE/],
    ['too few replicas', answered(19, 20), /NOT_ENOUGH_REPLICAS, NOT_ENOUGH_REPLICAS_AFTER_APPEND/],
    ['a coordinator that moved', answered(16), /NOT_COORDINATOR/],
    ['a producer that is not known any more', answered(59), /UNKNOWN_PRODUCER_ID/],
    ['an error that says nothing', answered(-1), /the broker answers/],
    ['a request in the middle of a new login', new BrokerFault(34), /ILLEGAL_SASL_STATE/],
    [
      'a controller that knows no broker yet',
      new BrokerFault(38, 'Unable to replicate the partition 1 time(s): All brokers are currently fenced.'),
      /currently fenced/,
    ],
  ];
  for (const [name, error, why] of cases) {
    test(`is ${name}`, () => {
      const verdict = judge(error);
      assert.ok(verdict.kind === 'passing', String(verdict.kind === 'final' && verdict.error));
      assert.match(verdict.why, why);
    });
  }
});

describe('an error that does not pass', () => {
  const cases: readonly [name: string, error: unknown, code: string, words: RegExp][] = [
    [
      'a wrong password',
      connectionError(new AuthenticationError('SASL authentication failed.', { cause: answered(58) })),
      'CONFIG_INVALID',
      /rejected the credentials.*kafka\.sasl_mechanism/,
    ],
    [
      'TLS on one side alone',
      new UserError('Broker requires TLS.'),
      'CONFIG_INVALID',
      /kafka\.security_protocol sets/,
    ],
    [
      'a certificate that nobody signed',
      connectionError(systemError('SELF_SIGNED_CERT_IN_CHAIN', 'self-signed')),
      'CONFIG_INVALID',
      /kafka\.tls_ca_file/,
    ],
    [
      'a certificate of another host',
      connectionError(systemError('ERR_TLS_CERT_ALTNAME_INVALID', 'altname')),
      'CONFIG_INVALID',
      /names the host/,
    ],
    [
      'a missing permission',
      answered(29),
      'CONFIG_INVALID',
      /not authorized: TOPIC_AUTHORIZATION_FAILED.*ACL/,
    ],
    [
      'a replication factor that cannot be',
      answered(38),
      'CONFIG_INVALID',
      /rejected the request: INVALID_REPLICATION_FACTOR/,
    ],
    ['a request that the broker does not know', answered(35), 'CONFIG_INVALID', /Kafka 3\.1 or later/],
    ['a code without a row', answered(43), 'LOG_UNAVAILABLE', /kafka\.bootstrap_servers/],
    ['one such code among those that pass', answered(6, 43), 'LOG_UNAVAILABLE', /is unavailable/],
  ];
  for (const [name, error, code, words] of cases) {
    test(`is ${name}, in words to act on`, () => {
      const verdict = judge(error);
      assert.ok(verdict.kind === 'final' && verdict.error instanceof TallystreamError);
      assert.equal(verdict.error.code, code);
      assert.match(verdict.error.message, words);
    });
  }

  test('is one of ours, a fault of the program, and whatever is no error: as it is', () => {
    const ours = unavailable('a reason');
    const kept: unknown[] = [ours, new InvariantError('impossible'), new TypeError('x is not a function')];
    for (const error of kept) {
      const verdict = judge(error);
      assert.equal(verdict.kind === 'final' && verdict.error, error);
    }
    const thrown = judge('a word');
    assert.equal(thrown.kind === 'final' && thrown.error.message, 'a word');
  });
});

test('a reason becomes one sentence, with what to do', () => {
  assert.equal(
    unavailable('the log was closed.').message,
    'Apache Kafka is unavailable. The log was closed. Check that the brokers are running and that kafka.bootstrap_servers lists them.',
  );
});

test('codes are found wherever they lie, each once', () => {
  const error = new Error('outside', { cause: new AggregateError([answered(6, 3), new BrokerFault(6)]) });
  assert.deepEqual(brokerCodesOf(error), [6, 3]);
  assert.deepEqual(brokerCodesOf('no error'), []);
});
